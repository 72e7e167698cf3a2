"""What of a request may be written into the log."""

from __future__ import annotations

import re

import structlog
from django.http import HttpRequest, HttpResponse
from django_structlog.middlewares import RequestMiddleware

from accounts.lockout import client_address

_SECRET = re.compile(r"[A-Za-z0-9_=-]{20,}")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class RequestLogMiddleware(RequestMiddleware):
    """Names each request in the log by method and path: no query (people search for names and numbers), no secrets."""

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        """Tells the client the id under which the log knows the request."""
        response["X-Request-Id"] = structlog.contextvars.get_contextvars().get("request_id", "")
        super().handle_response(request, response)

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {without_secrets(request.path)}"

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        """The address that the brakes count by: a client cannot write another one into the log."""
        structlog.contextvars.bind_contextvars(ip=client_address(request))


def without_secrets(path: str) -> str:
    """`path` with its tokens (of invitations and password resets) left out; ids stay."""
    return "/".join(
        "…" if _SECRET.fullmatch(piece) and not _ID.fullmatch(piece) else piece for piece in path.split("/")
    )

"""Request logging without personal data and secrets."""

from __future__ import annotations

import re

import structlog
from django.http import HttpRequest, HttpResponse
from django_structlog.middlewares import RequestMiddleware

from accounts.lockout import client_address

_SECRET = re.compile(r"[A-Za-z0-9_=-]{20,}")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class RequestLogMiddleware(RequestMiddleware):
    """Middleware: log method and path of requests, without query (it may hold names and numbers) and tokens."""

    def handle_response(self, request: HttpRequest, response: HttpResponse) -> None:
        """Add the X-Request-Id of the log to the response."""
        response["X-Request-Id"] = structlog.contextvars.get_contextvars().get("request_id", "")
        super().handle_response(request, response)

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        return f"{request.method} {mask_secrets(request.path)}"

    @classmethod
    def bind_ip(cls, request: HttpRequest) -> None:
        """Bind the address that rate limits use, which the client cannot forge."""
        structlog.contextvars.bind_contextvars(ip=client_address(request))


def mask_secrets(path: str) -> str:
    """Mask the tokens (of invitations and password resets) in `path`; ids stay."""
    return "/".join(
        "…" if _SECRET.fullmatch(piece) and not _ID.fullmatch(piece) else piece for piece in path.split("/")
    )

"""Error pages, and their JSON for the API."""

from __future__ import annotations

import structlog
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import loader

from core.api import envelope

API_PREFIX = "/api/"


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 400: malformed request."""
    return _answer(request, 400, "bad_request", "The request could not be understood.", "errors/400.html")


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 403: forbidden."""
    return _answer(request, 403, "forbidden", "You are not allowed to do this.", "errors/403.html")


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer 404: unknown URL or object."""
    return _answer(request, 404, "not_found", "There is nothing at this address.", "errors/404.html")


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 500: unhandled exception."""
    return _answer(request, 500, "server_error", "Something went wrong on our side.", "errors/500.html")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer 403: no valid CSRF token (expired session, blocked cookies, another site)."""
    message = "This form is no longer valid. Reload the page and try again."
    return _answer(request, 403, "csrf_failed", message, "errors/403_csrf.html")


def _answer(request: HttpRequest, status: int, code: str, message: str, template: str) -> HttpResponse:
    """Return JSON for the API, else a page that needs neither database nor session."""
    if request.path.startswith(API_PREFIX):
        return JsonResponse(envelope.failure(code, message), status=status)
    context = {"status": status, "request_id": request_id(request)}
    return HttpResponse(loader.render_to_string(template, context), status=status)


def request_id(request: HttpRequest) -> str:
    """Return the request's id in the logs; empty if it was rejected before it got one."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))

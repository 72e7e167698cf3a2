"""Responses to htmx: page or partial, toasts, redirects, and the middleware for DomainError."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render as render_template
from django.shortcuts import resolve_url
from django.utils.cache import patch_vary_headers
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect, reswap, trigger_client_event

from core.api import envelope
from core.errors import DomainError

HEADINGS = {
    403: "Not allowed",
    404: "Not found",
    409: "Not possible now",
    422: "Please correct this",
    429: "Too many tries",
}


def wants_partial(request: HttpRequest) -> bool:
    """Whether htmx requested a partial: neither a boosted link nor a page restored from the history."""
    htmx = getattr(request, "htmx", None)
    if htmx is None or not htmx:
        return False
    return not htmx.boosted and not htmx.history_restore_request


def render(
    request: HttpRequest,
    page_template: str,
    partial_template: str,
    context: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render the page, or for htmx only the partial that the page includes.

    status: 422 for an invalid form, which htmx swaps in without taking it for success.
    """
    template = partial_template if wants_partial(request) else page_template
    response = render_template(request, template, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def toast(response: HttpResponse, message: str, level: str = "success") -> HttpResponse:
    """Make the page show `message` as a toast. level: "success", "info", "warning" or "danger"."""
    return trigger_client_event(response, "toast", {"level": level, "message": message})


def redirect(request: HttpRequest, to: str, *args: Any, **kwargs: Any) -> HttpResponse:
    """Redirect to a path, or to a route with its arguments; to the home page if that is on another site.

    htmx gets a client-side redirect, because it would swap the target of a 302 into the page.
    """
    url = resolve_url(to, *args, **kwargs)
    if not is_local(request, url):
        url = resolve_url(settings.LOGIN_REDIRECT_URL)
    if getattr(request, "htmx", None):
        return HttpResponseClientRedirect(url)
    return HttpResponseRedirect(url)


def is_local(request: HttpRequest, url: str) -> bool:
    """Whether `url` is on this site."""
    return url_has_allowed_host_and_scheme(
        url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )


class DomainErrorMiddleware:
    """Middleware: render DomainErrors for people, and turn a partial's login redirect into one of the page.

    Errors of the API are handled before, by `core.api.errors.ExceptionHandler`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if wants_partial(request) and _leads_to_login(response):
            return _login_as_page(request)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer a DomainError; leave everything else to Django."""
        if not isinstance(exception, DomainError):
            return None
        if getattr(request, "htmx", None):
            response = HttpResponse(status=exception.status)
            return reswap(toast(response, exception.message, "danger"), "none")
        if request.headers.get("Accept", "").startswith("application/json"):
            return JsonResponse(envelope.failure_of(exception), status=exception.status)
        return _error_page(request, exception)


def _error_page(request: HttpRequest, error: DomainError) -> HttpResponse:
    context = {
        "status": error.status,
        "code": error.code,
        "heading": HEADINGS.get(error.status, "This did not work"),
        "message": error.message,
    }
    return render_template(request, "errors/domain.html", context, status=error.status)


def _leads_to_login(response: HttpResponse) -> bool:
    location = response.headers.get("Location", "")
    return response.status_code == 302 and location.split("?")[0] == resolve_url(settings.LOGIN_URL)


def _login_as_page(request: HttpRequest) -> HttpResponse:
    try:
        here = request.htmx.current_url_abs_path or "/"  # type: ignore[attr-defined]
    except ValueError:  # the client controls this header
        here = "/"
    return HttpResponseClientRedirect(redirect_to_login(here)["Location"])

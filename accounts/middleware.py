"""Middleware that sets `request.access`, the time zone and cache headers of members."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.access import SESSION_KEY, find_access
from accounts.models import User
from accounts.services import audit


class AccessMiddleware:
    """Sets `request.access` (Access or None) and activates the user's time zone.

    Pages of signed-in users are not cached unless their view says so: after signing out, the next person at this
    browser could go back to them, and a proxy could serve them to somebody else.

    It also resets the audit log's acting API key, because a thread serves many requests.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.access = None  # type: ignore[attr-defined]
        token = audit.acting_key.set("")
        try:
            return self._respond(request)
        finally:
            audit.acting_key.reset(token)

    def _respond(self, request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return self.get_response(request)
        response = self._as_member(request, request.user)
        if not response.has_header("Cache-Control"):
            response["Cache-Control"] = "private, no-store"
        return response

    def _as_member(self, request: HttpRequest, user: User) -> HttpResponse:
        request.access = find_access(user, request.session.get(SESSION_KEY))  # type: ignore[attr-defined]
        with timezone.override(_zone(user.time_zone)):
            return self.get_response(request)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")

"""Sets `request.access` once a request, so that pages, shell and context agree."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.access import SESSION_KEY, find_access
from accounts.models import User
from accounts.services import audit


class AccessMiddleware:
    """`request.access`: Access or None. Activates the user's time zone for the request.

    No copy of a signed-in person's page is kept, unless its view says so: after signing out, the next person at this
    browser could turn back to it, and a proxy could hand it to somebody else.

    What is written to the audit log names the key of this request only: a server's thread serves one after another.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.access = None  # type: ignore[attr-defined]
        before = audit.acting_key.set("")
        try:
            return self._answer(request)
        finally:
            audit.acting_key.reset(before)

    def _answer(self, request: HttpRequest) -> HttpResponse:
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

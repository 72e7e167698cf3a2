"""What accounts does about its own events."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from accounts import tasks
from accounts.events import BusinessDeleted, MembershipChanged
from accounts.services import api_sessions, origins


def purge_soon(events: list[BusinessDeleted]) -> None:
    """Have the rows removed in the background; if nobody hears it, the periodic task does it later."""
    for event in events:
        tasks.purge_business.delay(str(event.business_id))


def end_tokens(events: list[MembershipChanged]) -> None:
    """Whoever has left a team is signed out of the API."""
    for event in events:
        if event.role is None:
            api_sessions.end_all(event.user_id)


def origin_is_allowed(sender: Any, request: HttpRequest, **kwargs: Any) -> bool:
    """Whether pages of another site may call the API: some business has allowed it.

    Whether it is the caller's is checked with the credential. The middleware asks for every address, and takes a yes
    for one of our pages as well.
    """
    origin = request.headers.get("Origin", "")
    return bool(origin) and request.path.startswith("/api/") and origins.is_allowed(origin)

"""Event subscriptions of accounts, and its answer to the CORS middleware."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from accounts import tasks
from accounts.events import BusinessDeleted, MembershipChanged
from accounts.services import api_sessions, origins
from core import events


def register() -> None:
    """Subscribe to events; called once, in ready()."""
    events.after(BusinessDeleted, start_purges)
    events.inside(MembershipChanged, end_api_sessions)


def start_purges(batch: list[BusinessDeleted]) -> None:
    """Start removing the rows of deleted businesses; the periodic task retries what is lost."""
    for event in batch:
        tasks.purge_business.delay(str(event.business_id))


def end_api_sessions(batch: list[MembershipChanged]) -> None:
    """End the API sessions of users who are no longer members."""
    for event in batch:
        if event.role is None:
            api_sessions.end_all(event.user_id)


def is_origin_allowed(sender: Any, request: HttpRequest, **kwargs: Any) -> bool:
    """Return whether any business allows the request's origin to call the API (django-cors-headers signal).

    Whether it is the caller's business is checked after authentication. The middleware asks for every path and would
    accept a yes for a page too, so the answer is no outside the API.
    """
    origin = request.headers.get("Origin", "")
    return bool(origin) and request.path.startswith("/api/") and origins.is_allowed(origin)

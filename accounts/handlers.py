"""What accounts does about its own events."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from accounts import tasks
from accounts.events import BusinessDeleted, MembershipChanged
from accounts.services import origins, tokens


def purge_soon(events: list[BusinessDeleted]) -> None:
    """Have the rows removed in the background; if nobody hears it, the periodic task does it later."""
    for event in events:
        tasks.purge_business.delay(str(event.business_id))


def end_tokens(events: list[MembershipChanged]) -> None:
    """Whoever has left a team is signed out of the API."""
    for event in events:
        if event.role is None:
            tokens.end_all(event.user_id)


def origin_is_allowed(sender: Any, request: HttpRequest, **kwargs: Any) -> bool:
    """Whether pages of another site may call: some business has allowed it.

    Whether it is the caller's is checked with the credential.
    """
    return origins.is_allowed(request.headers.get("Origin", ""))

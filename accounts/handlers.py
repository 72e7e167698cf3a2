"""What accounts does about its own events."""

from __future__ import annotations

from accounts import tasks
from accounts.events import BusinessDeleted


def purge_soon(events: list[BusinessDeleted]) -> None:
    """Have the rows removed in the background; if nobody hears it, the periodic task does it later."""
    for event in events:
        tasks.purge_business.delay(str(event.business_id))

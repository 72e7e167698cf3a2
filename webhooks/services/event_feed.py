"""Event feed: all public events of a business in order, read with a cursor.

Events get their position when the feed is read, by one reader at a time: everything committed by then is numbered after
what was numbered before. So a cursor never skips an event that was committed late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from django.db import transaction

from accounts.models import BusinessProfile
from core import public_events
from core.clock import now
from core.db import bulk
from core.db.models import is_postgres
from core.errors import InvalidInput
from webhooks.models import EventFeed, PublicEvent

MAX_NUMBERED = 10_000
"""Events that get a position in one request."""
READ_AT_PRECISION = timedelta(hours=1)
"""Precision of `EventFeed.read_at`: it is not written for each request."""
_ASSIGN_POSITIONS = """
UPDATE public_events SET position = v.place FROM (
    SELECT id, %s + ROW_NUMBER() OVER (ORDER BY id) AS place FROM (
        SELECT id FROM public_events WHERE business_profile_id = %s AND position IS NULL ORDER BY id LIMIT %s
    ) AS fresh
) AS v WHERE public_events.id = v.id
RETURNING v.place
"""
_ASSIGN_POSITIONS_SQLITE = _ASSIGN_POSITIONS.replace("RETURNING v.place", "RETURNING position")


@dataclass(frozen=True)
class FeedPage:
    """Page of the feed: events in order, the cursor of the next page, and whether more events exist now."""

    events: Sequence[dict[str, Any]]
    cursor: str
    has_more: bool


def read(
    business: BusinessProfile, cursor: str = "", limit: int = 100, types: Sequence[str] = ()
) -> FeedPage:
    """Read at most `limit` events after `cursor` (empty: from the oldest kept). The first call enables the feed.

    Raises InvalidInput ("invalid_cursor", "unknown_event").
    """
    after = _parse_cursor(cursor)
    if unknown := public_events.unknown(types):
        raise InvalidInput("unknown_event", f"There is no event called {unknown[0][:64]}.", field="types")
    last = _assign_positions(business)
    events = PublicEvent.objects.filter(business_profile=business, position__gt=after)
    if types:
        events = events.filter(type__in=types)
    rows = list(events.order_by("position").values_list("position", "payload")[: limit + 1])
    page, has_more = rows[:limit], len(rows) > limit
    position = page[-1][0] if has_more else max(last, after)
    return FeedPage([orjson.loads(payload) for _, payload in page], str(position), has_more)


def _parse_cursor(cursor: str) -> int:
    if not cursor:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
        raise InvalidInput(
            "invalid_cursor", "Take the cursor from `meta.nextCursor` of an earlier answer.", field="cursor"
        )
    return int(cursor)


def _assign_positions(business: BusinessProfile) -> int:
    """Assign positions to new events. Returns the last position."""
    feed, _ = EventFeed.objects.get_or_create(business_profile=business)
    moment = now()
    recently_read = feed.read_at is not None and feed.read_at > moment - READ_AT_PRECISION
    if recently_read and not PublicEvent.objects.filter(business_profile=business, position=None).exists():
        return feed.last_position
    with transaction.atomic():
        feed = EventFeed.objects.select_for_update().get(pk=feed.pk)
        statement = _ASSIGN_POSITIONS if is_postgres() else _ASSIGN_POSITIONS_SQLITE
        rows = bulk.fetch(statement, [feed.last_position, business.pk, MAX_NUMBERED])
        feed.last_position = max((position for (position,) in rows), default=feed.last_position)
        feed.read_at = moment
        feed.save(update_fields=["last_position", "read_at"])
    return feed.last_position

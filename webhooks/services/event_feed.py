"""The feed of events: everything that happens in a business, to be read in order with a cursor.

Events get their place when the feed is read, one reader at a time: whatever was committed until then is numbered after
what was numbered before. So a cursor that has gone past a place never misses an event that was committed late.
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

NUMBERED_AT_ONCE = 10_000
KNOWN_EVERY = timedelta(hours=1)
"""How exactly the time of the last reading is kept."""
_PLACES = """
UPDATE public_events SET position = v.place FROM (
    SELECT id, %s + ROW_NUMBER() OVER (ORDER BY id) AS place FROM (
        SELECT id FROM public_events WHERE business_profile_id = %s AND position IS NULL ORDER BY id LIMIT %s
    ) AS fresh
) AS v WHERE public_events.id = v.id
RETURNING v.place
"""
_PLACES_SQLITE = _PLACES.replace("RETURNING v.place", "RETURNING position")


@dataclass(frozen=True)
class Slice:
    """Events in order, the cursor to go on from, and whether there are more now."""

    events: Sequence[dict[str, Any]]
    cursor: str
    more: bool


def read(business: BusinessProfile, cursor: str = "", limit: int = 100, types: Sequence[str] = ()) -> Slice:
    """At most `limit` events after `cursor` (empty: the oldest that are kept). The first call switches the feed on.

    Raises InvalidInput ("invalid_cursor", "unknown_event").
    """
    after = _position(cursor)
    if wrong := public_events.unknown(types):
        raise InvalidInput("unknown_event", f"There is no event called {wrong[0][:64]}.", field="types")
    last = _number(business)
    rows = PublicEvent.objects.filter(business_profile=business, position__gt=after)
    if types:
        rows = rows.filter(type__in=types)
    found = list(rows.order_by("position").values_list("position", "payload")[: limit + 1])
    shown, more = found[:limit], len(found) > limit
    place = shown[-1][0] if more else max(last, after)
    return Slice([orjson.loads(payload) for _, payload in shown], str(place), more)


def _position(cursor: str) -> int:
    if not cursor:
        return 0
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
        raise InvalidInput(
            "invalid_cursor", "Take the cursor from `meta.nextCursor` of an earlier answer.", field="cursor"
        )
    return int(cursor)


def _number(business: BusinessProfile) -> int:
    """Give places to events that have none; returns the last place."""
    feed, _ = EventFeed.objects.get_or_create(business_profile=business)
    moment = now()
    known = feed.read_at is not None and feed.read_at > moment - KNOWN_EVERY
    if known and not PublicEvent.objects.filter(business_profile=business, position=None).exists():
        return feed.last_position
    with transaction.atomic():
        feed = EventFeed.objects.select_for_update().get(pk=feed.pk)
        statement = _PLACES if is_postgres() else _PLACES_SQLITE
        places = bulk.fetch(statement, [feed.last_position, business.pk, NUMBERED_AT_ONCE])
        feed.last_position = max((place for (place,) in places), default=feed.last_position)
        feed.read_at = moment
        feed.save(update_fields=["last_position", "read_at"])
    return feed.last_position

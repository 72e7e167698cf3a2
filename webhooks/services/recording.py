"""Writing down what other systems shall hear, in the transaction in which it happened: events and their deliveries.

A business without webhooks whose feed nobody reads costs one look by primary key. The feed starts with the first
request for it and goes on for `FEED_DAYS` after the last one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from django.db import transaction

from core.clock import now
from core.db import bulk
from core.db.compiled_queries import Prepared
from core.ids import uuid7
from core.public_events import EventType
from core.public_events import PublicEvent as Told
from webhooks.models import EventFeed, PublicEvent, Webhook, WebhookDelivery
from webhooks.services import deliveries as queue

FEED_DAYS = 30
"""A feed that nobody has read for so long is no longer written."""

_feeds = Prepared[tuple[datetime | None]](
    lambda business: EventFeed.objects.filter(business_profile=business).values_list("read_at")
)
_listening = Prepared[tuple[UUID, list[str]]](
    lambda business: (
        Webhook.objects.filter(business_profile=business, is_active=True)
        .order_by("id")
        .values_list("id", "events")
    )
)
_NUMBER = """
INSERT INTO event_sequences (key, business_profile_id, last) SELECT key, business, more FROM v WHERE true
ON CONFLICT (key) DO UPDATE SET last = event_sequences.last + excluded.last
RETURNING key, last
"""


@dataclass(frozen=True)
class Audience:
    """Who listens in a business. feed: everything is wanted. webhooks: id and names of events of each that is on."""

    business_id: UUID
    feed: bool = False
    webhooks: tuple[tuple[UUID, frozenset[str]], ...] = ()

    def wants(self, *types: str) -> bool:
        """Whether anybody wants to hear of one of these types."""
        return self.feed or any(_wanted(names, *types) for _, names in self.webhooks)

    def record(self, rows: Sequence[Told]) -> None:
        """Write the events that somebody wants, in order, with a delivery for each endpoint that wants them.

        Must be called in the transaction of what happened: three statements, whatever the number of rows.
        """
        wanted = [row for row in rows if self.wants(row.type)]
        if not wanted:
            return
        events = _events(self.business_id, wanted)
        deliveries = [
            _delivery(webhook_id, event)
            for event in events
            for webhook_id, names in self.webhooks
            if _wanted(names, event.type)
        ]
        bulk.insert(events)
        bulk.insert(deliveries)
        if deliveries:
            transaction.on_commit(queue.wake, robust=True)


def _wanted(names: frozenset[str], *types: str) -> bool:
    return "*" in names or not names.isdisjoint(types)


def audience(business_id: UUID) -> Audience:
    """Who listens in this business now. One query when nobody ever has, else two."""
    found = _feeds.first(business_id)
    if found is None:
        return Audience(business_id)
    read_at = found[0]
    return Audience(
        business_id,
        feed=read_at is not None and read_at > now() - timedelta(days=FEED_DAYS),
        webhooks=tuple((key, frozenset(names)) for key, names in _listening.rows(business_id)),
    )


def record(business_id: UUID, rows: Sequence[Told]) -> None:
    """Write events of one business for whoever listens. Ask `audience` first where building them costs something."""
    if rows:
        audience(business_id).record(rows)


def _events(business_id: UUID, rows: Sequence[Told]) -> list[PublicEvent]:
    moment = now()
    numbers = _numbers(business_id, Counter(row.key for row in rows))
    events = []
    for row in rows:
        numbers[row.key] += 1
        event = PublicEvent(
            id=uuid7(),
            business_profile_id=business_id,
            type=row.type,
            key=row.key,
            sequence=numbers[row.key],
            created_at=moment,
        )
        event.payload = payload(event, row)
        events.append(event)
    return events


def payload(event: PublicEvent, told: Told) -> str:
    """The text that is delivered: `{id, type, timestamp, sequence, data}`."""
    return orjson.dumps(
        {
            "id": str(event.pk),
            "type": told.type,
            "timestamp": event.created_at,
            "sequence": event.sequence,
            "data": told.data,
        },
        option=orjson.OPT_UTC_Z,
    ).decode()


def _numbers(business_id: UUID, counts: Counter[UUID]) -> dict[UUID, int]:
    """The last number before this batch, of each key. The rows stay locked, so numbers follow the order of commits."""
    rows = [(key, business_id, more) for key, more in sorted(counts.items())]
    columns = {"key": "uuid", "business": "uuid", "more": "bigint"}
    numbers: dict[UUID, int] = defaultdict(int)
    for key, last in bulk.update_each(columns, rows, _NUMBER):
        known = bulk.as_uuid(key)
        numbers[known] = last - counts[known]
    return numbers


def _delivery(webhook_id: UUID, event: PublicEvent) -> WebhookDelivery:
    return WebhookDelivery(
        business_profile_id=event.business_profile_id,
        webhook_id=webhook_id,
        event_id=event.pk,
        event_type=event.type,
        next_attempt_at=event.created_at,
        created_at=event.created_at,
    )


def example(event_type: EventType) -> dict[str, Any]:
    """What arrives for an event of this type, as a JSON object."""
    moment = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)
    event = PublicEvent(id=UUID("0199f0a0-0000-7000-8000-00000000e7e7"), sequence=12, created_at=moment)
    shown: dict[str, Any] = orjson.loads(
        payload(event, Told(event_type.name, event_type.example(), event.pk))
    )
    return shown

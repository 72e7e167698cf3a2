"""Record public events and their deliveries, in the transaction that caused them.

A business without webhooks and without a reader of its feed costs one query by primary key. Recording for the feed
starts with the first request for it and continues for `FEED_DAYS` after the last one.
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

from core import public_events
from core.clock import now
from core.db import bulk
from core.db.compiled_queries import Prepared
from core.ids import uuid7
from core.public_events import EventType
from webhooks.delivery import queue
from webhooks.models import ALL_EVENTS, EventFeed, PublicEvent, Webhook, WebhookDelivery

FEED_DAYS = 30
"""A feed that has not been read for this many days is no longer recorded."""

_feed_read_at = Prepared[tuple[datetime | None]](
    lambda business: EventFeed.objects.filter(business_profile=business).values_list("read_at")
)
_active_webhooks = Prepared[tuple[UUID, list[str]]](
    lambda business: (
        Webhook.objects.filter(business_profile=business, is_active=True)
        .order_by("id")
        .values_list("id", "events")
    )
)
_ADVANCE_SEQUENCES = """
INSERT INTO event_sequences (key, business_profile_id, last) SELECT key, business, more FROM v WHERE true
ON CONFLICT (key) DO UPDATE SET last = event_sequences.last + excluded.last
RETURNING key, last
"""


@dataclass(frozen=True)
class Audience:
    """Subscribers of a business. feed: wants all events. webhooks: (id, event names) of each active endpoint."""

    business_id: UUID
    feed: bool = False
    webhooks: tuple[tuple[UUID, frozenset[str]], ...] = ()

    def wants(self, *types: str) -> bool:
        """Return whether any subscriber wants events of one of these types."""
        return self.feed or any(_matches(names, *types) for _, names in self.webhooks)

    def record(self, rows: Sequence[public_events.PublicEvent]) -> None:
        """Store the events that have subscribers, in order, with a delivery for each subscribed endpoint.

        Must be called in the transaction that caused the events. Three statements, whatever the number of rows.
        """
        subscribed = [row for row in rows if self.wants(row.type)]
        if not subscribed:
            return
        events = _events(self.business_id, subscribed)
        deliveries = [
            _delivery(webhook_id, event)
            for event in events
            for webhook_id, names in self.webhooks
            if _matches(names, event.type)
        ]
        bulk.insert(events)
        bulk.insert(deliveries)
        if deliveries:
            transaction.on_commit(queue.wake, robust=True)


def _matches(names: frozenset[str], *types: str) -> bool:
    return ALL_EVENTS in names or not names.isdisjoint(types)


def audience(business_id: UUID) -> Audience:
    """Return the business's current subscribers. One query if it has never had any, else two."""
    feed = _feed_read_at.first(business_id)
    if feed is None:
        return Audience(business_id)
    (read_at,) = feed
    return Audience(
        business_id,
        feed=read_at is not None and read_at > now() - timedelta(days=FEED_DAYS),
        webhooks=tuple(
            (webhook_id, frozenset(names)) for webhook_id, names in _active_webhooks.rows(business_id)
        ),
    )


def _events(business_id: UUID, rows: Sequence[public_events.PublicEvent]) -> list[PublicEvent]:
    moment = now()
    sequences = _reserve_sequences(business_id, Counter(row.key for row in rows))
    events = []
    for row in rows:
        sequences[row.key] += 1
        event = PublicEvent(
            id=uuid7(),
            business_profile_id=business_id,
            type=row.type,
            key=row.key,
            sequence=sequences[row.key],
            created_at=moment,
        )
        event.payload = payload(event, row)
        events.append(event)
    return events


def payload(event: PublicEvent, row: public_events.PublicEvent) -> str:
    """Build the JSON text that is delivered: `{id, type, timestamp, sequence, data}`."""
    return orjson.dumps(
        {
            "id": str(event.pk),
            "type": row.type,
            "timestamp": event.created_at,
            "sequence": event.sequence,
            "data": row.data,
        },
        option=orjson.OPT_UTC_Z,
    ).decode()


def _reserve_sequences(business_id: UUID, counts: Counter[UUID]) -> dict[UUID, int]:
    """Reserve `counts` sequence numbers per key. Returns the last number before this batch, by key.

    The rows stay locked until the commit, so that sequence numbers follow the order of commits.
    """
    rows = [(key, business_id, more) for key, more in sorted(counts.items())]
    columns = {"key": "uuid", "business": "uuid", "more": "bigint"}
    sequences: dict[UUID, int] = defaultdict(int)
    for raw_key, last in bulk.update_each(columns, rows, _ADVANCE_SEQUENCES):
        key = bulk.as_uuid(raw_key)
        sequences[key] = last - counts[key]
    return sequences


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
    """Build an example of the delivered JSON object."""
    moment = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)
    event = PublicEvent(id=UUID("0199f0a0-0000-7000-8000-00000000e7e7"), sequence=12, created_at=moment)
    row = public_events.PublicEvent(event_type.name, event_type.example(), event.pk)
    body: dict[str, Any] = orjson.loads(payload(event, row))
    return body

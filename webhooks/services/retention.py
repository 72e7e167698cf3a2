"""Retention of events, deliveries and attempts, and erasure of those about deleted contacts."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from django.conf import settings

from core.clock import now
from core.ids import first_at
from webhooks.models import EventSequence, PublicEvent, WebhookAttempt, WebhookDelivery

CHUNK = 2000
"""Rows deleted per transaction."""
MAX_CHUNKS = 500
"""Chunks deleted by one call of prune."""
NOT_ERASED = "contact.deleted"
"""Kept, so that other systems learn of the deletion and delete their copies."""
EVENT_MARGIN = timedelta(hours=1)
"""Extra age of pruned events: an event is a little older than its deliveries, which must be deleted first."""


def erase(keys: Collection[UUID]) -> int:
    """Delete the events of these keys (contacts, conversations) with deliveries, except `contact.deleted`.

    Returns the number of events. Usually there are none, which one query of the sequences by primary key shows.
    """
    sequences = list(EventSequence.objects.filter(key__in=keys).values_list("key", "business_profile_id"))
    if not sequences:
        return 0
    events = PublicEvent.objects.filter(
        business_profile__in={business_id for _, business_id in sequences},
        key__in=[key for key, _ in sequences],
    ).exclude(type=NOT_ERASED)
    event_ids = list(events.values_list("pk", flat=True))
    deliveries = WebhookDelivery.objects.filter(event_id__in=event_ids)
    WebhookAttempt.objects.filter(delivery__in=deliveries).delete()
    deliveries.delete()
    PublicEvent.objects.filter(pk__in=event_ids).delete()
    return len(event_ids)


def prune() -> int:
    """Delete rows past retention in small transactions. Returns the number of events and deliveries."""
    expiry = now() - timedelta(days=settings.WEBHOOK_RETENTION_DAYS)
    deliveries = WebhookDelivery.objects.filter(pk__lt=first_at(expiry))
    events = PublicEvent.objects.filter(pk__lt=first_at(expiry - EVENT_MARGIN))
    removed = 0
    for _ in range(MAX_CHUNKS):
        delivery_ids = list(deliveries.order_by("pk").values_list("pk", flat=True)[:CHUNK])
        WebhookAttempt.objects.filter(delivery_id__in=delivery_ids).delete()
        WebhookDelivery.objects.filter(pk__in=delivery_ids).delete()
        event_ids = list(events.order_by("pk").values_list("pk", flat=True)[:CHUNK])
        PublicEvent.objects.filter(pk__in=event_ids).delete()
        removed += len(delivery_ids) + len(event_ids)
        if not delivery_ids and not event_ids:
            break
    return removed

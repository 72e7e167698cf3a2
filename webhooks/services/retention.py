"""Forgetting what other systems were told: events, deliveries and attempts are kept for 30 days."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from django.conf import settings

from core.clock import now
from core.ids import first_at
from webhooks.models import EventSequence, PublicEvent, WebhookAttempt, WebhookDelivery

CHUNK = 2000
"""Rows that one transaction removes."""
MOST_CHUNKS = 500
STAYS = "contact.deleted"
"""So that other systems hear of it and delete theirs."""
APART = timedelta(hours=1)
"""An event is written a moment before its deliveries, so it is removed a little later."""


def forget(keys: Collection[UUID]) -> int:
    """Forget what was told of deleted people and their conversations, delivered or not, but that they are deleted.

    Returns how many events. Nearly always there is none, which the sequences tell by their primary key.
    """
    known = list(EventSequence.objects.filter(key__in=keys).values_list("key", "business_profile_id"))
    if not known:
        return 0
    rows = PublicEvent.objects.filter(
        business_profile__in={business for _, business in known}, key__in=[key for key, _ in known]
    ).exclude(type=STAYS)
    gone = list(rows.values_list("pk", flat=True))
    deliveries = WebhookDelivery.objects.filter(event_id__in=gone)
    WebhookAttempt.objects.filter(delivery__in=deliveries).delete()
    deliveries.delete()
    PublicEvent.objects.filter(pk__in=gone).delete()
    return len(gone)


def prune() -> int:
    """Remove what is older than the retention, in small transactions. Returns how many events and deliveries."""
    moment = now() - timedelta(days=settings.WEBHOOK_RETENTION_DAYS)
    deliveries = WebhookDelivery.objects.filter(pk__lt=first_at(moment))
    events = PublicEvent.objects.filter(pk__lt=first_at(moment - APART))
    removed = 0
    for _ in range(MOST_CHUNKS):
        keys = list(deliveries.order_by("pk").values_list("pk", flat=True)[:CHUNK])
        WebhookAttempt.objects.filter(delivery_id__in=keys).delete()
        WebhookDelivery.objects.filter(pk__in=keys).delete()
        old = list(events.order_by("pk").values_list("pk", flat=True)[:CHUNK])
        PublicEvent.objects.filter(pk__in=old).delete()
        removed += len(keys) + len(old)
        if not keys and not old:
            break
    return removed

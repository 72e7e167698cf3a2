"""Forgetting what other systems were told: events, deliveries and attempts are kept for 30 days."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings

from connections.models import PublicEvent, WebhookAttempt, WebhookDelivery
from whatsflow.core.clock import now
from whatsflow.core.ids import first_at

CHUNK = 2000
"""Rows that one transaction removes."""
MOST_CHUNKS = 500
APART = timedelta(hours=1)
"""An event is written a moment before its deliveries, so it is removed a little later."""


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

"""Metrics of webhook deliveries."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Min

from core.gauges import Gauge, seconds_since
from webhooks.models import WebhookDelivery


def read() -> Iterator[Gauge]:
    """Yield the current values; two short queries."""
    waiting = WebhookDelivery.objects.filter(state=WebhookDelivery.State.PENDING).order_by()
    yield Gauge("webhook_deliveries_waiting", "Deliveries that are not settled.", waiting.count())
    due = waiting.aggregate(oldest=Min("next_attempt_at"))["oldest"]
    yield Gauge("webhook_deliveries_late_seconds", "How late the oldest due delivery is.", seconds_since(due))

"""Metrics of the outbox."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Min

from core.gauges import Gauge, seconds_since
from messaging.models import Message

Status = Message.Status


def read() -> Iterator[Gauge]:
    """Yield the present values. Each query uses only an index of the outbox."""
    queued = Message.objects.filter(status=Status.QUEUED).order_by()
    ready = queued.filter(claim_epoch=0, not_before=None)
    yield Gauge("messages_ready", "Messages that could leave now.", ready.count())
    oldest = ready.aggregate(oldest=Min("created_at"))["oldest"]
    yield Gauge(
        "messages_ready_oldest_seconds", "How long the oldest of them has waited.", seconds_since(oldest)
    )
    later = queued.filter(not_before__isnull=False).count()
    yield Gauge("messages_waiting", "Messages that wait for their time: paced, tried again or paused.", later)
    sending = Message.objects.filter(status=Status.SENDING, connection__isnull=False).order_by()
    yield Gauge("messages_sending", "Messages that have begun to leave and have no result.", sending.count())

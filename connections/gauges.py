"""Metrics of numbers."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, Min

from connections import leases
from connections.models import SitePulse, UnstoredEvent, WhatsAppConnection
from core.clock import database_now
from core.gauges import Gauge, seconds_since

Desired = WhatsAppConnection.Desired


def read() -> Iterator[Gauge]:
    """Yield the present values, with a handful of short queries."""
    rows = WhatsAppConnection.objects.order_by()
    counted = dict(rows.values_list("status").annotate(Count("pk")))
    for status in WhatsAppConnection.Status.values:
        yield Gauge("numbers", "Numbers by their state.", counted.get(status, 0), {"status": status})
    unattended = rows.filter(leases.is_free(), desired=Desired.ONLINE).count()
    yield Gauge("numbers_unattended", "Numbers that should be driven and are not.", unattended)
    held = rows.filter(held_since__isnull=False).count()
    yield Gauge("numbers_held", "Numbers on hold until a person decides.", held)
    unstored = UnstoredEvent.objects.count()
    yield Gauge(
        "events_unstored", "Events of numbers that could not be stored and wait for a retry.", unstored
    )
    catching_up = rows.filter(gap_since__isnull=False).exclude(gap_reason="").count()
    yield Gauge("numbers_with_gap", "Numbers whose chats could not all be read after a gap.", catching_up)
    proof = rows.filter(desired=Desired.ONLINE).aggregate(oldest=Min("last_proof_at"))["oldest"]
    yield Gauge(
        "oldest_proof_seconds", "Age of the oldest sign of life of a wanted number.", seconds_since(proof)
    )
    pulse = SitePulse.objects.values_list("beat_at", flat=True).first()
    age = (database_now() - pulse).total_seconds() if pulse else 0.0
    yield Gauge("pulse_seconds", "Since a worker last showed that it works; more than 60 is trouble.", age)

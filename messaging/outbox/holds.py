"""Queued messages of numbers that are on hold (connections.services.holds)."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from connections.events import NumberReleased
from messaging.models import Message
from messaging.outbox import broadcasts

CHUNK = 500
"""Messages cancelled by one set of statements."""


def waiting_numbers() -> set[UUID]:
    """Return the ids of all numbers with queued messages, claimed ones included."""
    rows = Message.objects.filter(status=Message.Status.QUEUED).order_by()
    return set(rows.values_list("connection_id", flat=True).distinct())


def on_released(batch: Sequence[NumberReleased]) -> None:
    """Cancel messages queued before the hold, unless the person chose to send them.

    Later ones stay.
    """
    for event in batch:
        if event.send:
            continue
        rows = Message.objects.filter(
            connection_id=event.connection_id, status=Message.Status.QUEUED, created_at__lt=event.held_since
        )
        message_ids = list(rows.order_by("pk").values_list("pk", flat=True))
        for start in range(0, len(message_ids), CHUNK):
            broadcasts.cancel(message_ids[start : start + CHUNK])

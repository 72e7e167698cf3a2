"""What waits on numbers that are held (connections.services.holds), and what a person's decision means for it."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from connections.events import NumberReleased
from messaging.models import Message
from messaging.outbox import broadcasts

AT_ONCE = 500
"""Messages that one set of statements takes back."""


def waiting_numbers() -> set[UUID]:
    """Every number that has messages waiting to leave, or claimed and not begun."""
    rows = Message.objects.filter(status=Message.Status.QUEUED).order_by()
    return set(rows.values_list("connection_id", flat=True).distinct())


def on_released(batch: Sequence[NumberReleased]) -> None:
    """Take back what waited when the number was held, unless it is to leave after all. What came later stays."""
    for event in batch:
        if event.send:
            continue
        rows = Message.objects.filter(
            connection_id=event.connection_id, status=Message.Status.QUEUED, created_at__lt=event.held_since
        )
        keys = list(rows.order_by("pk").values_list("pk", flat=True))
        for start in range(0, len(keys), AT_ONCE):
            broadcasts.withdraw(keys[start : start + AT_ONCE])

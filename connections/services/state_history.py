"""History of the status changes of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from connections.events import ConnectionStatusChanged
from connections.models import ConnectionStateChange
from core.clock import now
from core.ids import first_at

RETENTION = timedelta(days=90)


def record(batch: Sequence[ConnectionStatusChanged]) -> None:
    """Save each change of status or reason, in its transaction.

    A new QR code is no change.
    """
    for event in batch:
        rows = ConnectionStateChange.objects.filter(connection_id=event.connection_id)
        last = rows.order_by("-created_at", "-id").values_list("status", "status_reason").first()
        if last == (event.status, event.reason):
            continue
        ConnectionStateChange.objects.create(
            business_profile_id=event.business_id,
            connection_id=event.connection_id,
            status=event.status,
            status_reason=event.reason,
        )


def prune() -> int:
    """Delete changes older than RETENTION. Returns how many."""
    rows = ConnectionStateChange.objects.filter(pk__lt=first_at(now() - RETENTION))
    return rows.delete()[0]

"""What states a number went through, for whoever asks later why it was silent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from connections.events import ConnectionStatusChanged
from connections.models import ConnectionStateChange
from core.clock import now
from core.ids import first_at

KEPT = timedelta(days=90)


def note(batch: Sequence[ConnectionStatusChanged]) -> None:
    """Write down each change of state or reason, in the transaction of the change; a fresh QR code is none."""
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
    """Forget what is older than 90 days. Returns how many changes."""
    rows = ConnectionStateChange.objects.filter(pk__lt=first_at(now() - KEPT))
    return rows.delete()[0]

"""Public events of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connections import selectors
from connections.events import ConnectionStatusChanged
from connections.models import WhatsAppConnection
from connections.payloads import connection_data, example_connection
from core import events, public_events
from core.public_events import EventType, PublicEvent

STATUS = "connection.status"


def register() -> None:
    """Declare and subscribe; called once, in ready()."""
    public_events.declare(
        EventType(STATUS, "A number was connected, lost its connection or changed its state.", _status),
    )
    events.inside(ConnectionStatusChanged, tell_status)


def tell_status(batch: Sequence[ConnectionStatusChanged]) -> None:
    """Record each new state. That a waiting number shows its next QR code is no new state."""
    for business_id in {event.business_id for event in batch}:
        listening = public_events.audience(business_id)
        if not listening.wants(STATUS):
            continue
        group = [event for event in batch if event.business_id == business_id]
        found = selectors.connections_by_id(business_id, {event.connection_id for event in group})
        told = [(found[event.connection_id], event) for event in group if event.connection_id in found]
        listening.record(
            [
                PublicEvent(
                    STATUS,
                    connection_data(row) | {"status": event.status, "statusReason": event.reason},
                    row.pk,
                )
                for row, event in told
                if event.status != WhatsAppConnection.Status.QR_PENDING or row.qr_count <= 1
            ]
        )


def _status() -> dict[str, Any]:
    return connection_data(example_connection())

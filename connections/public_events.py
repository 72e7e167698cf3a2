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
    """Declare the event type and subscribe. Called once, in ready()."""
    public_events.declare(
        EventType(STATUS, "A number was connected, lost its connection or changed its state.", _status),
    )
    events.inside(ConnectionStatusChanged, record_status)


def record_status(batch: Sequence[ConnectionStatusChanged]) -> None:
    """Record a public event for each new status, except for a renewed QR code."""
    for business_id in {event.business_id for event in batch}:
        audience = public_events.audience(business_id)
        if not audience.wants(STATUS):
            continue
        group = [event for event in batch if event.business_id == business_id]
        connections = selectors.connections_by_id(business_id, {event.connection_id for event in group})
        pairs = [
            (connections[event.connection_id], event) for event in group if event.connection_id in connections
        ]
        audience.record(
            [
                PublicEvent(
                    STATUS,
                    connection_data(row) | {"status": event.status, "statusReason": event.reason},
                    row.pk,
                )
                for row, event in pairs
                if event.status != WhatsAppConnection.Status.QR_PENDING or row.qr_count <= 1
            ]
        )


def _status() -> dict[str, Any]:
    return connection_data(example_connection())

"""JSON form of a number for public events, without QR code and login."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from connections.models import WhatsAppConnection


def connection_data(connection: WhatsAppConnection) -> dict[str, Any]:
    """Build the JSON object of a number. Datetimes and UUIDs are left to the encoder."""
    return {
        "id": connection.pk,
        "name": connection.name,
        "phoneNumber": connection.phone_number,
        "connectionMode": connection.connection_mode,
        "status": connection.status,
        "statusReason": connection.status_reason,
        "statusChangedAt": connection.status_changed_at,
        "lastConnectedAt": connection.last_connected_at,
        "createdAt": connection.created_at,
    }


def example_connection() -> WhatsAppConnection:
    """Build an unsaved number for documentation."""
    moment = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)
    return WhatsAppConnection(
        id=UUID("0199f0a0-0000-7000-8000-0000000000c1"),
        name="Shop",
        phone_number="+9991000000001",
        connection_mode=WhatsAppConnection.Mode.SANDBOX,
        status=WhatsAppConnection.Status.CONNECTED,
        status_changed_at=moment,
        last_connected_at=moment,
        created_at=moment,
    )

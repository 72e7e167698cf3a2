"""What the API tells of a number beside its columns."""

from __future__ import annotations

from typing import Any

from connections import selectors
from connections.models import WhatsAppConnection

_COLUMNS = (
    *("id", "name", "phone_number", "connection_mode", "status", "status_reason"),
    *("status_changed_at", "last_connected_at", "created_at"),
)


def status(connection: WhatsAppConnection) -> dict[str, Any]:
    """The number and how it is doing, in words."""
    words = selectors.reason_text(connection)
    told = {name: getattr(connection, name) for name in _COLUMNS}
    return {**told, "title": words.title, "text": words.text, "next_step": words.next_step}


def code(connection: WhatsAppConnection) -> dict[str, Any]:
    """The code that may be scanned or typed now."""
    waiting = connection.status == WhatsAppConnection.Status.QR_PENDING
    left = selectors.qr_seconds_left(connection) if waiting else 0
    return {
        "connection_id": connection.pk,
        "status": connection.status,
        "qr_code": connection.qr_code if left > 0 else None,
        "expires_in": left,
        "pairing_code": (connection.pairing_code or None) if waiting else None,
    }

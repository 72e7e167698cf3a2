"""API representations of a number that are not plain columns."""

from __future__ import annotations

from typing import Any

from connections import selectors, state_texts
from connections.models import WhatsAppConnection

_COLUMNS = (
    *("id", "name", "phone_number", "connection_mode", "status", "status_reason"),
    *("status_changed_at", "last_connected_at", "created_at"),
)


def status(connection: WhatsAppConnection) -> dict[str, Any]:
    """Return the number's columns with the explanation of its state."""
    explanation = state_texts.reason_text(connection)
    columns = {name: getattr(connection, name) for name in _COLUMNS}
    return {
        **columns,
        "title": explanation.title,
        "text": explanation.text,
        "next_step": explanation.next_step,
    }


def code(connection: WhatsAppConnection) -> dict[str, Any]:
    """Return the current QR code and pairing code."""
    waiting = connection.status == WhatsAppConnection.Status.QR_PENDING
    left = selectors.qr_seconds_left(connection) if waiting else 0
    return {
        "connection_id": connection.pk,
        "status": connection.status,
        "qr_code": connection.qr_code if left > 0 else None,
        "expires_in": left,
        "pairing_code": (connection.pairing_code or None) if waiting else None,
    }

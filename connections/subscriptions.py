"""Event subscriptions of connections: live updates and state history of numbers, deleted businesses."""

from __future__ import annotations

from accounts.events import BusinessDeleted
from connections.events import ConnectionStatusChanged
from connections.services import numbers, state_history
from core import events
from core.realtime import hub


def register() -> None:
    """Subscribe to events; called once, in ready()."""
    events.inside(ConnectionStatusChanged, state_history.record)
    events.after(ConnectionStatusChanged, push_to_pages)
    events.inside(BusinessDeleted, stop_numbers)


def stop_numbers(batch: list[BusinessDeleted]) -> None:
    """Take the numbers of deleted businesses offline, in the same transaction."""
    for event in batch:
        numbers.stop_all(event.business_id)


def push_to_pages(batch: list[ConnectionStatusChanged]) -> None:
    """Push changed numbers to the business's open pages, without the QR code.

    Pages fetch it if their role permits.
    """
    for event in batch:
        frame = {
            "type": "connection",
            "connection": str(event.connection_id),
            "status": event.status,
            "reason": event.reason,
        }
        hub.push(hub.business_group(event.business_id), frame)

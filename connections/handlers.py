"""What the open pages are told when a number changes, and what a deleted business means for its numbers."""

from __future__ import annotations

from accounts.events import BusinessDeleted
from connections.events import ConnectionStatusChanged
from connections.services import numbers, state_history
from core import events
from core.realtime import hub


def register() -> None:
    """Subscribe; called once, in ready()."""
    events.inside(ConnectionStatusChanged, state_history.note)
    events.after(ConnectionStatusChanged, tell_pages)
    events.inside(BusinessDeleted, stop_numbers)


def stop_numbers(batch: list[BusinessDeleted]) -> None:
    """Nobody is left who could disconnect them. In the same transaction, so that it cannot get lost."""
    for event in batch:
        numbers.stop_all(event.business_id)


def tell_pages(batch: list[ConnectionStatusChanged]) -> None:
    """Tell each business's pages which numbers changed. Never the QR code: the pages fetch it, if their role may."""
    for event in batch:
        frame = {
            "type": "connection",
            "connection": str(event.connection_id),
            "status": event.status,
            "reason": event.reason,
        }
        hub.push(hub.business_group(event.business_id), frame)

"""What the open pages are told when a number changes."""

from __future__ import annotations

from connections.events import ConnectionStatusChanged
from whatsflow.core import events, live


def register() -> None:
    """Subscribe; called once, in ready()."""
    events.after(ConnectionStatusChanged, tell_pages)


def tell_pages(batch: list[ConnectionStatusChanged]) -> None:
    """Tell each business's pages which numbers changed. Never the QR code: the pages fetch it, if their role may."""
    for event in batch:
        frame = {
            "type": "connection",
            "connection": str(event.connection_id),
            "status": event.status,
            "reason": event.reason,
        }
        live.push(live.business_group(event.business_id), frame)

"""Test event of endpoints, and registration of the recorder of public events."""

from __future__ import annotations

from typing import Any

from core import public_events
from core.public_events import EventType
from webhooks.services.recording import audience

TEST = "webhook.test"


def register() -> None:
    """Register the recorder and declare the test event; called once, in ready()."""
    public_events.register(audience)
    public_events.declare(
        EventType(TEST, "Somebody pressed “Send a test event”. Sent to that endpoint only.", test_data)
    )


def test_data() -> dict[str, Any]:
    """Build the data of a test event."""
    return {"message": "This is a test event from WhatsFlow."}

"""Test event of endpoints, and registration of the recorder of public events."""

from __future__ import annotations

from core import public_events
from core.public_events import EventType
from webhooks.services.endpoints import TEST_EVENT, test_event_data
from webhooks.services.recording import audience


def register() -> None:
    """Register the recorder and declare the test event; called once, in ready()."""
    public_events.register(audience)
    public_events.declare(
        EventType(
            TEST_EVENT, "Somebody pressed “Send a test event”. Sent to that endpoint only.", test_event_data
        )
    )

"""The queue of deliveries: who wakes those that work on it."""

from __future__ import annotations

from whatsflow.core import doorbell

TOPIC = "webhooks"
"""The doorbell of whoever delivers."""


def wake() -> None:
    """Tell dispatchers that something is due. Losing this costs seconds: the beat sweeps."""
    doorbell.ring(TOPIC)

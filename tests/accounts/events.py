"""Listening to events in a test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from core import events


@contextmanager
def recorded(event_type: type[events.Event]) -> Iterator[list[Any]]:
    """The events of a type that are published inside transactions meanwhile."""
    seen: list[Any] = []
    events.inside(event_type, seen.extend)
    try:
        yield seen
    finally:
        events._inside[event_type].remove(seen.extend)

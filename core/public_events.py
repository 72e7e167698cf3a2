"""Catalogue of public events, and the port through which apps record them for webhooks and the event feed.

An app declares its public event types (`declare`) and, in an *inside* subscriber, builds their payloads:

    audience = public_events.audience(business_id)
    if audience.wants("contact.created"):
        audience.record([PublicEvent("contact.created", contact_data(row), row.pk) for row in contacts])

Without a receiver this costs one query by primary key, and no payload is built. The webhooks app registers its recorder
(`register`), so that apps below it can record events, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID


@dataclass(frozen=True)
class PublicEvent:
    """One event.

    data: JSON object, as the API shows it. key: id of the subject (conversation, contact, number, campaign); events of
    one key are numbered in order.
    """

    type: str
    data: Mapping[str, Any]
    key: UUID


@dataclass(frozen=True)
class EventType:
    """Declared type of event. when: description for people. example: builds example `data`."""

    name: str
    when: str
    example: Callable[[], Mapping[str, Any]]

    @property
    def group(self) -> str:
        """Kind of subject: the part of the name before the dot."""
        return self.name.split(".")[0]


class Audience(Protocol):
    """Receivers of one business's events, for the length of a transaction."""

    def wants(self, *types: str) -> bool:
        """Whether there is a receiver for one of these types."""

    def record(self, rows: Sequence[PublicEvent]) -> None:
        """Store the events that have a receiver. A few statements, within the caller's transaction."""


_types: dict[str, EventType] = {}
_find_audience: Callable[[UUID], Audience] | None = None


def declare(*types: EventType) -> None:
    """Add event types to the catalogue. To be called in an app's ready()."""
    _types.update((event_type.name, event_type) for event_type in types)


def catalogue() -> list[EventType]:
    """List all declared types, in the order of declaration."""
    return list(_types.values())


def unknown(names: Iterable[str]) -> list[str]:
    """Return the names that no app has declared."""
    return [name for name in names if name not in _types]


def register(find_audience: Callable[[UUID], Audience]) -> None:
    """Set the recorder. Called once, by the app that stores the receivers."""
    global _find_audience
    _find_audience = find_audience


def audience(business_id: UUID) -> Audience:
    """Return the current receivers of the business's events."""
    if _find_audience is None:
        raise RuntimeError("No recorder of public events is registered: is the webhooks app installed?")
    return _find_audience(business_id)

"""What other systems may hear of, by name: webhooks and the events feed tell it, each app says what it has.

An app declares its public events (`declare`) and, in an inside subscriber, builds what they carry:

    audience = public_events.audience(business_id)
    if audience.wants("contact.created"):
        audience.record([PublicEvent("contact.created", contact_data(one), one.pk) for one in contacts])

Nobody listens: one look by primary key and nothing is built. The recorder is connections' (it registers itself), so
that apps which are strangers to it can tell as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID


@dataclass(frozen=True)
class PublicEvent:
    """One event. data: JSON object, the same as the API shows it. key: what it is about (a conversation, contact,
    number, campaign); events of one key are numbered in order."""

    type: str
    data: Mapping[str, Any]
    key: UUID


@dataclass(frozen=True)
class EventType:
    """A kind of event. when: a sentence for people. example: builds what `data` looks like."""

    name: str
    when: str
    example: Callable[[], Mapping[str, Any]]

    @property
    def group(self) -> str:
        """What it is about: the part before the dot."""
        return self.name.split(".")[0]


class Audience(Protocol):
    """Who listens in one business, for the length of a transaction."""

    def wants(self, *types: str) -> bool:
        """Whether anybody wants to hear of one of these types."""

    def record(self, rows: Sequence[PublicEvent]) -> None:
        """Write the events that somebody wants. A few statements, within the caller's transaction."""


_types: dict[str, EventType] = {}
_find_audience: Callable[[UUID], Audience] | None = None


def declare(*types: EventType) -> None:
    """Add to the catalogue; in an app's ready()."""
    _types.update((one.name, one) for one in types)


def catalogue() -> list[EventType]:
    """Every type there is, in the order in which the apps declared them."""
    return list(_types.values())


def unknown(names: Iterable[str]) -> list[str]:
    """Those of `names` that are no type of event."""
    return [name for name in names if name not in _types]


def register(find_audience: Callable[[UUID], Audience]) -> None:
    """Called once, by the app that keeps who listens."""
    global _find_audience
    _find_audience = find_audience


def audience(business_id: UUID) -> Audience:
    """Who listens in this business now."""
    if _find_audience is None:
        raise RuntimeError("Nobody keeps public events: is the connections app installed?")
    return _find_audience(business_id)

"""Write an event of the contract as JSON and read it back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import datetime
from hashlib import sha256
from typing import Any

from connections.drivers.base import (
    Ack,
    Chat,
    Edited,
    Event,
    Identified,
    InboundMessage,
    MediaRef,
    MessageKind,
    Revoked,
    Skipped,
    Typing,
    Unreadable,
)

_CLASSES: dict[str, type[Any]] = {
    "message": InboundMessage,
    "ack": Ack,
    "identified": Identified,
    "edited": Edited,
    "revoked": Revoked,
    "typing": Typing,
    "skipped": Skipped,
    "unreadable": Unreadable,
}
_NAMES = {cls: name for name, cls in _CLASSES.items()}
_READERS: dict[str, Callable[[Any], Any]] = {
    "at": datetime.fromisoformat,
    "kind": MessageKind,
    "chat": lambda value: Chat(**value) if value else None,
    "media": lambda value: MediaRef(**value) if value else None,
}
_CHANGING = frozenset({"at", "ack", "backfilled"})
"""What may differ when an event is told again."""
_CHANGING_RAW = frozenset({"ack", "t"})
"""What may differ in what was told of an `Unreadable`."""


def kind_of(event: Event) -> str:
    """The name of the event's kind."""
    return _NAMES[type(event)]


def dump(event: Event) -> str:
    """The event as JSON, in ASCII."""
    return json.dumps({"event": kind_of(event), **asdict(event)}, default=_plain)


def load(text: str) -> Event:
    """The event that `dump` has written."""
    data = json.loads(text)
    cls = _CLASSES[data.pop("event")]
    known = {one.name for one in fields(cls)}
    readers = {} if cls is Skipped else _READERS
    values = {name: readers.get(name, _same)(value) for name, value in data.items() if name in known}
    event: Event = cls(**values)
    return event


def key_of(event: Event) -> str:
    """A digest that is the same whenever this event is told: without what changes from one telling to the next."""
    if isinstance(event, Unreadable):
        told: Any = _identity_of(event.data)
    else:
        told = {name: value for name, value in asdict(event).items() if name not in _CHANGING}
    return sha256(json.dumps(told, default=_plain, sort_keys=True).encode()).hexdigest()


def _identity_of(raw: dict[str, Any]) -> list[Any]:
    """Identify an untranslatable event by the message that it is about, or else by its content."""
    kind, data = raw.get("type"), raw.get("data", raw)
    if not isinstance(data, dict):
        return [kind, data]
    wa_id = data.get("id")
    if isinstance(wa_id, str) and wa_id:
        return [kind, wa_id, data.get("chat")]
    return [kind, {name: value for name, value in data.items() if name not in _CHANGING_RAW}]


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _same(value: Any) -> Any:
    return value

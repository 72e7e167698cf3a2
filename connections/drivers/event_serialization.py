"""Events of the driver contract in the database: JSON form, fingerprint, and the reasons why one cannot be stored."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import datetime
from hashlib import sha256
from typing import Any

from connections.drivers import sanitizing
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
"""Fields that may differ when WhatsApp repeats an event."""
_CHANGING_RAW = frozenset({"ack", "t"})
"""Keys that may differ in the raw data of a repeated `Unreadable`."""

UNREADABLE = "unreadable"
BAD_ID = "bad_id"
BAD_CHAT = "bad_chat"


def kind_of(event: Event) -> str:
    """Return the stored name of the event's class."""
    return _NAMES[type(event)]


def dump(event: Event) -> str:
    """Serialize to ASCII JSON."""
    return json.dumps({"event": kind_of(event), **asdict(event)}, default=_plain)


def load(text: str) -> Event:
    """Deserialize the result of `dump`. Unknown fields are ignored."""
    data = json.loads(text)
    cls = _CLASSES[data.pop("event")]
    known = {field.name for field in fields(cls)}
    readers = {} if cls is Skipped else _READERS
    values = {name: readers.get(name, _identity)(value) for name, value in data.items() if name in known}
    event: Event = cls(**values)
    return event


def fingerprint(event: Event) -> str:
    """Return a digest that stays the same when WhatsApp repeats the event."""
    if isinstance(event, Unreadable):
        content: Any = _stable_content(event.data)
    else:
        content = {name: value for name, value in asdict(event).items() if name not in _CHANGING}
    return sha256(json.dumps(content, default=_plain, sort_keys=True).encode()).hexdigest()


def _stable_content(raw: dict[str, Any]) -> list[Any]:
    """Return the message id of an untranslatable event, or else its content without the changing keys."""
    kind, data = raw.get("type"), raw.get("data", raw)
    if not isinstance(data, dict):
        return [kind, data]
    wa_id = data.get("id")
    if isinstance(wa_id, str) and wa_id:
        return [kind, wa_id, data.get("chat")]
    return [kind, {name: value for name, value in data.items() if name not in _CHANGING_RAW}]


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _identity(value: Any) -> Any:
    return value


def unstorable_reason(event: Event) -> str:
    """Return why the event can never be stored (`unreadable`, `bad_id`, `bad_chat`), or "".

    Sanitizing repairs every other field.
    """
    match event:
        case InboundMessage(wa_id, chat) | Edited(wa_id, chat) | Revoked(wa_id, chat):
            return _bad_id(wa_id) or _bad_chat(chat)
        case Ack(wa_id):
            return _bad_id(wa_id)
        case Typing(chat):
            return _bad_chat(chat)
        case Identified(phone, lid):
            return "" if sanitizing.is_phone(phone) and sanitizing.is_lid(lid) else BAD_CHAT
        case Unreadable():
            return UNREADABLE
    return ""


def _bad_id(wa_id: str) -> str:
    return "" if 0 < len(wa_id) <= sanitizing.ID_LENGTH and sanitizing.is_well_formed(wa_id) else BAD_ID


def _bad_chat(chat: Chat) -> str:
    fits = (chat.phone is None or sanitizing.is_phone(chat.phone)) and (
        chat.lid is None or sanitizing.is_lid(chat.lid)
    )
    return "" if fits else BAD_CHAT

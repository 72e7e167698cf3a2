"""Translate events of bridge.js to events of the driver contract."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog

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
from connections.drivers.sanitizing import from_timestamp, is_lid, is_phone

log = structlog.get_logger(__name__)

_KINDS = {
    "chat": MessageKind.TEXT,
    "image": MessageKind.IMAGE,
    "video": MessageKind.VIDEO,
    "gif": MessageKind.VIDEO,
    "ptv": MessageKind.VIDEO,
    "document": MessageKind.DOCUMENT,
    "audio": MessageKind.AUDIO,
    "ptt": MessageKind.VOICE,
    "sticker": MessageKind.STICKER,
    "location": MessageKind.LOCATION,
    "live_location": MessageKind.LOCATION,
    "vcard": MessageKind.CONTACT_CARD,
    "multi_vcard": MessageKind.CONTACT_CARD,
    "poll_creation": MessageKind.POLL,
    "buttons_response": MessageKind.TEXT,
    "list_response": MessageKind.TEXT,
    "template_button_reply": MessageKind.TEXT,
}
_SYSTEM_TYPES = frozenset(
    {
        "e2e_notification",
        "notification",
        "notification_template",
        "gp2",
        "protocol",
        "broadcast_notification",
        "debug",
        "reaction",
        "pinned_message",
        "keep_in_chat",
        "poll_update",
    }
)
"""Types of entries that WhatsApp itself adds to a chat."""
_ENCRYPTED = "ciphertext"
_WITHOUT_BODY = frozenset({MessageKind.LOCATION, MessageKind.CONTACT_CARD, MessageKind.STICKER})


def digits(number: str) -> str:
    """Return the phone number without its plus, as the page expects it."""
    return number.lstrip("+")


def chat_args(chat: Chat) -> dict[str, str]:
    """Return the chat in the form that the page expects."""
    return {"phone": digits(chat.phone or ""), "lid": chat.lid or ""}


def ack_of(data: dict[str, Any], now: datetime | None = None) -> Ack:
    """Translate a receipt. All negative levels mean FAILED."""
    return Ack(str(data["id"]), data["ack"], now or from_timestamp(data.get("t")))


def message_of(data: dict[str, Any], *, late: datetime | None = None) -> InboundMessage | None:
    """Translate a message; None for a system entry. late: older messages are marked backfilled."""
    original = str(data["type"])
    if original in _SYSTEM_TYPES:
        return None
    kind = _KINDS.get(original, MessageKind.UNKNOWN)
    extra = _extra(data.get("more") or {})
    if kind == MessageKind.UNKNOWN and original != _ENCRYPTED:
        extra["type"] = original
    own = bool(data["fromMe"])
    at = from_timestamp(data.get("t"))
    return InboundMessage(
        wa_id=str(data["id"]),
        chat=_chat(data["chat"]),
        kind=kind,
        at=at,
        body=_body(data, kind, original),
        from_me=own,
        push_name="" if own else str(data.get("name") or ""),
        quoted_wa_id=str(data.get("quoted") or ""),
        media=_media(data.get("media")),
        backfilled=late is not None and at < late,
        ack=ack_of(data).level if own else None,
        extra=extra,
    )


def history_events(data: dict[str, Any], *, late: datetime) -> list[Event]:
    """Translate a message of the history. late: older messages are marked backfilled."""
    events = translate_event({"type": "message", "data": data, "late": late.timestamp()}, set())
    return [event for event in events if not isinstance(event, Identified)]


def translate_event(raw: dict[str, Any], identified: set[tuple[str, str]]) -> list[Event]:
    """Translate a page event; any error yields one `Unreadable`. identified: known (phone, LID) pairs."""
    try:
        return _events_of(raw, identified)
    except Exception as error:
        # without the traceback, which would contain message texts
        log.error("event_not_understood", type=str(raw.get("type")), error=type(error).__name__)
        return [Unreadable(raw, type(error).__name__, _chat_if_known(raw))]


def _chat_if_known(raw: dict[str, Any]) -> Chat | None:
    try:
        return _chat(raw["data"]["chat"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def message_events(data: dict[str, Any], *, late: datetime | None = None) -> list[Event]:
    """Return a message, followed by its edit or deletion if it has one; empty for a system entry."""
    message = message_of(data, late=late)
    if message is None:
        return []
    if data["type"] == "revoked":
        return [message, Revoked(message.wa_id, message.chat, message.at, message.from_me)]
    if data.get("edited") and message.body is not None:
        edited = from_timestamp(data["edited"])
        return [message, Edited(message.wa_id, message.chat, message.body, edited, message.from_me)]
    return [message]


def _events_of(raw: dict[str, Any], identified: set[tuple[str, str]]) -> list[Event]:
    """Return the events that one page event yields, with an `Identified` for a new (phone, LID) pair."""
    kind, data = str(raw["type"]), raw["data"]
    late = from_timestamp(raw["late"]) if raw.get("late") else None
    events = message_events(data, late=late) if kind == "message" else [_event(kind, data)]
    pair = _pair(data)
    known = [Identified(phone=f"+{pair[0]}", lid=pair[1])] if pair and pair not in identified else []
    return [*known, *(event for event in events if event is not None)]


def remember_identity(data: Any, identified: set[tuple[str, str]]) -> None:
    """Add the (phone, LID) pair of an event, so that it is not reported again in this session."""
    if pair := _pair(data):
        identified.add(pair)


def _event(kind: str, data: dict[str, Any]) -> Event | None:
    match kind:
        case "ack":
            return ack_of(data)
        case "reaction":
            return _reaction(data)
        case "revoked":
            at, own = from_timestamp(data.get("t")), bool(data.get("fromMe"))
            return Revoked(str(data["id"]), _chat(data["chat"]), at, own)
        case "edited":
            at, own = from_timestamp(data.get("t")), bool(data.get("fromMe"))
            return Edited(str(data["id"]), _chat(data["chat"]), str(data["body"]), at, own)
        case "typing":
            return Typing(_chat(data["chat"]), bool(data["active"]))
        case "skipped":
            return Skipped(str(data["skipped"]))
    return None


def _reaction(data: dict[str, Any]) -> InboundMessage:
    return InboundMessage(
        wa_id=str(data["id"]),
        chat=_chat(data["chat"]),
        kind=MessageKind.REACTION,
        at=from_timestamp(data.get("t")),
        body=str(data["body"]),
        from_me=bool(data.get("fromMe")),
        quoted_wa_id=str(data["quoted"]),
    )


def _pair(data: Any) -> tuple[str, str] | None:
    """Return (phone, LID) if the event has both and they are well-formed."""
    chat = data.get("chat") if isinstance(data, dict) else None
    if not isinstance(chat, dict):
        return None
    phone, lid = str(chat.get("phone") or ""), str(chat.get("lid") or "")
    return (phone, lid) if is_phone(f"+{phone}") and is_lid(lid) else None


def _chat(data: dict[str, Any]) -> Chat:
    phone, lid = str(data.get("phone") or ""), str(data.get("lid") or "")
    return Chat(phone=f"+{phone}" if phone else None, lid=lid or None)


def _extra(more: dict[str, Any]) -> dict[str, Any]:
    """Return further details under the keys of `InboundMessage.extra`."""
    extra: dict[str, Any] = {}
    if "lat" in more and "lng" in more:
        extra |= {"latitude": more["lat"], "longitude": more["lng"]}
    renamed = {
        "name": more.get("loc") or more.get("vcardFormattedName"),
        "phones": more.get("phones"),
        "question": more.get("pollName"),
        "options": more.get("pollOptions"),
        "forwarded": more.get("isForwarded"),
        "view_once": more.get("isViewOnce"),
        "gif": more.get("isGif"),
        "subtype": more.get("subtype"),
    }
    return extra | {name: value for name, value in renamed.items() if value}


def _body(data: dict[str, Any], kind: MessageKind, original: str) -> str | None:
    if original == _ENCRYPTED:
        return None
    more = data.get("more") or {}
    if kind == MessageKind.LOCATION:
        return str(more.get("loc") or more.get("comment") or "")
    if kind == MessageKind.CONTACT_CARD:
        return str(more.get("vcardFormattedName") or "")
    if kind == MessageKind.POLL:
        return str(more.get("pollName") or data.get("body") or "")
    return "" if kind in _WITHOUT_BODY else str(data.get("body") or "")


def _media(data: dict[str, Any] | None) -> MediaRef | None:
    if not data:
        return None
    return MediaRef(
        mime=str(data["mime"]).partition(";")[0].strip(),
        size=data["size"] or None,
        name=str(data["name"]),
        token={"key": str(data["key"])},
    )

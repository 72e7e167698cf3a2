"""Tell which events can never become a row: cleaning mends every other field, never an id or a chat."""

from __future__ import annotations

from connections.drivers import cleaning
from connections.drivers.base import (
    Ack,
    Chat,
    Edited,
    Event,
    Identified,
    InboundMessage,
    Revoked,
    Typing,
    Unreadable,
)

UNREADABLE = "unreadable"
BAD_ID = "bad_id"
BAD_CHAT = "bad_chat"


def flaw_of(event: Event) -> str:
    """Why this event cannot be stored, whatever is tried: `unreadable`, `bad_id`, `bad_chat`; "" when it may be."""
    match event:
        case InboundMessage(wa_id, chat) | Edited(wa_id, chat) | Revoked(wa_id, chat):
            return _bad_id(wa_id) or _bad_chat(chat)
        case Ack(wa_id):
            return _bad_id(wa_id)
        case Typing(chat):
            return _bad_chat(chat)
        case Identified(phone, lid):
            return "" if cleaning.is_phone(phone) and cleaning.is_lid(lid) else BAD_CHAT
        case Unreadable():
            return UNREADABLE
    return ""


def _bad_id(wa_id: str) -> str:
    return "" if 0 < len(wa_id) <= cleaning.ID_LENGTH and cleaning.is_well_formed(wa_id) else BAD_ID


def _bad_chat(chat: Chat) -> str:
    fits = (chat.phone is None or cleaning.is_phone(chat.phone)) and (
        chat.lid is None or cleaning.is_lid(chat.lid)
    )
    return "" if fits else BAD_CHAT

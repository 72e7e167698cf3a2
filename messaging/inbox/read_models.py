"""Immutable read models of the inbox: list rows and messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from contacts.payloads import ShownTag
from core.phone import phone
from core.text import initials
from messaging.models import Message


class InboxRow(NamedTuple):
    """Read model of a list row. hit_*: the message found by a search.

    A tuple, because fifty are created per page and each is the cache key of its HTML.
    """

    id: UUID
    contact_id: UUID
    contact_name: str
    contact_push_name: str
    contact_phone: str | None
    profile_pic_url: str
    connection_id: UUID
    connection_name: str
    connection_phone: str | None
    state: str
    assigned_to_id: UUID | None
    assigned_to_name: str
    last_message_at: datetime
    last_message_id: UUID | None
    preview: str
    preview_type: str
    preview_direction: str
    preview_status: str
    unread_count: int
    hit_message_id: UUID | None = None
    hit_text: str = ""
    hit_at: datetime | None = None
    tags: tuple[ShownTag, ...] = ()

    @property
    def name(self) -> str:
        """Display name of the contact."""
        return (
            self.contact_name
            or self.contact_push_name
            or phone.display(self.contact_phone)
            or "Unknown person"
        )

    @property
    def initials(self) -> str:
        """Initials for the avatar; "" if only the number is known."""
        return initials(self.contact_name or self.contact_push_name)

    @property
    def connection_label(self) -> str:
        return self.connection_name or phone.display(self.connection_phone) or "New number"


@dataclass(frozen=True)
class InboxPage:
    """Page of the list, newest first.

    next_cursor: value of `before` for the next page; None on the last. tags: all tags of the business. cut_short: the
    search timed out, so the results are incomplete.
    """

    rows: list[InboxRow]
    next_cursor: str | None = None
    tags: tuple[ShownTag, ...] = ()
    cut_short: bool = False


class MediaRow(NamedTuple):
    """Read model of a message's file. thumbnail: storage path, or ""."""

    id: UUID
    state: str
    kind: str
    name: str
    size: int
    width: int | None
    height: int | None
    thumbnail: str
    error_code: str


class ChatMessage(NamedTuple):
    """Immutable read model of a message for rendering; the cache key of its HTML.

    A tuple, because thirty are created per page. metadata: details from the driver, which are not hashable; None if
    empty, so that most messages are.
    """

    id: UUID
    whatsapp_message_id: str | None
    direction: str
    message_type: str
    content: str
    status: str
    created_at: datetime
    origin: str
    reply_to_wa_id: str
    backfilled: bool
    body_pending: bool
    attempts: int
    error_code: str
    error_message: str
    conversation_id: UUID
    connection_id: UUID
    sender_name: str
    metadata: Mapping[str, Any] | None
    media: MediaRow | None

    @classmethod
    def of(cls, message: Message) -> ChatMessage:
        """Build from a message whose media and sender are loaded."""
        file = message.media
        own = {name: getattr(message, name) for name in cls._fields[: cls._fields.index("sender_name")]}
        return cls(
            **own,
            sender_name=str(message.sender) if message.sender else "",
            metadata=message.metadata or None,
            media=MediaRow(*(getattr(file, name) for name in MediaRow._fields)) if file else None,
        )

    @property
    def is_outbound(self) -> bool:
        return self.direction == Message.Direction.OUTBOUND


@dataclass(frozen=True)
class MessagesPage:
    """Page of a chat, oldest message first.

    quoted: quoted messages by WhatsApp id, as far as stored. older, newer: cursors for `before` and `after`; None at
    the ends of the chat.
    """

    messages: list[ChatMessage]
    older: str | None = None
    newer: str | None = None
    quoted: Mapping[str, ChatMessage] = field(default_factory=dict)

"""What the inbox shows, as light data: rows of the list, pages of a chat."""

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
    """One conversation in the list. hit_*: the message that a search found in it.

    A tuple, because it is made from one fifty times a page and is the key under which its HTML is kept.
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
        """What to call the contact."""
        return (
            self.contact_name
            or self.contact_push_name
            or phone.display(self.contact_phone)
            or "Unknown person"
        )

    @property
    def initials(self) -> str:
        """Letters for an avatar; empty when only a number is known."""
        return initials(self.contact_name or self.contact_push_name)

    @property
    def connection_label(self) -> str:
        return self.connection_name or phone.display(self.connection_phone) or "New number"


@dataclass(frozen=True)
class InboxPage:
    """A page of the list, newest first. next_cursor: give it as `before` for the next page; None on the last.

    tags: every tag of the business, to choose from. cut_short: a search was given up before it had looked at all.
    """

    rows: list[InboxRow]
    next_cursor: str | None = None
    tags: tuple[ShownTag, ...] = ()
    cut_short: bool = False


class MediaRow(NamedTuple):
    """A message's file, as a bubble shows it. thumbnail: its path in the storage; empty for none.

    error_code: why it is not here, or not yet.
    """

    id: UUID
    state: str
    kind: str
    name: str
    size: int
    width: int | None
    height: int | None
    thumbnail: str
    error_code: str


class Said(NamedTuple):
    """One message of a chat: all that its bubble shows.

    A tuple, because it is made from one, thirty times a page, and is the key under which its HTML is kept.
    metadata: what drivers told besides, which no key can be; None when it is empty.
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
    def of(cls, message: Message) -> Said:
        """The row of a message whose media and sender are loaded."""
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
    """A stretch of one chat, oldest first.

    quoted: the messages that these answer, by WhatsApp id (absent when we do not have them). older, newer: cursors for
    `before` and `after`, None where the chat ends.
    """

    messages: list[Said]
    older: str | None = None
    newer: str | None = None
    quoted: Mapping[str, Said] = field(default_factory=dict)

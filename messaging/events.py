"""Events of messages and conversations."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class MessageReceived(Event):
    """An inbound message was stored.

    Published once, however often WhatsApp delivers it.
    """

    name: ClassVar[str] = "message.received"
    message_id: UUID
    conversation_id: UUID
    contact_id: UUID
    connection_id: UUID
    backfilled: bool = False


@dataclass(frozen=True, kw_only=True)
class MessageAdded(Event):
    """An outbound message was queued, or typed on the phone."""

    name: ClassVar[str] = "message.added"
    message_id: UUID
    conversation_id: UUID
    contact_id: UUID
    connection_id: UUID
    origin: str


@dataclass(frozen=True, kw_only=True)
class MessageUpdated(Event):
    """The content or media of a message changed."""

    name: ClassVar[str] = "message.updated"
    message_id: UUID
    conversation_id: UUID


@dataclass(frozen=True, kw_only=True)
class MessageStatusChanged(Event):
    """An outbound message got another status. Public as `message.<status>`.

    passed: skipped statuses between the old and the new one, in order; they are published too.
    """

    name: ClassVar[str] = "message.status"
    message_id: UUID
    conversation_id: UUID
    connection_id: UUID
    status: str
    error_code: str = ""
    passed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ConversationChanged(Event):
    """The unread count, assignment or state of a conversation changed."""

    name: ClassVar[str] = "conversation.changed"
    conversation_id: UUID


@dataclass(frozen=True, kw_only=True)
class CustomerTyping(Event):
    """A customer started or stopped typing. Never stored."""

    name: ClassVar[str] = "conversation.typing"
    conversation_id: UUID
    active: bool

"""What happens to messages and conversations."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class MessageReceived(Event):
    """A customer's message was stored (once, however often WhatsApp told it)."""

    name: ClassVar[str] = "message.received"
    message_id: UUID
    conversation_id: UUID
    contact_id: UUID
    connection_id: UUID
    backfilled: bool = False


@dataclass(frozen=True, kw_only=True)
class MessageAdded(Event):
    """A message of ours appeared in a conversation: queued here, or typed on the phone."""

    name: ClassVar[str] = "message.added"
    message_id: UUID
    conversation_id: UUID
    contact_id: UUID
    connection_id: UUID
    origin: str


@dataclass(frozen=True, kw_only=True)
class MessageUpdated(Event):
    """A message's content or media came later than its row."""

    name: ClassVar[str] = "message.updated"
    message_id: UUID
    conversation_id: UUID


@dataclass(frozen=True, kw_only=True)
class MessageStatusChanged(Event):
    """An outbound message rose to `status` (or was put back, cancelled, expired). Public as `message.<status>`.

    passed: the statuses between the one before and this one, in order; they are told too.
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
    """Something that the list shows changed: unread, assignment, open or closed."""

    name: ClassVar[str] = "conversation.changed"
    conversation_id: UUID


@dataclass(frozen=True, kw_only=True)
class CustomerTyping(Event):
    """A customer is typing, or stopped. Never stored."""

    name: ClassVar[str] = "conversation.typing"
    conversation_id: UUID
    active: bool

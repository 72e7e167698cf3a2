"""Values that the outbox and the session runner exchange."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from connections.drivers.base import Chat


@dataclass(frozen=True)
class Claimed:
    """A queued message that the holder of the lease has claimed and not begun.

    wa_id: WhatsApp's id from an earlier attempt, or "". broadcast: sent at campaign priority, so the driver may take
    several at once.
    """

    message_id: UUID
    conversation_id: UUID
    chat: Chat
    wa_id: str
    broadcast: bool = False


@dataclass(frozen=True)
class InFlight:
    """A message in status `sending` whose result is unknown.

    since: when sending began.
    """

    message_id: UUID
    chat: Chat
    wa_id: str
    since: datetime


@dataclass(frozen=True)
class Delivered:
    """Send result: WhatsApp accepted the message. ack: an AckLevel."""

    at: datetime
    ack: int


@dataclass(frozen=True)
class TryAgain:
    """Send result: a temporary failure; the message has certainly not left.

    retry_after: seconds; None: the usual backoff. used_id: the next attempt needs another WhatsApp id.
    """

    code: str
    retry_after: float | None = None
    used_id: bool = False


@dataclass(frozen=True)
class Refused:
    """Send result: a permanent failure."""

    code: str
    message: str = ""


@dataclass(frozen=True)
class Held:
    """Send result: refused by WhatsApp's limit on new chats.

    It lasts until `until`. Not counted as an attempt.
    """

    until: datetime


Outcome = Delivered | TryAgain | Refused | Held

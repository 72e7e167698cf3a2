"""Driver contract: the abstract driver, its data types and its three errors.

A driver belongs to one session runner, which calls it from a single thread. The driver may call `Context.wake` from
any thread. A driver has no tables of its own: state that must survive is kept by WhatsApp or in the store that the
registry provides.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any, ClassVar
from uuid import UUID

from connections.drivers.sanitizing import Sanitized, is_lid, is_phone, to_int


class Transient(Exception):
    """Temporary failure: nothing was sent, and a retry may succeed.

    code: stable reason. retry_after: seconds. used_id: the retry needs a new message id, because the present one
    stands as failed in the chat.
    """

    def __init__(
        self, code: str, message: str = "", retry_after: float | None = None, *, used_id: bool = False
    ) -> None:
        super().__init__(message or code)
        self.code = code
        self.retry_after = retry_after
        self.used_id = used_id


class Limited(Transient):
    """WhatsApp does not let this number start new chats for now; nothing was sent. Replies still go out.

    until: earliest time of a retry; None if WhatsApp gives none.
    """

    def __init__(self, until: datetime | None = None) -> None:
        super().__init__("limited", "WhatsApp does not let this number start new chats for now.")
        self.until = until


class Permanent(Exception):
    """Permanent failure: a retry would be refused too. code: stable reason, such as `not_on_whatsapp`."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code


class SessionLost(Exception):
    """The session ended during a call; a message being sent may or may not have left.

    reason: a WhatsAppConnection.Reason value.
    """

    def __init__(self, reason: str = "error", message: str = "") -> None:
        super().__init__(message or reason)
        self.reason = reason


class AckLevel(IntEnum):
    """Receipt levels, with the numbers that WhatsApp Web uses."""

    FAILED = -1
    PENDING = 0
    SENT = 1
    DELIVERED = 2
    READ = 3
    PLAYED = 4

    @classmethod
    def nearest(cls, level: Any) -> AckLevel | None:
        """Convert to a level, clamping unknown numbers. None stays None."""
        if level is None or type(level) is cls:
            return level
        return cls(max(cls.FAILED, min(to_int(level) or 0, cls.PLAYED)))


class Phase(StrEnum):
    """Phase of a session. `ENDED` is final: the runner closes the driver and stores the reason."""

    LOADING = "loading"
    QR = "qr"
    SYNCING = "syncing"
    READY = "ready"
    ENDED = "ended"


class MessageKind(StrEnum):
    """Type of a message. Types not listed arrive as UNKNOWN, with the original type in `extra`."""

    TEXT = "text"
    IMAGE = "image"
    VIDEO = "video"
    DOCUMENT = "document"
    AUDIO = "audio"
    VOICE = "voice"
    STICKER = "sticker"
    LOCATION = "location"
    CONTACT_CARD = "contact_card"
    POLL = "poll"
    REACTION = "reaction"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Capabilities:
    """Features of a driver; the pages offer only these."""

    qr: bool = True
    pairing_code: bool = False
    media: bool = True
    voice: bool = True
    replies: bool = True
    read_receipts: bool = True
    typing: bool = False
    history: bool = True
    number_check: bool = True


@dataclass(frozen=True)
class Chat:
    """Identifiers of a person on WhatsApp; at least one is set. phone: E.164. lid: digits only.

    If both are given and exactly one is well-formed, the malformed one is dropped.
    """

    phone: str | None = None
    lid: str | None = None

    def __post_init__(self) -> None:
        if not (self.phone or self.lid):
            raise ValueError("A chat needs a phone number or a LID")
        if self.phone and self.lid and is_phone(self.phone) != is_lid(self.lid):
            object.__setattr__(self, "lid" if is_phone(self.phone) else "phone", None)


@dataclass(frozen=True)
class MediaRef(Sanitized):
    """Reference to media of an inbound message. size: bytes. token: JSON that the driver needs to download it."""

    mime: str
    size: int | None = None
    name: str = ""
    token: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class MediaBlob(Sanitized):
    """Content of a file with its declared type and name."""

    data: bytes
    mime: str
    name: str = ""


@dataclass(frozen=True)
class State(Sanitized):
    """Snapshot of a session's state.

    qr: content of the QR code (phase QR). qr_expires_in: seconds. reason: a WhatsAppConnection.Reason value (phase
    ENDED). own_number: E.164 (phase READY). degraded: reason code if the session is ready but impaired, else "".
    """

    phase: Phase
    qr: str = ""
    qr_expires_in: float | None = None
    pairing_code: str = ""
    reason: str = ""
    own_number: str = ""
    own_name: str = ""
    degraded: str = ""


@dataclass(frozen=True)
class ResourceUsage:
    """Resource usage of a session on its worker, and the state of its login backup. None means unknown.

    engine: name and version of the browser. memory: bytes. cpu: percent of one core since the previous measurement.
    archived_at: time of the last login backup. archive_problem: why no newer backup exists (`too_large`, `failed`) or
    "".
    """

    engine: str = ""
    started_at: datetime | None = None
    memory: int | None = None
    cpu: float | None = None
    archived_at: datetime | None = None
    archive_problem: str = ""


@dataclass(frozen=True)
class InboundMessage(Sanitized, ack=AckLevel.nearest):
    """Message received from a customer, or typed by the business on its phone (`from_me`).

    body: None while WhatsApp has delivered the message without its content; the same id follows with it.
    """

    wa_id: str
    chat: Chat
    kind: MessageKind
    at: datetime
    body: str | None = ""
    from_me: bool = False
    push_name: str = ""
    quoted_wa_id: str = ""
    media: MediaRef | None = None
    backfilled: bool = False
    ack: AckLevel | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Ack(Sanitized, level=AckLevel.nearest):
    """Receipt of an outbound message."""

    wa_id: str
    level: AckLevel
    at: datetime
    error: str = ""


@dataclass(frozen=True)
class Identified:
    """WhatsApp linked a LID with the phone number of the same person."""

    phone: str
    lid: str


@dataclass(frozen=True)
class Edited(Sanitized):
    """Edit of a sent message. body: the new text. from_me: edited by the business on its phone."""

    wa_id: str
    chat: Chat
    body: str
    at: datetime
    from_me: bool = False


@dataclass(frozen=True)
class Revoked(Sanitized):
    """Deletion of a message for everyone. from_me: deleted by the business on its phone."""

    wa_id: str
    chat: Chat
    at: datetime
    from_me: bool = False


@dataclass(frozen=True)
class Typing:
    """A customer started or stopped typing."""

    chat: Chat
    active: bool = True


@dataclass(frozen=True)
class Skipped:
    """Event ignored on purpose and only counted. kind: `group`, `status`, `newsletter`, `broadcast` or `other`."""

    kind: str


@dataclass(frozen=True)
class Unreadable:
    """Raw event that the driver cannot translate, kept until a newer driver can.

    data: raw event for `Driver.retranslate`. error: class of the error. chat: None if unknown.
    """

    data: dict[str, Any]
    error: str
    chat: Chat | None = None


Event = InboundMessage | Ack | Identified | Edited | Revoked | Typing | Skipped | Unreadable


POSTPONED = "later"
"""Reason code in `History.failed_chats`: the time limit was reached before this chat's turn."""


@dataclass(frozen=True)
class History:
    """Events read from recent chats. failed_chats: reason code by name of each chat that could not be read."""

    events: Sequence[Event] = ()
    failed_chats: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class OutgoingMessage:
    """Message to send. wa_id: generated by `new_message_id` and already stored."""

    wa_id: str
    chat: Chat
    kind: MessageKind
    body: str = ""
    media: MediaBlob | None = None
    quoted_wa_id: str = ""


@dataclass(frozen=True)
class Sent:
    """Successful send. ack: may exceed SENT, or be PENDING while the message is only queued in WhatsApp."""

    at: datetime
    ack: AckLevel = AckLevel.SENT


@dataclass(frozen=True)
class Context:
    """Dependencies of a driver.

    session: last result of `save_session` ("" at first). wake: wakes the runner when `drain` has events; callable from
    any thread. store: driver-specific persistence from the registry (None if the driver needs none).
    """

    connection_id: UUID
    session: str
    wake: Callable[[], None]
    store: Any = None
    pairing_phone: str = ""
    settings: dict[str, Any] = field(default_factory=dict)


class Driver(ABC):
    """Session of one linked number. For threads see the module's docstring."""

    mode: ClassVar[str]
    capabilities: ClassVar[Capabilities] = Capabilities()

    def __init__(self, context: Context) -> None:
        self.context = context

    @abstractmethod
    def open(self) -> None:
        """Start the session and restore the login, if any. Bounded in time. Raises SessionLost."""

    @abstractmethod
    def state(self) -> State:
        """Return the current state, refreshing an expired QR code. Cheap: the runner calls it after every drain."""

    @abstractmethod
    def drain(self) -> Sequence[Event]:
        """Return events since the last `confirm`, in order, at most 500. Does not block."""

    @abstractmethod
    def confirm(self) -> None:
        """Acknowledge the events of the last `drain`. Unacknowledged events are returned again."""

    @classmethod
    def retranslate(cls, data: dict[str, Any]) -> Sequence[Event]:
        """Translate the data of an `Unreadable` again. Returns an `Unreadable` if that still fails."""
        return [Unreadable(data, "unreadable")]

    @abstractmethod
    def idle_for(self) -> float:
        """Return the maximum seconds until the next `drain`, unless `wake` is called before."""

    @abstractmethod
    def new_message_id(self, chat: Chat) -> str:
        """Generate a message id. Does no I/O."""

    @abstractmethod
    def send(self, message: OutgoingMessage) -> Sent:
        """Send a message, bounded in time. Idempotent: an id already in the chat returns its present receipt.

        Raises Transient (Limited if the number may not start new chats), Permanent or SessionLost.
        """

    def batch_size(self) -> int:
        """Return how many campaign messages `send_batch` accepts now.

        Messages in flight when a worker dies may or may not have left, so only a driver that hands a batch over in one
        step returns more than 1.
        """
        return 1

    def send_batch(self, messages: Sequence[OutgoingMessage]) -> list[Sent | Transient | Permanent]:
        """Send up to `batch_size` messages to different chats. Returns one result or error per message, in order.

        Raises SessionLost, after which each message may or may not have left.
        """
        outcomes: list[Sent | Transient | Permanent] = []
        for message in messages:
            try:
                outcomes.append(self.send(message))
            except (Transient, Permanent) as refusal:
                outcomes.append(refusal)
        return outcomes

    @abstractmethod
    def lookup(self, chat: Chat, wa_id: str) -> Ack | None:
        """Return the receipt of a message that may have been sent; None if WhatsApp does not have the message.

        Raises Transient if WhatsApp cannot be queried.
        """

    @abstractmethod
    def history(self, since: datetime, chats: Collection[str] = ()) -> History:
        """Read messages of recent chats since a time (both directions), oldest first, bounded in time.

        A message may be followed by its `Edited` or `Revoked`. Messages too old to count as new are marked backfilled.
        chats: limit to these names, taken from `failed_chats` of an earlier result. Raises Transient if the chats
        cannot be listed.
        """

    def missed_since(self) -> datetime | None:
        """Return, once, the time since which this session may have missed messages; None if it missed none."""
        return None

    @abstractmethod
    def download(self, ref: MediaRef) -> MediaBlob:
        """Download inbound media. Raises Transient or Permanent("media_gone", "file_too_large")."""

    @abstractmethod
    def mark_read(self, chat: Chat, wa_ids: Sequence[str]) -> None:
        """Send read receipts for these messages."""

    @abstractmethod
    def show_typing(self, chat: Chat, active: bool) -> None:
        """Set or clear the typing indicator. Sending a message also clears it."""

    @abstractmethod
    def profile_picture(self, chat: Chat) -> MediaBlob | None:
        """Return the customer's profile picture, or None. Raises Transient if WhatsApp cannot be queried."""

    @abstractmethod
    def number_exists(self, phone: str) -> bool:
        """Return True if this E.164 number is on WhatsApp. Raises Transient if WhatsApp cannot be queried."""

    def resource_usage(self) -> ResourceUsage | None:
        """Return the session's resource usage; None for a driver without processes of its own."""
        return None

    @abstractmethod
    def save_session(self) -> str:
        """Return the data that restores the login without a QR code ("" if there is no login)."""

    @abstractmethod
    def logout(self) -> None:
        """Unlink this device."""

    @abstractmethod
    def close(self) -> None:
        """Release all resources, keeping the login. Never raises."""

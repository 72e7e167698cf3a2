"""The contract between WhatsFlow and whatever speaks WhatsApp: plain data in, plain data out, three errors.

A driver belongs to one session runner and is called from that runner's thread only, except `wake`, which the runner
hands in and the driver may call from anywhere. It keeps no rows of its own models: what must survive is either in
WhatsApp or goes through the store that the registry gives it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any, ClassVar
from uuid import UUID

from connections.drivers.cleaning import Cleaned, is_lid, is_phone, whole


class Transient(Exception):
    """Signal that a message has surely not left and may be sent again later.

    used_id: under another id, as the one that it had stands as failed in the chat.
    """

    def __init__(
        self, code: str, message: str = "", retry_after: float | None = None, *, used_id: bool = False
    ) -> None:
        super().__init__(message or code)
        self.code = code
        self.retry_after = retry_after
        self.used_id = used_id


class Limited(Transient):
    """WhatsApp does not let this number start new chats for now. It surely has not left; replies still go out.

    until: when to try again at the earliest; None when WhatsApp does not say.
    """

    def __init__(self, until: datetime | None = None) -> None:
        super().__init__("limited", "WhatsApp does not let this number start new chats for now.")
        self.until = until


class Permanent(Exception):
    """It was refused and will be refused again. `code`: stable reason, like `not_on_whatsapp`."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code


class SessionLost(Exception):
    """The session ended while we were talking; what was being sent may or may not have left."""

    def __init__(self, reason: str = "error", message: str = "") -> None:
        super().__init__(message or reason)
        self.reason = reason


class AckLevel(IntEnum):
    """WhatsApp's receipt levels (the numbers that WhatsApp Web uses)."""

    FAILED = -1
    PENDING = 0
    SENT = 1
    DELIVERED = 2
    READ = 3
    PLAYED = 4

    @classmethod
    def nearest(cls, level: Any) -> AckLevel | None:
        """The level; the nearest one for numbers beyond ours. None stays None."""
        if level is None or type(level) is cls:
            return level
        return cls(max(cls.FAILED, min(whole(level) or 0, cls.PLAYED)))


class Phase(StrEnum):
    """Where a session stands. `ENDED` is final: the runner closes the driver and keeps the reason."""

    LOADING = "loading"
    QR = "qr"
    SYNCING = "syncing"
    READY = "ready"
    ENDED = "ended"


class MessageKind(StrEnum):
    """What a message is. Anything else arrives as UNKNOWN with its original type in `extra`."""

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
    """What this driver can do; the dashboard offers nothing else."""

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
    """A person as WhatsApp names them. At least one is set. phone: E.164. lid: bare digits.

    Of two names one that cannot be right is left out.
    """

    phone: str | None = None
    lid: str | None = None

    def __post_init__(self) -> None:
        if not (self.phone or self.lid):
            raise ValueError("A chat needs a phone number or a LID")
        if self.phone and self.lid and is_phone(self.phone) != is_lid(self.lid):
            object.__setattr__(self, "lid" if is_phone(self.phone) else "phone", None)


@dataclass(frozen=True)
class MediaRef(Cleaned):
    """Media of an inbound message, still on WhatsApp's side. `token`: what the driver needs to fetch it (JSON)."""

    mime: str
    size: int | None = None
    name: str = ""
    token: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class MediaBlob(Cleaned):
    """Bytes with their declared type and name."""

    data: bytes
    mime: str
    name: str = ""


@dataclass(frozen=True)
class State(Cleaned):
    """A driver's answer to "how are you?".

    qr: content to draw as a QR code (phase QR). qr_expires_in: seconds. reason: a WhatsAppConnection.Reason value
    (phase ENDED). own_number: E.164 (phase READY). degraded: ready, but something does not answer.
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
class Vitals:
    """What a session takes of its machine, for people who look after it.

    engine: what drives the number, with its version. memory: bytes. cpu: percent of one processor since the last look.
    None where it is not known. archived_at: when the last copy of the login was made. archive_problem: why the login
    cannot be copied (`too_large`, `failed`), "" when it can.
    """

    engine: str = ""
    started_at: datetime | None = None
    memory: int | None = None
    cpu: float | None = None
    archived_at: datetime | None = None
    archive_problem: str = ""


@dataclass(frozen=True)
class InboundMessage(Cleaned, ack=AckLevel.nearest):
    """A message that WhatsApp tells us of: a customer's, or our own typed on the phone (`from_me`).

    body is None when it came without its content (encrypted first); the same id comes again with it.
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
class Ack(Cleaned, level=AckLevel.nearest):
    """A receipt for one of our messages."""

    wa_id: str
    level: AckLevel
    at: datetime
    error: str = ""


@dataclass(frozen=True)
class Identified:
    """WhatsApp told that this LID and this phone number are one person."""

    phone: str
    lid: str


@dataclass(frozen=True)
class Edited(Cleaned):
    """Somebody changed a message after it was sent. body: what it says now. from_me: we did, on the phone."""

    wa_id: str
    chat: Chat
    body: str
    at: datetime
    from_me: bool = False


@dataclass(frozen=True)
class Revoked(Cleaned):
    """Somebody took a message back, for everyone. from_me: we did, on the phone."""

    wa_id: str
    chat: Chat
    at: datetime
    from_me: bool = False


@dataclass(frozen=True)
class Typing:
    """A customer is typing (or stopped)."""

    chat: Chat
    active: bool = True


@dataclass(frozen=True)
class Skipped:
    """Something left out on purpose (group, status broadcast, newsletter); only counted."""

    kind: str


@dataclass(frozen=True)
class Unreadable:
    """Something that WhatsApp told and the driver cannot translate; set aside until a driver that can is installed.

    data: what was told, for `Driver.reread`. error: why it cannot be read. chat: whose it is, when that is known.
    """

    data: dict[str, Any]
    error: str
    chat: Chat | None = None


Event = InboundMessage | Ack | Identified | Edited | Revoked | Typing | Skipped | Unreadable


LATER = "later"
"""Why a chat is among the unread ones of a `History`: its turn has not come yet."""


@dataclass(frozen=True)
class History:
    """Messages of the recent chats. unread: chats that could not be read, by name, each with a reason code."""

    events: Sequence[Event] = ()
    unread: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class OutgoingMessage:
    """What to send. `wa_id` was generated by `new_message_id` and is saved already."""

    wa_id: str
    chat: Chat
    kind: MessageKind
    body: str = ""
    media: MediaBlob | None = None
    quoted_wa_id: str = ""


@dataclass(frozen=True)
class Sent:
    """WhatsApp took it. `ack` may be higher than SENT already, or PENDING while it is only queued on the phone."""

    at: datetime
    ack: AckLevel = AckLevel.SENT


@dataclass(frozen=True)
class Context:
    """What a driver is given when it is opened.

    session: what `save_session` returned last ("" at first). wake: call it, from any thread, when something can be
    drained. store: driver-specific persistence that the registry provides (None if it needs none).
    """

    connection_id: UUID
    session: str
    wake: Callable[[], None]
    store: Any = None
    pairing_phone: str = ""
    settings: dict[str, Any] = field(default_factory=dict)


class Driver(ABC):
    """One linked number, while it is being driven. See the module's docstring for threads."""

    mode: ClassVar[str]
    capabilities: ClassVar[Capabilities] = Capabilities()

    def __init__(self, context: Context) -> None:
        self.context = context

    @abstractmethod
    def open(self) -> None:
        """Start, restoring the login if there is one. Bounded; raises SessionLost."""

    @abstractmethod
    def state(self) -> State:
        """How it is now. Cheap; called after every drain. Refreshes the QR by itself when it has run out."""

    @abstractmethod
    def drain(self) -> Sequence[Event]:
        """What has happened since the last `confirm`, in order, without waiting. At most 500 at once."""

    @abstractmethod
    def confirm(self) -> None:
        """What the last `drain` returned is committed; never tell it again. Not called: it is told again."""

    @classmethod
    def reread(cls, data: dict[str, Any]) -> Sequence[Event]:
        """Translate the data of an `Unreadable` again. Still `Unreadable` when this driver cannot either."""
        return [Unreadable(data, "unreadable")]

    @abstractmethod
    def idle_for(self) -> float:
        """How many seconds the runner may sleep at most before it should drain again (it wakes earlier on `wake`)."""

    @abstractmethod
    def new_message_id(self, chat: Chat) -> str:
        """A fresh id for a message that is about to be sent. Touches nothing outside."""

    @abstractmethod
    def send(self, message: OutgoingMessage) -> Sent:
        """Send it, bounded in time; an id that is in the chat already is not sent again but answered with its ack.

        Raises Transient (Limited when WhatsApp lets nobody new be written to), Permanent or SessionLost.
        """

    def at_once(self) -> int:
        """How many messages of a broadcast it takes in one go now: 1 where each takes its time.

        What was begun and not answered when a worker dies may have left, so a driver says more only if handing them
        over is one step.
        """
        return 1

    def send_all(self, messages: Sequence[OutgoingMessage]) -> list[Sent | Transient | Permanent]:
        """`send` for several messages to different chats, as many as `at_once` said; what became of each, in order.

        Raises SessionLost: then each may or may not have left.
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
        """The receipt of a message that may have been sent, or None when WhatsApp does not have it.

        Raises Transient when WhatsApp could not be asked.
        """

    @abstractmethod
    def history(self, since: datetime, chats: Collection[str] = ()) -> History:
        """Read the messages of recent chats from `since` on (both directions), oldest first, bounded in time.

        Each may be followed by what its writer did to it since: `Edited`, `Revoked`. Those that come too late to be
        told as new are marked backfilled. chats: only these, of an earlier answer's `unread`. Raises Transient when
        the chats could not be asked for at all.
        """

    def missed_since(self) -> datetime | None:
        """Since when messages may have been missed while this session ran; told once. None: none were."""
        return None

    @abstractmethod
    def download(self, ref: MediaRef) -> MediaBlob:
        """The bytes of an inbound medium. Raises Transient or Permanent("media_gone", "file_too_large")."""

    @abstractmethod
    def mark_read(self, chat: Chat, wa_ids: Sequence[str]) -> None:
        """Show the customer that a person has read these."""

    @abstractmethod
    def show_typing(self, chat: Chat, active: bool) -> None:
        """Show the customer that somebody is typing, or has stopped. It also stops by itself with the next message."""

    @abstractmethod
    def picture(self, chat: Chat) -> MediaBlob | None:
        """The customer's profile picture; None when they show none. Raises Transient when it could not be asked for."""

    @abstractmethod
    def number_exists(self, phone: str) -> bool:
        """Ask if this E.164 number is on WhatsApp. Raises Transient when WhatsApp could not be asked."""

    def vitals(self) -> Vitals | None:
        """What the session takes of this machine; None for a driver that takes nothing worth telling."""
        return None

    @abstractmethod
    def save_session(self) -> str:
        """What must be kept to log in again without a QR ("" when there is no login)."""

    @abstractmethod
    def logout(self) -> None:
        """Unlink this device."""

    @abstractmethod
    def close(self) -> None:
        """Let go of everything, keeping the login. Never raises."""

"""What the session runner needs from whoever keeps the messages. Messaging registers the implementation.

Every call carries the lease; a stale one raises `LeaseLost` and changes nothing (fencing).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from accounts.models import BusinessProfile
from connections.drivers.base import Ack, Chat, Event, MediaBlob, MediaRef, OutgoingMessage


class LeaseLost(Exception):
    """Another runner owns the number now, or the lease ran out: stop at once and write nothing."""


@dataclass(frozen=True)
class Lease:
    """The right to drive one number: whose, and which epoch it is."""

    connection_id: UUID
    business_id: UUID
    owner: str
    epoch: int


@dataclass(frozen=True)
class Claimed:
    """A message taken out of the outbox, not begun yet.

    wa_id: set when an earlier try already has one. broadcast: a campaign's, in its own turn: it may go with others.
    """

    message_id: UUID
    conversation_id: UUID
    chat: Chat
    wa_id: str
    broadcast: bool = False


@dataclass(frozen=True)
class InFlight:
    """A message that an earlier session began to send, and of which nobody knows what became."""

    message_id: UUID
    chat: Chat
    wa_id: str
    since: datetime


@dataclass(frozen=True)
class Delivered:
    """Outcome of a send: WhatsApp took it."""

    at: datetime
    ack: int


@dataclass(frozen=True)
class TryAgain:
    """Outcome of a send: it surely has not left.

    retry_after: seconds, None for the usual growing wait. used_id: it needs another id then.
    """

    code: str
    retry_after: float | None = None
    used_id: bool = False


@dataclass(frozen=True)
class Refused:
    """Outcome of a send: it will never leave."""

    code: str
    message: str = ""


@dataclass(frozen=True)
class Held:
    """Outcome of a send: WhatsApp lets nobody new be written to until then. It has not left and counts as no try."""

    until: datetime


Outcome = Delivered | TryAgain | Refused | Held


@dataclass(frozen=True)
class MediaJob:
    """An inbound medium that is to be fetched."""

    message_id: UUID
    ref: MediaRef


@dataclass(frozen=True)
class ReadReceipt:
    """Messages that a person has read and WhatsApp has not been told of."""

    conversation_id: UUID
    chat: Chat
    wa_ids: tuple[str, ...]


@dataclass(frozen=True)
class PictureJob:
    """A contact whose profile picture is not known, or known for long."""

    contact_id: UUID
    chat: Chat


class Mailbox(Protocol):
    """Receives what happened and hands out what is to be sent."""

    def receive(self, lease: Lease, events: Sequence[Event]) -> int:
        """Store a batch; repeated and shuffled events change nothing. Returns new messages.

        An event that cannot be stored is set aside (connections/services/unstored_events.py), and the others are.
        """

    def receive_again(self, connection_id: UUID, events: Sequence[Event]) -> None:
        """Store events that were set aside, with or without a runner. Raises what keeps them from being stored."""

    def claim(self, lease: Lease, limit: int) -> list[Claimed]:
        """Take the next messages: people before campaigns, in order within a conversation, none that must wait."""

    def begin(self, lease: Lease, claimed: Claimed, wa_id: str) -> OutgoingMessage | None:
        """Save the id and the state `sending`, committed; None when it was cancelled or expired meanwhile."""

    def begin_all(self, lease: Lease, claimed: Sequence[Claimed]) -> list[tuple[Claimed, OutgoingMessage]]:
        """`begin` for several in one transaction, each with the `wa_id` it is to have. Returns those that may leave:
        of one conversation the first alone."""

    def settle(self, lease: Lease, message_id: UUID, outcome: Outcome) -> None:
        """Write what became of a begun message."""

    def settle_all(self, lease: Lease, outcomes: Sequence[tuple[UUID, Outcome]]) -> None:
        """`settle` for several in one transaction."""

    def release(self, lease: Lease, claimed: Sequence[Claimed]) -> None:
        """Put back what was claimed and not begun."""

    def in_flight(self, lease: Lease) -> list[InFlight]:
        """What earlier sessions, or this one before it lost its connection, left in `sending`."""

    def reconcile(self, lease: Lease, message: InFlight, ack: Ack | None) -> None:
        """Settle an in-flight message by what WhatsApp says; unknown to WhatsApp for 2 minutes becomes `unknown`."""

    def seconds_until_due(self, lease: Lease) -> float | None:
        """When the next waiting message may be claimed: 0 for now, None when nothing waits."""

    def media_wanted(self, lease: Lease, limit: int) -> list[MediaJob]:
        """Inbound media not fetched yet and due."""

    def store_media(self, lease: Lease, job: MediaJob, blob: MediaBlob) -> None:
        """Keep a fetched medium."""

    def media_failed(self, lease: Lease, job: MediaJob, code: str, permanent: bool) -> None:
        """Note that a medium could not be fetched; tried again later unless permanent."""

    def receipts_wanted(self, lease: Lease, limit: int) -> list[ReadReceipt]:
        """Conversations that a person has read since WhatsApp was last told."""

    def receipt_done(self, lease: Lease, receipt: ReadReceipt) -> None:
        """WhatsApp was told."""

    def typing(self, lease: Lease) -> list[Chat]:
        """The chats for which somebody of the team is typing now."""

    def picture_wanted(self, lease: Lease) -> PictureJob | None:
        """Somebody of the latest conversations whose profile picture should be looked at (again)."""

    def store_picture(self, lease: Lease, job: PictureJob, blob: MediaBlob | None) -> None:
        """Keep a profile picture; None: they show none. Either way it is not asked for again for a long time."""

    def picture_failed(self, lease: Lease, job: PictureJob) -> None:
        """Note that a profile picture could not be asked for. What is known stays; it is asked for again in a while."""

    def waiting_numbers(self) -> set[UUID]:
        """Every number of this installation that has messages waiting to leave; carries no lease and only reads."""

    def newest_message_at(self, lease: Lease) -> datetime | None:
        """Time of the newest message stored for this number: where the gap repair starts from."""


_mailbox: Mailbox | None = None


def register_mailbox(mailbox: Mailbox) -> None:
    """Called once, in the implementing app's ready()."""
    global _mailbox
    _mailbox = mailbox


def mailbox() -> Mailbox:
    """The registered implementation."""
    if _mailbox is None:
        raise RuntimeError("No mailbox is registered: is the messaging app installed?")
    return _mailbox


@dataclass(frozen=True)
class Traffic:
    """How busy a number is. queued: waits to leave. sent_today: since midnight in the business's time zone."""

    queued: int = 0
    sent_today: int = 0


TrafficCounter = Callable[[BusinessProfile, Sequence[UUID]], dict[UUID, Traffic]]
"""Counts the traffic of some of a business's numbers, in a fixed number of queries. Messaging registers it."""

_traffic_counter: TrafficCounter | None = None


def register_traffic_counter(counter: TrafficCounter) -> None:
    """Called once, in the implementing app's ready()."""
    global _traffic_counter
    _traffic_counter = counter


def traffic_of(business: BusinessProfile, connection_ids: Sequence[UUID]) -> dict[UUID, Traffic]:
    """The traffic of each of these numbers of the business; no messaging app, no traffic."""
    counted = _traffic_counter(business, connection_ids) if _traffic_counter and connection_ids else {}
    return {id_: counted.get(id_, Traffic()) for id_ in connection_ids}

"""What the simulated WhatsApp remembers, and the interface of its memory. The linked device may die; this stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from connections.drivers.base import AckLevel, Chat, MediaBlob, MessageKind


@dataclass(frozen=True)
class Phone:
    """The phone and its account. linked_secret: the login of the one linked device ("" when none is linked)."""

    id: UUID
    seed: int
    number: str
    push_name: str
    linked_secret: str = ""
    qr_secret: str = ""
    qr_expires_at: datetime | None = None
    pairing_code: str = ""
    unlink_reason: str = ""
    online: bool = True
    speed: float = 1.0
    cast_started: bool = False
    faults: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Customer:
    """A simulated person. number: E.164 in +999. hides_number: WhatsApp tells only the LID."""

    id: UUID
    name: str
    number: str
    lid: str
    persona: str
    hides_number: bool = False
    step: int = 0
    blocked: bool = False

    @property
    def chat(self) -> Chat:
        """How WhatsApp names this person to the linked device."""
        if self.hides_number:
            return Chat(lid=self.lid)
        return Chat(phone=self.number)


@dataclass(frozen=True)
class Letter:
    """A message as the server keeps it. media_key: where its bytes are ("" when it has none)."""

    wa_id: str
    customer_id: UUID
    from_me: bool
    kind: MessageKind = MessageKind.TEXT
    body: str = ""
    quoted_wa_id: str = ""
    media_name: str = ""
    media_mime: str = ""
    media_key: str = ""
    ack: AckLevel = AckLevel.PENDING
    at: datetime | None = None
    """When the server took it; set by the store."""


class HappeningKind(StrEnum):
    """What may happen. payload: MESSAGE {wa_id, customer, line?}, RECEIPT {wa_id, level}, TYPING {customer, active},
    IDENTIFIED {customer}, SKIPPED {kind}."""

    MESSAGE = "message"
    RECEIPT = "receipt"
    TYPING = "typing"
    IDENTIFIED = "identified"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Happening:
    """Something due at a time, which the linked device is told of when it is due. id: None before it is stored."""

    due_at: datetime
    kind: HappeningKind
    payload: dict[str, Any]
    id: UUID | None = None


@dataclass(frozen=True)
class Accepted:
    """The server's answer to a message of the business. attempts: how often this id was handed over by now."""

    at: datetime
    ack: AckLevel
    attempts: int


class Store(Protocol):
    """The memory of one simulated WhatsApp. Each method is one transaction."""

    def phone(self) -> Phone:
        """How the phone is now."""

    def show_code(self, secret: str, expires_at: datetime, pairing_code: str) -> None:
        """The linked device shows a QR code (and pairing code) that may be scanned until `expires_at`."""

    def link(self, secret: str) -> bool:
        """Make `secret` the login of the linked device, if it is the code on show. False: it is not (any more)."""

    def unlink(self, reason: str, secret: str = "") -> None:
        """End the login (only `secret`, if one is given); `reason` is what the device will be told."""

    def take_fault(self, name: str) -> bool:
        """Use up one of the faults counted under `name`. False: none is left."""

    def start_cast(self, cast: Sequence[Customer], happenings: Sequence[Happening]) -> bool:
        """Add the cast and what it will do, once in the phone's life. False: it had begun already."""

    def add_customer(self, customer: Customer) -> Customer:
        """Add one person, or return the one who has this number already."""

    def customer(self, customer_id: UUID) -> Customer | None:
        """A person by id."""

    def find_customer(self, chat: Chat) -> Customer | None:
        """A person by number or LID."""

    def find_customers(self, numbers: Sequence[str]) -> dict[str, Customer]:
        """People by number; those that nobody has are left out."""

    def has_written(self, customer_id: UUID) -> bool:
        """Whether this person has ever written to the business."""

    def show_typing(self, customer_id: UUID, active: bool) -> None:
        """This person sees that the business is typing, or has stopped."""

    def reveal_numbers(self, customer_ids: Sequence[UUID]) -> None:
        """WhatsApp tells these people's numbers from now on."""

    def accept(self, letters: Sequence[tuple[Letter, Sequence[Happening]]]) -> list[Accepted]:
        """Take messages of the business, each with what follows from it; their people's scripts move on a step.

        An id that is there already is only counted: nothing is delivered and nothing follows.
        """

    def put(self, letters: Sequence[Letter], happenings: Sequence[Happening] = ()) -> None:
        """Keep messages that somebody else wrote; ids that are there already stay as they are."""

    def raise_acks(self, levels: dict[str, AckLevel]) -> None:
        """Raise the receipts of messages by id; they never fall."""

    def letters(self, wa_ids: Sequence[str]) -> dict[str, Letter]:
        """Messages by id; those that do not exist are left out."""

    def letters_since(self, since: datetime, limit: int) -> list[Letter]:
        """Messages of both directions from `since` on, oldest first."""

    def due(self, now: datetime, limit: int) -> list[Happening]:
        """What has become due and was not taken yet, in order."""

    def next_due(self) -> datetime | None:
        """When the next thing happens that was not taken yet."""

    def take(self, happening_ids: Sequence[UUID]) -> None:
        """The linked device has these; they are not told again."""

    def keep_media(self, wa_id: str, blob: MediaBlob) -> str:
        """Keep the bytes of a message; returns the key."""

    def read_media(self, key: str) -> bytes | None:
        """The bytes, or None when they are gone."""

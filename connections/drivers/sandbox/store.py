"""Data types and persistence interface of the simulated WhatsApp."""

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
    """The phone and its account. linked_secret: login of the linked device ("" if none is linked)."""

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
    """A simulated customer. number: E.164 in +999. hides_number: WhatsApp reveals only the LID."""

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
        """Identifiers that WhatsApp reveals to the linked device."""
        if self.hides_number:
            return Chat(lid=self.lid)
        return Chat(phone=self.number)


@dataclass(frozen=True)
class StoredMessage:
    """A message on the simulated server. media_key: storage key of its file, or ""."""

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
    """Time of acceptance; set by the store."""


class ScheduledKind(StrEnum):
    """Kind of a scheduled event.

    Payloads: MESSAGE {wa_id, customer, line?}, RECEIPT {wa_id, level}, TYPING {customer, active},
    IDENTIFIED {customer}, SKIPPED {kind}.
    """

    MESSAGE = "message"
    RECEIPT = "receipt"
    TYPING = "typing"
    IDENTIFIED = "identified"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class ScheduledEvent:
    """Event that the linked device receives at `due_at`. id: None before it is stored."""

    due_at: datetime
    kind: ScheduledKind
    payload: dict[str, Any]
    id: UUID | None = None


@dataclass(frozen=True)
class Accepted:
    """The server's answer to a message of the business. attempts: number of times this id was sent."""

    at: datetime
    ack: AckLevel
    attempts: int


class Store(Protocol):
    """Persistence of one simulated WhatsApp. Each method is one transaction."""

    def phone(self) -> Phone:
        """Return the phone."""

    def show_code(self, secret: str, expires_at: datetime, pairing_code: str) -> None:
        """Store the QR code (and pairing code) that the linked device displays until `expires_at`."""

    def link(self, secret: str) -> bool:
        """Make `secret` the login of the linked device. Returns False if it is not the displayed code."""

    def unlink(self, reason: str, secret: str = "") -> None:
        """End the login (only `secret`, if given). reason: reported to the device."""

    def take_fault(self, name: str) -> bool:
        """Decrement the counter of a fault. Returns False if it is 0."""

    def start_conversations(self, customers: Sequence[Customer], schedule: Sequence[ScheduledEvent]) -> bool:
        """Add the opening customers and schedule their messages, once per phone. Returns False if already done."""

    def add_customer(self, customer: Customer) -> Customer:
        """Add a customer, or return the one with this number."""

    def customer(self, customer_id: UUID) -> Customer | None:
        """Return a customer by id."""

    def find_customer(self, chat: Chat) -> Customer | None:
        """Return a customer by number or LID."""

    def find_customers(self, numbers: Sequence[str]) -> dict[str, Customer]:
        """Return the existing customers by number."""

    def has_written(self, customer_id: UUID) -> bool:
        """Return True if this customer has ever written to the business."""

    def show_typing(self, customer_id: UUID, active: bool) -> None:
        """Set or clear the typing indicator that the customer sees."""

    def reveal_numbers(self, customer_ids: Sequence[UUID]) -> None:
        """Stop hiding the numbers of these customers."""

    def accept(self, messages: Sequence[tuple[StoredMessage, Sequence[ScheduledEvent]]]) -> list[Accepted]:
        """Accept messages of the business with their scheduled reactions, and advance the customers' scripts by a step.

        A repeated id only increases `attempts`.
        """

    def save_messages(
        self, messages: Sequence[StoredMessage], schedule: Sequence[ScheduledEvent] = ()
    ) -> None:
        """Store messages not sent through the linked device; existing ids are left unchanged."""

    def raise_acks(self, levels: dict[str, AckLevel]) -> None:
        """Raise receipt levels by message id; never lowers one."""

    def messages(self, wa_ids: Sequence[str]) -> dict[str, StoredMessage]:
        """Return the existing messages by id."""

    def messages_since(self, since: datetime, limit: int) -> list[StoredMessage]:
        """Return messages of both directions since a time, oldest first."""

    def due(self, now: datetime, limit: int) -> list[ScheduledEvent]:
        """Return due events not delivered yet, in order."""

    def next_due(self) -> datetime | None:
        """Return the time of the next undelivered event; None if there is none."""

    def mark_delivered(self, event_ids: Sequence[UUID]) -> None:
        """Record that the linked device has received these events."""

    def save_media(self, wa_id: str, blob: MediaBlob) -> str:
        """Store the file of a message and return its key."""

    def read_media(self, key: str) -> bytes | None:
        """Return the content of a file; None if it no longer exists."""

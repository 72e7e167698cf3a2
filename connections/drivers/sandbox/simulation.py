"""Simulated WhatsApp server: accepts messages of the business and delivers scheduled reactions of customers."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any
from uuid import UUID

from connections.drivers.base import (
    Ack,
    AckLevel,
    Chat,
    Event,
    Identified,
    InboundMessage,
    MediaBlob,
    MediaRef,
    MessageKind,
    OutgoingMessage,
    Skipped,
    Typing,
)
from connections.drivers.sandbox.personas import NAMES, OPENING_CAST, PERSONAS, Line, persona
from connections.drivers.sandbox.store import (
    Accepted,
    Customer,
    Phone,
    ScheduledEvent,
    ScheduledKind,
    Store,
    StoredMessage,
)
from core.failpoints import reach
from core.ids import uuid7

QR_PREFIX = "whatsflow-sandbox"
NUMBER_PREFIX = "+999"
STALE_TYPING = timedelta(seconds=15)
MAX_ANSWERS = 200
"""Maximum answers of a customer, so that an auto-reply and a persona do not loop for ever."""


class CodeRefused(Exception):
    """The scanned or typed code is invalid. code: wrong_qr or qr_expired."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class DueEvent:
    """An event of the driver contract with the id of its scheduled event."""

    id: UUID
    event: Event


def utc_now() -> datetime:
    return datetime.now(UTC)


class World:
    """The simulated WhatsApp of one phone. Thread-independent: all state is in the store."""

    def __init__(self, store: Store, clock: Callable[[], datetime] = utc_now) -> None:
        self.store = store
        self.clock = clock

    # -- linking ---------------------------------------------------------------------------------------

    def scan(self, code: str) -> None:
        """Link the device by a scanned QR code or a typed pairing code. Raises CodeRefused."""
        phone = self.store.phone()
        typed = code.strip()
        if typed.startswith(f"{QR_PREFIX}:"):
            _, phone_id, secret = [*typed.split(":", 2), "", ""][:3]
            if phone_id != str(phone.id):
                raise CodeRefused("wrong_qr")
        else:
            pairing = typed.replace("-", "").replace(" ", "").upper()
            if not pairing or pairing != phone.pairing_code:
                raise CodeRefused("wrong_qr")
            secret = phone.qr_secret
        expired = phone.qr_expires_at is None or phone.qr_expires_at <= self.clock()
        if not secret or expired or not self.store.link(secret):
            raise CodeRefused("qr_expired")

    def begin(self, phone: Phone) -> None:
        """Start the opening conversations when a device is ready for the first time."""
        if phone.cast_started:
            return
        now = self.clock()
        people: list[Customer] = []
        schedule: list[ScheduledEvent] = []
        for index, (role, at) in enumerate(OPENING_CAST):
            customer = _opening_customer(phone, index, role.key)
            people.append(customer)
            begin = now + timedelta(seconds=at * phone.speed)
            schedule += self._lines(phone, customer, role.opening, begin, f"opening:{index}", ())
        schedule.append(ScheduledEvent(now, ScheduledKind.SKIPPED, {"kind": "status"}))
        self.store.start_conversations(people, schedule)

    # -- sending by the business -----------------------------------------------------------------------

    def customer_behind(self, chat: Chat) -> Customer | None:
        """Return the customer of a chat, creating one for an unknown number. None for numbers ending in 0000."""
        known = self.store.find_customer(chat)
        if known is not None or not chat.phone or not self.exists(chat.phone):
            return known
        roles = sorted(PERSONAS)
        pick = _rng(chat.phone, "somebody")
        name, role = pick.choice(NAMES), pick.choice(roles)
        lid = str(10**14 + int.from_bytes(blake2b(chat.phone.encode(), digest_size=5).digest()))
        return self.store.add_customer(Customer(uuid7(), name, chat.phone, lid, role))

    def customers_behind(self, chats: Sequence[Chat]) -> list[Customer | None]:
        """Return `customer_behind` for several chats, with one query for known customers."""
        known = self.store.find_customers([chat.phone for chat in chats if chat.phone])
        return [known.get(chat.phone or "") or self.customer_behind(chat) for chat in chats]

    def exists(self, number: str) -> bool:
        """Return True if the number is on the simulated WhatsApp."""
        return number.startswith(NUMBER_PREFIX) and not number.endswith("0000")

    def accept(
        self, phone: Phone, messages: Sequence[tuple[OutgoingMessage, Customer]], *, receipts: bool = True
    ) -> list[Accepted]:
        """Accept messages of the business and schedule receipts (if `receipts`) and answers."""
        accepted = self.store.accept(
            [
                (self._sent(message, customer), self._schedule_after(phone, message, customer, receipts))
                for message, customer in messages
            ]
        )
        reach("sandbox.accepted")
        return accepted

    def _sent(self, message: OutgoingMessage, customer: Customer) -> StoredMessage:
        blob = message.media
        return StoredMessage(
            wa_id=message.wa_id,
            customer_id=customer.id,
            from_me=True,
            kind=message.kind,
            body=message.body,
            quoted_wa_id=message.quoted_wa_id,
            media_name=blob.name if blob else "",
            media_mime=blob.mime if blob else "",
            media_key=self.store.save_media(message.wa_id, blob) if blob else "",
            ack=AckLevel.SENT,
        )

    def _schedule_after(
        self, phone: Phone, message: OutgoingMessage, customer: Customer, receipts: bool
    ) -> list[ScheduledEvent]:
        schedule = self._reactions(phone, customer, message.wa_id, message.body)
        return [scheduled for scheduled in schedule if receipts or scheduled.kind != ScheduledKind.RECEIPT]

    def _reactions(self, phone: Phone, customer: Customer, wa_id: str, text: str) -> list[ScheduledEvent]:
        """Schedule receipts and the customer's answer after reading."""
        if customer.blocked:
            return []
        role, rng = persona(customer.persona), _rng(phone.seed, customer.number, customer.step)
        delivered = self.clock() + timedelta(seconds=rng.uniform(0.7, 1.4) * phone.speed)
        schedule = [_receipt(delivered, wa_id, AckLevel.DELIVERED)]
        if role.reads is None:
            return schedule
        read = delivered + timedelta(seconds=rng.uniform(*role.reads) * phone.speed)
        schedule.append(_receipt(read, wa_id, AckLevel.READ))
        if role.reveals_at == customer.step and customer.hides_number:
            schedule.append(ScheduledEvent(read, ScheduledKind.IDENTIFIED, {"customer": str(customer.id)}))
        lines = role.answer(customer.step, text, rng) if customer.step < MAX_ANSWERS else ()
        return schedule + self._lines(phone, customer, lines, read, wa_id, (wa_id,))

    def _lines(
        self,
        phone: Phone,
        customer: Customer,
        lines: Sequence[Line],
        begin: datetime,
        key: str,
        quoted: Sequence[str],
    ) -> list[ScheduledEvent]:
        """Schedule typing and sending of each line, starting at `begin`."""
        schedule: list[ScheduledEvent] = []
        moment, who = begin, str(customer.id)
        for index, line in enumerate(lines):
            if index or quoted:
                moment += timedelta(seconds=line.after * phone.speed)
                schedule.append(
                    ScheduledEvent(moment, ScheduledKind.TYPING, {"customer": who, "active": True})
                )
                moment += timedelta(seconds=line.typing * phone.speed)
            payload: dict[str, Any] = {
                "customer": who,
                "wa_id": _message_id(phone.seed, customer.number, key, index),
                "line": {"body": line.text, "picture": phone.seed + index if line.picture else None},
            }
            schedule.append(ScheduledEvent(moment, ScheduledKind.MESSAGE, payload))
        return schedule

    # -- sending by customers and the phone ------------------------------------------------------------

    def write_as(
        self,
        customer: Customer,
        text: str,
        *,
        media: MediaBlob | None = None,
        kind: MessageKind = MessageKind.TEXT,
        quoted_wa_id: str = "",
        from_me: bool = False,
    ) -> StoredMessage:
        """Send a message as this customer (`from_me`: as the business on its own phone)."""
        phone = self.store.phone()
        wa_id = "3A" + secrets.token_hex(9).upper()
        message = StoredMessage(
            wa_id,
            customer.id,
            from_me,
            kind,
            text,
            quoted_wa_id,
            media.name if media else "",
            media.mime if media else "",
            self.store.save_media(wa_id, media) if media else "",
            AckLevel.SENT if from_me else AckLevel.DELIVERED,
        )
        scheduled = ScheduledEvent(
            self.clock(), ScheduledKind.MESSAGE, {"customer": str(customer.id), "wa_id": wa_id}
        )
        schedule = self._reactions(phone, customer, wa_id, text) if from_me else []
        self.store.save_messages([message], [scheduled, *schedule])
        return message

    def due_events(self, limit: int) -> list[DueEvent]:
        """Apply the due scheduled events and return them as driver events. Idempotent until marked as delivered."""
        now = self.clock()
        due = self.store.due(now, limit)
        if not due:
            return []
        self._apply(due)
        messages = self.store.messages([h.payload["wa_id"] for h in due if h.kind == ScheduledKind.MESSAGE])
        people = self._people(due)
        events = [
            DueEvent(scheduled.id, event)
            for scheduled in due
            if scheduled.id is not None and (event := _event(scheduled, messages, people, now)) is not None
        ]
        returned = {due.id for due in events}
        if obsolete := [h.id for h in due if h.id is not None and h.id not in returned]:
            self.store.mark_delivered(obsolete)
        return events

    def _apply(self, due: Sequence[ScheduledEvent]) -> None:
        levels: dict[str, AckLevel] = {}
        written = [
            self._scripted_message(h) for h in due if h.kind == ScheduledKind.MESSAGE and "line" in h.payload
        ]
        for scheduled in due:
            if scheduled.kind == ScheduledKind.RECEIPT:
                wa_id, level = scheduled.payload["wa_id"], AckLevel(scheduled.payload["level"])
                levels[wa_id] = max(level, levels.get(wa_id, level))
        if written:
            self.store.save_messages(written)
        if levels:
            self.store.raise_acks(levels)
        if revealed := [UUID(h.payload["customer"]) for h in due if h.kind == ScheduledKind.IDENTIFIED]:
            self.store.reveal_numbers(revealed)

    def _scripted_message(self, scheduled: ScheduledEvent) -> StoredMessage:
        """Build the message of a scheduled line."""
        wa_id, line = scheduled.payload["wa_id"], scheduled.payload["line"]
        customer = UUID(scheduled.payload["customer"])
        if line["picture"] is None:
            return StoredMessage(wa_id, customer, False, body=line["body"], ack=AckLevel.DELIVERED)
        from connections.drivers.sandbox import images  # Pillow is slow to import

        blob = MediaBlob(images.parcel_photo(line["picture"]), "image/jpeg", "IMG-0001.jpg")
        return StoredMessage(
            wa_id,
            customer,
            False,
            MessageKind.IMAGE,
            line["body"],
            media_name=blob.name,
            media_mime=blob.mime,
            media_key=self.store.save_media(wa_id, blob),
            ack=AckLevel.DELIVERED,
        )

    def _people(self, due: Iterable[ScheduledEvent]) -> dict[str, Customer]:
        ids = {h.payload["customer"] for h in due if "customer" in h.payload}
        customers = {key: self.store.customer(UUID(key)) for key in ids}
        return {key: customer for key, customer in customers.items() if customer is not None}


def inbound(message: StoredMessage, customer: Customer, *, backfilled: bool = False) -> InboundMessage:
    """Convert a stored message to the driver contract."""
    media = None
    if message.media_key:
        media = MediaRef(message.media_mime, name=message.media_name, token={"key": message.media_key})
    return InboundMessage(
        wa_id=message.wa_id,
        chat=customer.chat,
        kind=message.kind,
        at=message.at or utc_now(),
        body=message.body,
        from_me=message.from_me,
        push_name="" if message.from_me else customer.name,
        quoted_wa_id=message.quoted_wa_id,
        media=media,
        backfilled=backfilled,
        ack=message.ack if message.from_me else None,
    )


def _event(
    scheduled: ScheduledEvent, messages: dict[str, StoredMessage], people: dict[str, Customer], now: datetime
) -> Event | None:
    """Convert a scheduled event to the driver contract; None if it is obsolete."""
    payload, kind = scheduled.payload, scheduled.kind
    if kind == ScheduledKind.RECEIPT:
        return Ack(payload["wa_id"], AckLevel(payload["level"]), scheduled.due_at)
    if kind == ScheduledKind.SKIPPED:
        return Skipped(payload["kind"])
    customer = people.get(payload["customer"])
    if customer is None:
        return None
    if kind == ScheduledKind.MESSAGE:
        message = messages.get(payload["wa_id"])
        return inbound(message, customer) if message is not None else None
    if kind == ScheduledKind.IDENTIFIED:
        return Identified(phone=customer.number, lid=customer.lid)
    if now - scheduled.due_at > STALE_TYPING:
        return None
    return Typing(customer.chat, bool(payload["active"]))


def _receipt(at: datetime, wa_id: str, level: AckLevel) -> ScheduledEvent:
    return ScheduledEvent(at, ScheduledKind.RECEIPT, {"wa_id": wa_id, "level": int(level)})


def _opening_customer(phone: Phone, index: int, role: str) -> Customer:
    who = persona(role)
    return Customer(
        id=uuid7(),
        name=who.name,
        number=f"{NUMBER_PREFIX}7{phone.seed % 10**6:06d}{index + 1:02d}",
        lid=str(10**14 + phone.seed * 1000 + index),
        persona=role,
        hides_number=who.hides_number,
    )


def _message_id(*parts: object) -> str:
    """Derive a message id from the position in the script, so that it is reproducible."""
    seed = ":".join(str(part) for part in parts)
    return "3A" + blake2b(seed.encode(), digest_size=9).hexdigest().upper()


def _rng(*parts: object) -> random.Random:
    return random.Random(":".join(str(part) for part in parts))  # noqa: S311 (a simulation that can be repeated)

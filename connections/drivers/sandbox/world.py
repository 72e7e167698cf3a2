"""The simulated WhatsApp: takes what the business sends, and lets happen what customers do when its time has come."""

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
from connections.drivers.sandbox.personas import CAST, NAMES, PERSONAS, Line, persona
from connections.drivers.sandbox.store import (
    Accepted,
    Customer,
    Happening,
    HappeningKind,
    Letter,
    Phone,
    Store,
)
from core.failpoints import reach
from core.ids import uuid7

QR_PREFIX = "whatsflow-sandbox"
NUMBER_PREFIX = "+999"
STALE_TYPING = timedelta(seconds=15)
PATIENCE = 200
"""Answers that a customer gives at most, so that two machines do not talk for ever."""


class CodeRefused(Exception):
    """The scanned or typed code links nothing. code: wrong_qr or qr_expired."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Told:
    """An event with the id of the happening that it comes from."""

    id: UUID
    event: Event


def utc_now() -> datetime:
    return datetime.now(UTC)


class World:
    """One simulated WhatsApp around one phone. Not bound to a thread; everything is in the store."""

    def __init__(self, store: Store, clock: Callable[[], datetime] = utc_now) -> None:
        self.store = store
        self.clock = clock

    # -- linking ---------------------------------------------------------------------------------------

    def scan(self, code: str) -> None:
        """The phone scans a QR code, or a person types a pairing code on it. Raises CodeRefused."""
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
        """A device is linked and ready: at the first time, the cast begins to write."""
        if phone.cast_started:
            return
        now = self.clock()
        people: list[Customer] = []
        happenings: list[Happening] = []
        for index, (role, at) in enumerate(CAST):
            customer = _cast_member(phone, index, role.key)
            people.append(customer)
            begin = now + timedelta(seconds=at * phone.speed)
            happenings += self._lines(phone, customer, role.opening, begin, f"opening:{index}", ())
        happenings.append(Happening(now, HappeningKind.SKIPPED, {"kind": "status"}))
        self.store.start_cast(people, happenings)

    # -- what the business does ------------------------------------------------------------------------

    def reachable(self, chat: Chat) -> Customer | None:
        """Whom this chat belongs to. Every sandbox number has somebody, except those that end in 0000."""
        known = self.store.find_customer(chat)
        if known is not None or not chat.phone or not self.exists(chat.phone):
            return known
        roles = sorted(PERSONAS)
        pick = _rng(chat.phone, "somebody")
        name, role = pick.choice(NAMES), pick.choice(roles)
        lid = str(10**14 + int.from_bytes(blake2b(chat.phone.encode(), digest_size=5).digest()))
        return self.store.add_customer(Customer(uuid7(), name, chat.phone, lid, role))

    def reachable_all(self, chats: Sequence[Chat]) -> list[Customer | None]:
        """`reachable` for several; the people who are known cost one query together."""
        known = self.store.find_customers([chat.phone for chat in chats if chat.phone])
        return [known.get(chat.phone or "") or self.reachable(chat) for chat in chats]

    def exists(self, number: str) -> bool:
        """Whether this number is on the simulated WhatsApp."""
        return number.startswith(NUMBER_PREFIX) and not number.endswith("0000")

    def accept(
        self, phone: Phone, messages: Sequence[tuple[OutgoingMessage, Customer]], *, receipts: bool = True
    ) -> list[Accepted]:
        """Take messages of the business. Receipts (unless they get lost) and answers are scheduled with them."""
        accepted = self.store.accept(
            [
                (self._sent(message, customer), self._follows(phone, message, customer, receipts))
                for message, customer in messages
            ]
        )
        reach("sandbox.accepted")
        return accepted

    def _sent(self, message: OutgoingMessage, customer: Customer) -> Letter:
        blob = message.media
        return Letter(
            wa_id=message.wa_id,
            customer_id=customer.id,
            from_me=True,
            kind=message.kind,
            body=message.body,
            quoted_wa_id=message.quoted_wa_id,
            media_name=blob.name if blob else "",
            media_mime=blob.mime if blob else "",
            media_key=self.store.keep_media(message.wa_id, blob) if blob else "",
            ack=AckLevel.SENT,
        )

    def _follows(
        self, phone: Phone, message: OutgoingMessage, customer: Customer, receipts: bool
    ) -> list[Happening]:
        follows = self._consequences(phone, customer, message.wa_id, message.body)
        return [one for one in follows if receipts or one.kind != HappeningKind.RECEIPT]

    def _consequences(self, phone: Phone, customer: Customer, wa_id: str, text: str) -> list[Happening]:
        """Receipts, and what the customer answers after reading."""
        if customer.blocked:
            return []
        role, rng = persona(customer.persona), _rng(phone.seed, customer.number, customer.step)
        delivered = self.clock() + timedelta(seconds=rng.uniform(0.7, 1.4) * phone.speed)
        happenings = [_receipt(delivered, wa_id, AckLevel.DELIVERED)]
        if role.reads is None:
            return happenings
        read = delivered + timedelta(seconds=rng.uniform(*role.reads) * phone.speed)
        happenings.append(_receipt(read, wa_id, AckLevel.READ))
        if role.reveals_at == customer.step and customer.hides_number:
            happenings.append(Happening(read, HappeningKind.IDENTIFIED, {"customer": str(customer.id)}))
        lines = role.answer(customer.step, text, rng) if customer.step < PATIENCE else ()
        return happenings + self._lines(phone, customer, lines, read, wa_id, (wa_id,))

    def _lines(
        self,
        phone: Phone,
        customer: Customer,
        lines: Sequence[Line],
        begin: datetime,
        key: str,
        quoted: Sequence[str],
    ) -> list[Happening]:
        """Typing and sending, one line after the other, from `begin` on."""
        happenings: list[Happening] = []
        moment, who = begin, str(customer.id)
        for index, line in enumerate(lines):
            if index or quoted:
                moment += timedelta(seconds=line.after * phone.speed)
                happenings.append(Happening(moment, HappeningKind.TYPING, {"customer": who, "active": True}))
                moment += timedelta(seconds=line.typing * phone.speed)
            payload: dict[str, Any] = {
                "customer": who,
                "wa_id": _letter_id(phone.seed, customer.number, key, index),
                "line": {"body": line.text, "picture": phone.seed + index if line.picture else None},
            }
            happenings.append(Happening(moment, HappeningKind.MESSAGE, payload))
        return happenings

    # -- what customers and the phone do ---------------------------------------------------------------

    def write_as(
        self,
        customer: Customer,
        text: str,
        *,
        media: MediaBlob | None = None,
        kind: MessageKind = MessageKind.TEXT,
        quoted_wa_id: str = "",
        from_me: bool = False,
    ) -> Letter:
        """A person writes, now, as this customer (`from_me`: on the business's own phone)."""
        phone = self.store.phone()
        wa_id = "3A" + secrets.token_hex(9).upper()
        letter = Letter(
            wa_id,
            customer.id,
            from_me,
            kind,
            text,
            quoted_wa_id,
            media.name if media else "",
            media.mime if media else "",
            self.store.keep_media(wa_id, media) if media else "",
            AckLevel.SENT if from_me else AckLevel.DELIVERED,
        )
        happening = Happening(
            self.clock(), HappeningKind.MESSAGE, {"customer": str(customer.id), "wa_id": wa_id}
        )
        follows = self._consequences(phone, customer, wa_id, text) if from_me else []
        self.store.put([letter], [happening, *follows])
        return letter

    def happen(self, limit: int) -> list[Told]:
        """Let happen what is due and not taken yet. Telling it again changes nothing in the world."""
        now = self.clock()
        due = self.store.due(now, limit)
        if not due:
            return []
        self._materialise(due)
        letters = self.store.letters([h.payload["wa_id"] for h in due if h.kind == HappeningKind.MESSAGE])
        people = self._people(due)
        told = [
            Told(happening.id, event)
            for happening in due
            if happening.id is not None and (event := _event(happening, letters, people, now)) is not None
        ]
        known = {one.id for one in told}
        if left_out := [h.id for h in due if h.id is not None and h.id not in known]:
            self.store.take(left_out)
        return told

    def _materialise(self, due: Sequence[Happening]) -> None:
        levels: dict[str, AckLevel] = {}
        written = [self._letter(h) for h in due if h.kind == HappeningKind.MESSAGE and "line" in h.payload]
        for happening in due:
            if happening.kind == HappeningKind.RECEIPT:
                wa_id, level = happening.payload["wa_id"], AckLevel(happening.payload["level"])
                levels[wa_id] = max(level, levels.get(wa_id, level))
        if written:
            self.store.put(written)
        if levels:
            self.store.raise_acks(levels)
        if revealed := [UUID(h.payload["customer"]) for h in due if h.kind == HappeningKind.IDENTIFIED]:
            self.store.reveal_numbers(revealed)

    def _letter(self, happening: Happening) -> Letter:
        """A line of a script as the message that it becomes."""
        wa_id, line = happening.payload["wa_id"], happening.payload["line"]
        customer = UUID(happening.payload["customer"])
        if line["picture"] is None:
            return Letter(wa_id, customer, False, body=line["body"], ack=AckLevel.DELIVERED)
        from connections.drivers.sandbox import pictures  # Pillow is not loaded before the first picture

        blob = MediaBlob(pictures.draw(line["picture"]), "image/jpeg", "IMG-0001.jpg")
        return Letter(
            wa_id,
            customer,
            False,
            MessageKind.IMAGE,
            line["body"],
            media_name=blob.name,
            media_mime=blob.mime,
            media_key=self.store.keep_media(wa_id, blob),
            ack=AckLevel.DELIVERED,
        )

    def _people(self, due: Iterable[Happening]) -> dict[str, Customer]:
        ids = {h.payload["customer"] for h in due if "customer" in h.payload}
        found = {one: self.store.customer(UUID(one)) for one in ids}
        return {one: customer for one, customer in found.items() if customer is not None}


def inbound(letter: Letter, customer: Customer, *, backfilled: bool = False) -> InboundMessage:
    """A message as the linked device is told of it."""
    media = None
    if letter.media_key:
        media = MediaRef(letter.media_mime, name=letter.media_name, token={"key": letter.media_key})
    return InboundMessage(
        wa_id=letter.wa_id,
        chat=customer.chat,
        kind=letter.kind,
        at=letter.at or utc_now(),
        body=letter.body,
        from_me=letter.from_me,
        push_name="" if letter.from_me else customer.name,
        quoted_wa_id=letter.quoted_wa_id,
        media=media,
        backfilled=backfilled,
        ack=letter.ack if letter.from_me else None,
    )


def _event(
    happening: Happening, letters: dict[str, Letter], people: dict[str, Customer], now: datetime
) -> Event | None:
    """What the linked device is told; None when there is nothing (left) to tell."""
    payload, kind = happening.payload, happening.kind
    if kind == HappeningKind.RECEIPT:
        return Ack(payload["wa_id"], AckLevel(payload["level"]), happening.due_at)
    if kind == HappeningKind.SKIPPED:
        return Skipped(payload["kind"])
    customer = people.get(payload["customer"])
    if customer is None:
        return None
    if kind == HappeningKind.MESSAGE:
        letter = letters.get(payload["wa_id"])
        return inbound(letter, customer) if letter is not None else None
    if kind == HappeningKind.IDENTIFIED:
        return Identified(phone=customer.number, lid=customer.lid)
    if now - happening.due_at > STALE_TYPING:
        return None
    return Typing(customer.chat, bool(payload["active"]))


def _receipt(at: datetime, wa_id: str, level: AckLevel) -> Happening:
    return Happening(at, HappeningKind.RECEIPT, {"wa_id": wa_id, "level": int(level)})


def _cast_member(phone: Phone, index: int, role: str) -> Customer:
    who = persona(role)
    return Customer(
        id=uuid7(),
        name=who.name,
        number=f"{NUMBER_PREFIX}7{phone.seed % 10**6:06d}{index + 1:02d}",
        lid=str(10**14 + phone.seed * 1000 + index),
        persona=role,
        hides_number=who.hides_number,
    )


def _letter_id(*parts: object) -> str:
    """A customer's message id: the same for the same place in the script."""
    seed = ":".join(str(part) for part in parts)
    return "3A" + blake2b(seed.encode(), digest_size=9).hexdigest().upper()


def _rng(*parts: object) -> random.Random:
    return random.Random(":".join(str(part) for part in parts))  # noqa: S311 (a simulation that can be repeated)

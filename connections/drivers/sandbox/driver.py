"""Sandbox driver: the linked device of a simulated phone."""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar

from connections.drivers.base import (
    Ack,
    AckLevel,
    Capabilities,
    Chat,
    Context,
    Driver,
    Event,
    History,
    InboundMessage,
    Limited,
    MediaBlob,
    MediaRef,
    OutgoingMessage,
    Permanent,
    Phase,
    Sent,
    SessionLost,
    State,
    Transient,
)
from connections.drivers.sandbox import faults, images
from connections.drivers.sandbox.simulation import QR_PREFIX, CodeRefused, DueEvent, World, inbound
from connections.drivers.sandbox.store import Customer, Phone, Store

BATCH = 500
QR_SECONDS = 20.0
QR_COUNT = 5
SYNC_SECONDS = 0.6
SCAN_SECONDS = 3.0
MAX_BODY = 65_536
BATCH_SIZE = 50
"""Campaign messages accepted in one step."""
IDLE_SECONDS = 10.0
_PAIRING_LETTERS = "ABCDEFGHJKLMNPQRSTVWXYZ123456789"


class SandboxDriver(Driver):
    """Driver of a simulated phone.

    Settings: `auto_scan` (the phone scans the QR code by itself), `qr_seconds` (life of a QR code).
    """

    mode: ClassVar[str] = "sandbox"
    capabilities: ClassVar[Capabilities] = Capabilities(pairing_code=True, typing=True)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._store: Store = context.store
        self._world = World(self._store)
        self._secret = context.session
        self._shown: list[str] = []
        self._shown_at = self._qr_ends = 0.0
        self._codes_before = int(context.settings.get("qr_shown", 0))
        self._pairing_code = ""
        self._ready_at = 0.0
        self._ended = ""
        self._unconfirmed: list[DueEvent] = []
        self._lost: list[DueEvent] = []

    # -- state -----------------------------------------------------------------------------------------

    def open(self) -> None:
        phone = self._store.phone()
        if self._secret and self._secret != phone.linked_secret:
            self._ended = phone.unlink_reason or "unlinked"

    def state(self) -> State:
        if self._ended:
            return State(Phase.ENDED, reason=self._ended)
        phone = self._store.phone()
        if not self._secret and phone.linked_secret and phone.linked_secret in self._shown:
            self._secret = phone.linked_secret
            self._ready_at = time.monotonic() + SYNC_SECONDS * phone.speed
        if not self._secret:
            return self._code_state(phone)
        if phone.linked_secret != self._secret:
            self._ended = phone.unlink_reason or "unlinked"
            return State(Phase.ENDED, reason=self._ended)
        if time.monotonic() < self._ready_at:
            return State(Phase.SYNCING, own_number=phone.number, own_name=phone.push_name)
        self._world.begin(phone)
        degraded = "" if phone.online else "phone_offline"
        return State(Phase.READY, own_number=phone.number, own_name=phone.push_name, degraded=degraded)

    def _code_state(self, phone: Phone) -> State:
        """Show a QR code, renewed when it expires, and end the session after QR_COUNT codes."""
        now = time.monotonic()
        if now >= self._qr_ends:
            if self._codes_before + len(self._shown) >= QR_COUNT:
                self._ended = "qr_expired"
                return State(Phase.ENDED, reason=self._ended)
            self._show_code(now)
        elif self._auto_scans(phone, now):
            try:
                self._world.scan(f"{QR_PREFIX}:{phone.id}:{self._shown[-1]}")
            except CodeRefused:
                self._qr_ends = 0.0
            return self.state()
        content = f"{QR_PREFIX}:{phone.id}:{self._shown[-1]}"
        return State(Phase.QR, qr=content, qr_expires_in=self._qr_ends - now, pairing_code=self._pairing_code)

    def _show_code(self, now: float) -> None:
        lives = float(self.context.settings.get("qr_seconds", QR_SECONDS))
        self._shown.append(secrets.token_urlsafe(24))
        self._shown_at, self._qr_ends = now, now + lives
        if self.context.pairing_phone and not self._pairing_code:
            self._pairing_code = "".join(secrets.choice(_PAIRING_LETTERS) for _ in range(8))
        ends = self._world.clock() + timedelta(seconds=lives)
        self._store.show_code(self._shown[-1], ends, self._pairing_code)

    def _auto_scans(self, phone: Phone, now: float) -> bool:
        return (
            bool(self.context.settings.get("auto_scan"))
            and now - self._shown_at >= SCAN_SECONDS * phone.speed
        )

    def idle_for(self) -> float:
        now = time.monotonic()
        if self._ended:
            return 0.0
        if not self._secret:
            return max(
                0.0, min(self._qr_ends - now, 0.5 if self.context.settings.get("auto_scan") else IDLE_SECONDS)
            )
        if now < self._ready_at:
            return self._ready_at - now
        due = self._store.next_due()
        if due is None or not self._store.phone().online:
            return IDLE_SECONDS
        return max(0.0, min(IDLE_SECONDS, (due - self._world.clock()).total_seconds()))

    # -- receiving ------------------------------------------------------------------------------------

    def drain(self) -> Sequence[Event]:
        phone = self._linked_phone()
        self._unconfirmed, self._lost = [], []
        if phone is None or not phone.online:
            return []
        for due in self._world.due_events(BATCH):
            lost = bool(phone.faults.get("lose_events")) and self._store.take_fault("lose_events")
            (self._lost if lost else self._unconfirmed).append(due)
        return _apply_faults([due.event for due in self._unconfirmed], phone)

    def confirm(self) -> None:
        if event_ids := [due.id for due in (*self._unconfirmed, *self._lost)]:
            self._store.mark_delivered(event_ids)
        self._unconfirmed, self._lost = [], []

    def history(self, since: datetime, chats: Collection[str] = ()) -> History:
        phone = self._require_phone()
        if self._takes_fault(phone, "fail_history"):
            raise Transient("history_failed", "The simulated WhatsApp cannot read its chats.")
        messages: list[InboundMessage] = []
        for message in self._store.messages_since(since, 10_000):
            customer = self._store.customer(message.customer_id)
            if customer is not None:
                messages.append(inbound(message, customer, backfilled=True))
        return History(messages)

    def download(self, ref: MediaRef) -> MediaBlob:
        phone = self._require_phone()
        if phone.faults.get("fail_downloads") and self._store.take_fault("fail_downloads"):
            raise Transient("download_failed")
        data = self._store.read_media(str(ref.token.get("key", "")))
        if data is None:
            raise Permanent("media_gone", "WhatsApp no longer has this file.")
        return MediaBlob(data, ref.mime, ref.name)

    # -- sending --------------------------------------------------------------------------------------

    def new_message_id(self, chat: Chat) -> str:
        return "3EB0" + secrets.token_hex(9).upper()

    def send(self, message: OutgoingMessage) -> Sent:
        phone = self._require_phone()
        known = self.lookup(message.chat, message.wa_id)
        if known is not None:
            return Sent(known.at, known.level)
        self._apply_send_faults(phone)
        if self._takes_fault(phone, "fail_lookups"):
            raise Transient(
                "lookup_failed", "The simulated WhatsApp cannot say whether the number is on WhatsApp."
            )
        customer = self._world.customer_behind(message.chat)
        if refusal := _refusal(message, customer):
            raise refusal
        assert customer is not None
        if phone.faults.get("limit_new_chats") and not self._store.has_written(customer.id):
            raise Limited
        muted = bool(phone.faults.get("drop_acks"))
        hasty = replace(phone, speed=0.0) if phone.faults.get("ack_before_return") else phone
        (accepted,) = self._world.accept(hasty, [(message, customer)], receipts=not muted)
        if self._takes_fault(phone, "lost_result_next"):
            raise SessionLost("error", "The connection was lost after the message left.")
        if phone.faults.get("ack_before_return"):
            return Sent(accepted.at, AckLevel.DELIVERED)
        return Sent(accepted.at, AckLevel.PENDING if muted else accepted.ack)

    def batch_size(self) -> int:
        phone = self._linked_phone()
        return BATCH_SIZE if phone is not None and phone.online and not any(phone.faults.values()) else 1

    def send_batch(self, messages: Sequence[OutgoingMessage]) -> list[Sent | Transient | Permanent]:
        """Send in one step, or one by one if a fault is set."""
        phone = self._linked_phone()
        if len(messages) == 1 or phone is None or not phone.online or any(phone.faults.values()):
            return super().send_batch(messages)
        known = self._store.messages([message.wa_id for message in messages])
        answers: dict[str, Sent | Permanent] = {
            wa_id: Sent(message.at or self._world.clock(), message.ack) for wa_id, message in known.items()
        }
        fresh = [message for message in messages if message.wa_id not in answers]
        sendable: list[tuple[OutgoingMessage, Customer]] = []
        for message, customer in zip(
            fresh, self._world.customers_behind([message.chat for message in fresh]), strict=True
        ):
            if refusal := _refusal(message, customer):
                answers[message.wa_id] = refusal
            elif customer is not None:
                sendable.append((message, customer))
        results = self._world.accept(phone, sendable) if sendable else []
        for (message, _), accepted in zip(sendable, results, strict=True):
            answers[message.wa_id] = Sent(accepted.at, accepted.ack)
        return [answers[message.wa_id] for message in messages]

    def _apply_send_faults(self, phone: Phone) -> None:
        """Apply the faults that occur before WhatsApp accepts a message."""
        if slow := min(int(phone.faults.get(faults.SLOW, 0)), faults.MAX_SLOW_MS):
            threading.Event().wait(slow / 1000)
        if self._takes_fault(phone, "drop_next"):
            raise SessionLost("error", "The connection was lost before the message left.")
        if self._takes_fault(phone, "fail_next"):
            raise Transient("sandbox_busy", "The simulated WhatsApp is busy.")
        if self._takes_fault(phone, "fail_permanently_next"):
            raise Permanent("refused", "The simulated WhatsApp refused this message.")

    def _takes_fault(self, phone: Phone, name: str) -> bool:
        return bool(phone.faults.get(name)) and self._store.take_fault(name)

    def lookup(self, chat: Chat, wa_id: str) -> Ack | None:
        self._require_phone()
        message = self._store.messages([wa_id]).get(wa_id)
        if message is None:
            return None
        return Ack(wa_id, message.ack, message.at or self._world.clock())

    def mark_read(self, chat: Chat, wa_ids: Sequence[str]) -> None:
        self._require_phone()
        self._store.raise_acks(dict.fromkeys(wa_ids, AckLevel.READ))

    def show_typing(self, chat: Chat, active: bool) -> None:
        self._require_phone()
        customer = self._store.find_customer(chat)
        if customer is not None:
            self._store.show_typing(customer.id, active)

    def profile_picture(self, chat: Chat) -> MediaBlob | None:
        self._require_phone()
        customer = self._store.find_customer(chat)
        return images.profile_picture(customer) if customer is not None else None

    def number_exists(self, phone: str) -> bool:
        if self._takes_fault(self._require_phone(), "fail_lookups"):
            raise Transient(
                "lookup_failed", "The simulated WhatsApp cannot say whether the number is on WhatsApp."
            )
        return self._world.exists(phone)

    # -- the login -------------------------------------------------------------------------------------

    def save_session(self) -> str:
        if self._ended or not self._secret:
            return ""
        return self._secret if self._store.phone().linked_secret == self._secret else ""

    def logout(self) -> None:
        if self._secret:
            self._store.unlink("unlinked", self._secret)
        self._secret, self._ended = "", "user"

    def close(self) -> None:
        self._unconfirmed, self._lost = [], []

    def _linked_phone(self) -> Phone | None:
        """Return the phone if this device is linked to it."""
        if self._ended or not self._secret:
            return None
        phone = self._store.phone()
        return phone if phone.linked_secret == self._secret else None

    def _require_phone(self) -> Phone:
        """Return the phone. Raises SessionLost if it is not linked, Transient if it is offline."""
        phone = self._store.phone()
        if self._ended or not self._secret or phone.linked_secret != self._secret:
            reason = self._ended or phone.unlink_reason or "unlinked"
            raise SessionLost(reason, "This device is not linked.")
        if not phone.online:
            raise Transient("phone_offline", "The simulated phone is offline.")
        return phone


def _refusal(message: OutgoingMessage, customer: Customer | None) -> Permanent | None:
    """Return the reason why WhatsApp refuses a message, or None."""
    if len(message.body) > MAX_BODY:
        return Permanent("too_long", "WhatsApp takes at most 65,536 characters.")
    if customer is None:
        return Permanent("not_on_whatsapp", "This number is not on WhatsApp.")
    return None


def _apply_faults(events: list[Event], phone: Phone) -> list[Event]:
    """Apply the faults that change a batch of events."""
    if phone.faults.get("encrypted_first"):
        events = [part for event in events for part in _encrypted_first(event)]
    if phone.faults.get("double_events"):
        events = [event for event in events for _ in range(2)]
    if phone.faults.get("shuffle_events"):
        random.Random(phone.seed).shuffle(events)  # noqa: S311 (a simulation that can be repeated)
    return events


def _encrypted_first(event: Event) -> list[Event]:
    if isinstance(event, InboundMessage):
        return [replace(event, body=None, media=None), event]
    return [event]

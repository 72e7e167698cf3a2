"""Database-backed store of the simulated WhatsApp, and cleanup of its files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import F, Min, Q, QuerySet

from connections.drivers.base import AckLevel, Chat, MediaBlob, MessageKind
from connections.drivers.sandbox.store import (
    Accepted,
    Customer,
    Phone,
    ScheduledEvent,
    ScheduledKind,
    StoredMessage,
)
from connections.models import SandboxCustomer, SandboxEvent, SandboxMessage, SandboxPhone, WhatsAppConnection
from core.clock import now
from core.files.storage import remove_tree
from core.ids import uuid7
from core.realtime import wakeup

TYPING_FOR = timedelta(seconds=25)
"""Time after which a typing indicator disappears unless it is renewed."""


def create_phone(connection: WhatsAppConnection) -> SandboxPhone:
    """Create the simulated phone of a sandbox number, with an unused number derived from its seed."""
    while True:
        phone = SandboxPhone(connection=connection)
        phone.number = f"+9991{phone.seed % 10**8:08d}"
        try:
            with transaction.atomic():
                phone.save(force_insert=True)
        except IntegrityError:
            continue
        return phone


class SandboxStore:
    """Implementation of `connections.drivers.sandbox.store.Store` for one connection, without state of its own."""

    def __init__(self, connection_id: UUID) -> None:
        self.connection_id = connection_id
        self.phone_id: UUID = SandboxPhone.objects.values_list("id", flat=True).get(
            connection_id=connection_id
        )

    # -- the phone -------------------------------------------------------------------------------------

    def phone(self) -> Phone:
        row = SandboxPhone.objects.get(pk=self.phone_id)
        return Phone(
            id=row.pk,
            seed=row.seed,
            number=row.number,
            push_name=row.push_name,
            linked_secret=row.linked_secret,
            qr_secret=row.qr_secret,
            qr_expires_at=row.qr_expires_at,
            pairing_code=row.pairing_code,
            unlink_reason=row.unlink_reason,
            online=row.online,
            speed=row.speed,
            cast_started=row.cast_started,
            faults=row.faults,
        )

    def show_code(self, secret: str, expires_at: datetime, pairing_code: str) -> None:
        self._row().update(qr_secret=secret, qr_expires_at=expires_at, pairing_code=pairing_code)

    def link(self, secret: str) -> bool:
        with transaction.atomic():
            row = self._locked()
            if not secret or row.qr_secret != secret:
                return False
            row.unlink_reason = "replaced" if row.linked_secret else ""
            row.linked_secret, row.qr_secret, row.pairing_code = secret, "", ""
            row.save(
                update_fields=["unlink_reason", "linked_secret", "qr_secret", "pairing_code", "updated_at"]
            )
            self._wake_runner()
        return True

    def unlink(self, reason: str, secret: str = "") -> None:
        with transaction.atomic():
            rows = self._row()
            if secret:
                rows = rows.filter(linked_secret=secret)
            rows.update(linked_secret="", unlink_reason=reason)
            self._wake_runner()

    def take_fault(self, name: str) -> bool:
        with transaction.atomic():
            row = self._locked()
            left = int(row.faults.get(name, 0))
            if left <= 0:
                return False
            row.faults = {**row.faults, name: left - 1}
            row.save(update_fields=["faults", "updated_at"])
        return True

    # -- the people ------------------------------------------------------------------------------------

    def start_conversations(self, customers: Sequence[Customer], schedule: Sequence[ScheduledEvent]) -> bool:
        with transaction.atomic():
            if not self._row().filter(cast_started=False).update(cast_started=True):
                return False
            known = set(
                SandboxCustomer.objects.filter(phone_id=self.phone_id).values_list("number", flat=True)
            )
            new = [customer for customer in customers if customer.number not in known]
            SandboxCustomer.objects.bulk_create([self._customer_row(customer) for customer in new])
            ids = {str(customer.id) for customer in new}
            self._schedule(
                scheduled for scheduled in schedule if scheduled.payload.get("customer", "") in ids | {""}
            )
        return True

    def add_customer(self, customer: Customer) -> Customer:
        row, _ = SandboxCustomer.objects.get_or_create(
            phone_id=self.phone_id,
            number=customer.number,
            defaults={
                "id": customer.id,
                "name": customer.name,
                "lid": customer.lid,
                "persona": customer.persona,
                "hides_number": customer.hides_number,
            },
        )
        return _customer(row)

    def customer(self, customer_id: UUID) -> Customer | None:
        row = SandboxCustomer.objects.filter(phone_id=self.phone_id, pk=customer_id).first()
        return _customer(row) if row else None

    def find_customer(self, chat: Chat) -> Customer | None:
        condition = Q()
        if chat.phone:
            condition |= Q(number=chat.phone)
        if chat.lid:
            condition |= Q(lid=chat.lid)
        row = SandboxCustomer.objects.filter(condition, phone_id=self.phone_id).first()
        return _customer(row) if row else None

    def find_customers(self, numbers: Sequence[str]) -> dict[str, Customer]:
        rows = SandboxCustomer.objects.filter(phone_id=self.phone_id, number__in=numbers)
        return {row.number: _customer(row) for row in rows}

    def has_written(self, customer_id: UUID) -> bool:
        return SandboxMessage.objects.filter(customer_id=customer_id, from_me=False).exists()

    def show_typing(self, customer_id: UUID, active: bool) -> None:
        until = now() + TYPING_FOR if active else None
        SandboxCustomer.objects.filter(phone_id=self.phone_id, pk=customer_id).update(sees_typing_until=until)

    def reveal_numbers(self, customer_ids: Sequence[UUID]) -> None:
        rows = SandboxCustomer.objects.filter(phone_id=self.phone_id, pk__in=customer_ids)
        rows.update(hides_number=False)

    # -- messages --------------------------------------------------------------------------------------

    def accept(self, messages: Sequence[tuple[StoredMessage, Sequence[ScheduledEvent]]]) -> list[Accepted]:
        with transaction.atomic():
            self._locked()
            ids = [message.wa_id for message, _ in messages]
            rows = SandboxMessage.objects.filter(phone_id=self.phone_id, wa_id__in=ids)
            known = set(rows.values_list("wa_id", flat=True))
            if known:
                rows.update(attempts=F("attempts") + 1)
            fresh = [(message, reactions) for message, reactions in messages if message.wa_id not in known]
            created = SandboxMessage.objects.bulk_create([self._message_row(message) for message, _ in fresh])
            SandboxCustomer.objects.filter(pk__in={message.customer_id for message, _ in fresh}).update(
                step=F("step") + 1, sees_typing_until=None
            )
            self._schedule(scheduled for _, reactions in fresh for scheduled in reactions)
            by_id = {row.wa_id: row for row in created} | ({row.wa_id: row for row in rows} if known else {})
        return [
            Accepted(row.created_at, AckLevel(row.ack), row.attempts) for row in map(by_id.__getitem__, ids)
        ]

    def save_messages(
        self, messages: Sequence[StoredMessage], schedule: Sequence[ScheduledEvent] = ()
    ) -> None:
        with transaction.atomic():
            rows = [self._message_row(message) for message in messages]
            SandboxMessage.objects.bulk_create(rows, ignore_conflicts=True)
            self._schedule(schedule)
            if schedule:
                self._wake_runner()

    def raise_acks(self, levels: dict[str, AckLevel]) -> None:
        by_level: dict[AckLevel, list[str]] = defaultdict(list)
        for wa_id, level in levels.items():
            by_level[level].append(wa_id)
        with transaction.atomic():
            for level, wa_ids in by_level.items():
                rows = SandboxMessage.objects.filter(phone_id=self.phone_id, wa_id__in=wa_ids, ack__lt=level)
                rows.update(ack=level)

    def messages(self, wa_ids: Sequence[str]) -> dict[str, StoredMessage]:
        if not wa_ids:
            return {}
        rows = SandboxMessage.objects.filter(phone_id=self.phone_id, wa_id__in=wa_ids)
        return {row.wa_id: _stored_message(row) for row in rows}

    def messages_since(self, since: datetime, limit: int) -> list[StoredMessage]:
        rows = SandboxMessage.objects.filter(phone_id=self.phone_id, created_at__gte=since)
        return [_stored_message(row) for row in rows.order_by("created_at", "id")[:limit]]

    # -- schedule --------------------------------------------------------------------------------------

    def due(self, now: datetime, limit: int) -> list[ScheduledEvent]:
        rows = self._undelivered().filter(due_at__lte=now).order_by("due_at", "id")[:limit]
        return [ScheduledEvent(row.due_at, ScheduledKind(row.kind), row.payload, row.pk) for row in rows]

    def next_due(self) -> datetime | None:
        moment: datetime | None = self._undelivered().aggregate(moment=Min("due_at"))["moment"]
        return moment

    def mark_delivered(self, event_ids: Sequence[UUID]) -> None:
        SandboxEvent.objects.filter(phone_id=self.phone_id, pk__in=event_ids).delete()

    # -- files -----------------------------------------------------------------------------------------

    def save_media(self, wa_id: str, blob: MediaBlob) -> str:
        key = f"sandbox/{self.phone_id}/{wa_id}"
        if not default_storage.exists(key):
            key = default_storage.save(key, ContentFile(blob.data))
        return key

    def read_media(self, key: str) -> bytes | None:
        if not key.startswith(f"sandbox/{self.phone_id}/"):
            return None
        try:
            with default_storage.open(key) as file:
                data: bytes = file.read()
        except FileNotFoundError:
            return None
        return data

    # -- rows ------------------------------------------------------------------------------------------

    def _row(self) -> QuerySet[SandboxPhone]:
        return SandboxPhone.objects.filter(pk=self.phone_id)

    def _locked(self) -> SandboxPhone:
        return SandboxPhone.objects.select_for_update(no_key=True).get(pk=self.phone_id)

    def _undelivered(self) -> QuerySet[SandboxEvent]:
        return SandboxEvent.objects.filter(phone_id=self.phone_id, taken_at=None)

    def _schedule(self, schedule: Iterable[ScheduledEvent]) -> None:
        rows = [
            SandboxEvent(
                phone_id=self.phone_id,
                due_at=scheduled.due_at,
                kind=scheduled.kind,
                payload=scheduled.payload,
            )
            for scheduled in schedule
        ]
        SandboxEvent.objects.bulk_create(rows)

    def _customer_row(self, customer: Customer) -> SandboxCustomer:
        return SandboxCustomer(
            id=customer.id,
            phone_id=self.phone_id,
            name=customer.name,
            number=customer.number,
            lid=customer.lid,
            persona=customer.persona,
            hides_number=customer.hides_number,
        )

    def _message_row(self, message: StoredMessage) -> SandboxMessage:
        return SandboxMessage(
            id=uuid7(),
            phone_id=self.phone_id,
            customer_id=message.customer_id,
            wa_id=message.wa_id,
            from_me=message.from_me,
            kind=message.kind,
            body=message.body,
            quoted_wa_id=message.quoted_wa_id,
            media_name=message.media_name,
            media_mime=message.media_mime,
            media_key=message.media_key,
            ack=message.ack,
        )

    def _wake_runner(self) -> None:
        transaction.on_commit(partial(wakeup.notify, wakeup.connection_topic(self.connection_id)))


def _customer(row: SandboxCustomer) -> Customer:
    return Customer(
        id=row.pk,
        name=row.name,
        number=row.number,
        lid=row.lid,
        persona=row.persona,
        hides_number=row.hides_number,
        step=row.step,
        blocked=row.blocked,
    )


def _stored_message(row: SandboxMessage) -> StoredMessage:
    return StoredMessage(
        wa_id=row.wa_id,
        customer_id=row.customer_id,
        from_me=row.from_me,
        kind=MessageKind(row.kind),
        body=row.body,
        quoted_wa_id=row.quoted_wa_id,
        media_name=row.media_name,
        media_mime=row.media_mime,
        media_key=row.media_key,
        ack=AckLevel(row.ack),
        at=row.created_at,
    )


def remove_media(business_id: UUID) -> None:
    """Delete the files of a deleted business's simulated chats."""
    phones = SandboxPhone.objects.filter(connection__business_profile_id=business_id)
    for phone_id in phones.values_list("pk", flat=True):
        remove_media_of(phone_id)


def remove_media_of(phone_id: UUID) -> None:
    """Delete the files of a simulated phone's chats."""
    remove_tree(f"sandbox/{phone_id}")

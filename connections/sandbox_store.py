"""The memory of the simulated WhatsApp in the database, so that it survives restarts like the real one would."""

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
from connections.drivers.sandbox.store import Accepted, Customer, Happening, HappeningKind, Letter, Phone
from connections.models import SandboxCustomer, SandboxEvent, SandboxMessage, SandboxPhone, WhatsAppConnection
from core.clock import now
from core.files.storage import remove_tree
from core.ids import uuid7
from core.realtime import wakeup

TYPING_FOR = timedelta(seconds=25)
"""WhatsApp shows that somebody is typing for so long, unless it is told again or that they have stopped."""


def create_phone(connection: WhatsAppConnection) -> SandboxPhone:
    """A simulated phone for a new sandbox number; its own number follows from its seed and is free."""
    while True:
        phone = SandboxPhone(connection=connection)
        phone.number = f"+9991{phone.seed % 10**8:08d}"
        try:
            with transaction.atomic():
                phone.save(force_insert=True)
        except IntegrityError:
            continue
        return phone


class OrmStore:
    """Implements `connections.drivers.sandbox.store.Store` for one connection. Cheap to make; keeps nothing itself."""

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
            self._ring()
        return True

    def unlink(self, reason: str, secret: str = "") -> None:
        with transaction.atomic():
            rows = self._row()
            if secret:
                rows = rows.filter(linked_secret=secret)
            rows.update(linked_secret="", unlink_reason=reason)
            self._ring()

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

    def start_cast(self, cast: Sequence[Customer], happenings: Sequence[Happening]) -> bool:
        with transaction.atomic():
            if not self._row().filter(cast_started=False).update(cast_started=True):
                return False
            known = set(
                SandboxCustomer.objects.filter(phone_id=self.phone_id).values_list("number", flat=True)
            )
            new = [person for person in cast if person.number not in known]
            SandboxCustomer.objects.bulk_create([self._customer_row(person) for person in new])
            ids = {str(person.id) for person in new}
            self._schedule(one for one in happenings if one.payload.get("customer", "") in ids | {""})
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
        wanted = Q()
        if chat.phone:
            wanted |= Q(number=chat.phone)
        if chat.lid:
            wanted |= Q(lid=chat.lid)
        row = SandboxCustomer.objects.filter(wanted, phone_id=self.phone_id).first()
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

    def accept(self, letters: Sequence[tuple[Letter, Sequence[Happening]]]) -> list[Accepted]:
        with transaction.atomic():
            self._locked()
            ids = [letter.wa_id for letter, _ in letters]
            rows = SandboxMessage.objects.filter(phone_id=self.phone_id, wa_id__in=ids)
            known = set(rows.values_list("wa_id", flat=True))
            if known:
                rows.update(attempts=F("attempts") + 1)
            fresh = [(letter, follows) for letter, follows in letters if letter.wa_id not in known]
            made = SandboxMessage.objects.bulk_create([self._message_row(letter) for letter, _ in fresh])
            SandboxCustomer.objects.filter(pk__in={letter.customer_id for letter, _ in fresh}).update(
                step=F("step") + 1, sees_typing_until=None
            )
            self._schedule(one for _, follows in fresh for one in follows)
            there = {row.wa_id: row for row in made} | ({row.wa_id: row for row in rows} if known else {})
        return [
            Accepted(row.created_at, AckLevel(row.ack), row.attempts) for row in map(there.__getitem__, ids)
        ]

    def put(self, letters: Sequence[Letter], happenings: Sequence[Happening] = ()) -> None:
        with transaction.atomic():
            rows = [self._message_row(letter) for letter in letters]
            SandboxMessage.objects.bulk_create(rows, ignore_conflicts=True)
            self._schedule(happenings)
            if happenings:
                self._ring()

    def raise_acks(self, levels: dict[str, AckLevel]) -> None:
        by_level: dict[AckLevel, list[str]] = defaultdict(list)
        for wa_id, level in levels.items():
            by_level[level].append(wa_id)
        with transaction.atomic():
            for level, wa_ids in by_level.items():
                rows = SandboxMessage.objects.filter(phone_id=self.phone_id, wa_id__in=wa_ids, ack__lt=level)
                rows.update(ack=level)

    def letters(self, wa_ids: Sequence[str]) -> dict[str, Letter]:
        if not wa_ids:
            return {}
        rows = SandboxMessage.objects.filter(phone_id=self.phone_id, wa_id__in=wa_ids)
        return {row.wa_id: _letter(row) for row in rows}

    def letters_since(self, since: datetime, limit: int) -> list[Letter]:
        rows = SandboxMessage.objects.filter(phone_id=self.phone_id, created_at__gte=since)
        return [_letter(row) for row in rows.order_by("created_at", "id")[:limit]]

    # -- what happens ----------------------------------------------------------------------------------

    def due(self, now: datetime, limit: int) -> list[Happening]:
        rows = self._waiting().filter(due_at__lte=now).order_by("due_at", "id")[:limit]
        return [Happening(row.due_at, HappeningKind(row.kind), row.payload, row.pk) for row in rows]

    def next_due(self) -> datetime | None:
        moment: datetime | None = self._waiting().aggregate(moment=Min("due_at"))["moment"]
        return moment

    def take(self, happening_ids: Sequence[UUID]) -> None:
        SandboxEvent.objects.filter(phone_id=self.phone_id, pk__in=happening_ids).delete()

    # -- files -----------------------------------------------------------------------------------------

    def keep_media(self, wa_id: str, blob: MediaBlob) -> str:
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

    def _waiting(self) -> QuerySet[SandboxEvent]:
        return SandboxEvent.objects.filter(phone_id=self.phone_id, taken_at=None)

    def _schedule(self, happenings: Iterable[Happening]) -> None:
        rows = [
            SandboxEvent(phone_id=self.phone_id, due_at=one.due_at, kind=one.kind, payload=one.payload)
            for one in happenings
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

    def _message_row(self, letter: Letter) -> SandboxMessage:
        return SandboxMessage(
            id=uuid7(),
            phone_id=self.phone_id,
            customer_id=letter.customer_id,
            wa_id=letter.wa_id,
            from_me=letter.from_me,
            kind=letter.kind,
            body=letter.body,
            quoted_wa_id=letter.quoted_wa_id,
            media_name=letter.media_name,
            media_mime=letter.media_mime,
            media_key=letter.media_key,
            ack=letter.ack,
        )

    def _ring(self) -> None:
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


def _letter(row: SandboxMessage) -> Letter:
    return Letter(
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
    """Delete the files of the simulated chats of a business that is deleted."""
    phones = SandboxPhone.objects.filter(connection__business_profile_id=business_id)
    for phone_id in phones.values_list("pk", flat=True):
        remove_media_of(phone_id)


def remove_media_of(phone_id: UUID) -> None:
    """Delete the files of one simulated phone's chats."""
    remove_tree(f"sandbox/{phone_id}")

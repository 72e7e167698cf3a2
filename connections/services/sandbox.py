"""Actions on the simulated phone and of its simulated customers."""

from __future__ import annotations

import secrets
from typing import Any, Protocol
from uuid import UUID

import filetype
from django.conf import settings
from django.db import transaction

from accounts.models import BusinessProfile, User
from accounts.services import audit
from connections import selectors
from connections.driver_stores.sandbox import SandboxStore
from connections.drivers.base import MediaBlob, MessageKind
from connections.drivers.sandbox import faults as fault_names
from connections.drivers.sandbox.personas import PERSONAS
from connections.drivers.sandbox.simulation import CodeRefused, World
from connections.drivers.sandbox.store import StoredMessage
from connections.models import SandboxCustomer, SandboxMessage, SandboxPhone, WhatsAppConnection
from connections.services import numbers
from core.errors import Conflict, InvalidInput, NotFound
from core.phone import phone

_REFUSALS = {
    "wrong_qr": "This is not the code that this number shows. Scan the one on its page.",
    "qr_expired": "This code is no longer valid. Scan the one that is on show now.",
}


class Upload(Protocol):
    """An uploaded file."""

    name: str | None
    size: int | None

    def read(self) -> bytes: ...


def try_sandbox(business: BusinessProfile, actor: User | None) -> WhatsAppConnection:
    """Create a sandbox number that connects by itself.

    Its phone scans the QR code after three seconds. A business that has one already gets that one, connected.
    """
    mode = WhatsAppConnection.Mode.SANDBOX
    with transaction.atomic():
        BusinessProfile.objects.select_for_update(no_key=True).get(pk=business.pk)
        existing = WhatsAppConnection.objects.filter(
            business_profile=business, connection_mode=mode, settings__auto_scan=True
        ).first()
        connection = existing or numbers.create(business, actor, mode, "Sandbox")
        if not existing:
            connection.settings = {**connection.settings, "auto_scan": True}
            connection.save(update_fields=["settings", "updated_at"])
        if connection.desired != WhatsAppConnection.Desired.ONLINE:
            numbers.connect(connection, actor)
    return connection


def scan(connection: WhatsAppConnection, actor: User | None, qr_content: str) -> None:
    """Scan a QR code with the simulated phone, or enter a pairing code on it.

    Raises InvalidInput("wrong_qr") or InvalidInput("qr_expired").
    """
    try:
        with transaction.atomic():
            _world(connection).scan(qr_content)
            audit.record(connection.business_profile, actor, "sandbox.scanned", connection)
    except CodeRefused as refused:
        raise InvalidInput(refused.code, _REFUSALS[refused.code], field="code") from None


def scan_shown(
    business: BusinessProfile, actor: User | None, connection_id: UUID | None = None
) -> WhatsAppConnection:
    """Scan the code that the number shows.

    Without any sandbox number, create one that connects by itself. Raises NotFound, and Conflict("no_qr") if no code is
    displayed. No-op for a connected number.
    """
    if connection_id is None and selectors.default_connection(business, sandbox=True) is None:
        return try_sandbox(business, actor)
    connection = selectors.chosen_sandbox(business, connection_id)
    if connection.is_connected:
        return connection
    if connection.status != WhatsAppConnection.Status.QR_PENDING or not connection.qr_code:
        raise Conflict("no_qr", "This number shows no code now. Connect it, and scan when it does.")
    scan(connection, actor, connection.qr_code)
    connection.refresh_from_db()
    return connection


def write_from(
    business: BusinessProfile,
    actor: User | None,
    *,
    text: str,
    customer_id: UUID | None = None,
    from_number: str = "",
    connection_id: UUID | None = None,
) -> SandboxMessage:
    """Write to the business as a customer.

    Without id and number as the first one; a new number is added. Raises NotFound, InvalidInput.
    """
    if customer_id is not None:
        return write_as(selectors.get_customer(business, customer_id), actor, text)
    connection = selectors.chosen_sandbox(business, connection_id)
    customers = selectors.sandbox_phone(connection).customers.order_by("created_at", "id")
    if from_number:
        number = _sandbox_number(from_number)
        customer = customers.filter(number=number).first()
        customer = customer or add_customer(connection, actor, phone.display(number), number)
    else:
        customer = customers.first() or add_customer(connection, actor, "Customer")
    return write_as(selectors.get_customer(business, customer.pk), actor, text)


def write_as(
    customer: SandboxCustomer,
    actor: User | None,
    text: str = "",
    upload: Upload | None = None,
    quoted_wa_id: str = "",
) -> SandboxMessage:
    """Write to the business as this customer.

    Raises InvalidInput for no content, a long text or a large file.
    """
    return _write(customer, text, upload, quoted_wa_id, from_me=False)


def add_customer(
    connection: WhatsAppConnection,
    actor: User | None,
    name: str,
    number: str = "",
    persona: str = "quiet",
    hides_number: bool = False,
) -> SandboxCustomer:
    """Add a simulated customer. number: empty for a free one.

    Raises InvalidInput("invalid_phone_number" | "unknown_persona" | "name_missing") or Conflict("number_in_use").
    """
    name = " ".join(name.split())[:100]
    if not name:
        raise InvalidInput("name_missing", "Give the customer a name.", field="name")
    if persona not in PERSONAS:
        raise InvalidInput("unknown_persona", "Choose one of the personas.", field="persona")
    owned = _phone(connection)
    number = _sandbox_number(number) if number.strip() else _free_number(owned)
    with transaction.atomic():
        SandboxPhone.objects.select_for_update(no_key=True).get(pk=owned.pk)
        if owned.customers.filter(number=number).exists():
            raise Conflict("number_in_use", "Another customer has this number already.", field="number")
        return SandboxCustomer.objects.create(
            phone=owned,
            name=name,
            number=number,
            lid=str(2 * 10**14 + secrets.randbelow(10**14)),
            persona=persona,
            hides_number=hides_number,
        )


def set_faults(connection: WhatsAppConnection, **faults: Any) -> None:
    """Change the simulated faults; those not given stay.

    Raises InvalidInput("unknown_fault").
    """
    with transaction.atomic():
        owned = SandboxPhone.objects.select_for_update(no_key=True).get(pk=_phone(connection).pk)
        try:
            owned.faults = fault_names.validated({**owned.faults, **faults})
        except (TypeError, ValueError) as error:
            raise InvalidInput("unknown_fault", f"{error}.") from None
        owned.save(update_fields=["faults", "updated_at"])
    numbers.wake_runner(connection.pk)


def set_online(connection: WhatsAppConnection, online: bool) -> None:
    """Disconnect or reconnect the simulated phone's network.

    Events of the meantime are reported afterwards.
    """
    SandboxPhone.objects.filter(pk=_phone(connection).pk).update(online=online)
    numbers.wake_runner(connection.pk)


def set_speed(connection: WhatsAppConnection, speed: float) -> None:
    """Set the factor of simulated delays: 0 is immediate, 1 is realistic.

    Raises InvalidInput("bad_speed").
    """
    if not 0 <= speed <= 10:
        raise InvalidInput("bad_speed", "The speed factor is between 0 and 10.", field="speed")
    SandboxPhone.objects.filter(pk=_phone(connection).pk).update(speed=speed)


def unlink_on_phone(connection: WhatsAppConnection, reason: str = "unlinked") -> None:
    """Unlink the device on the simulated phone. reason: unlinked, replaced or banned."""
    if reason not in ("unlinked", "replaced", "banned"):
        raise InvalidInput("unknown_reason", "A login ends by being unlinked, replaced or banned.")
    SandboxStore(connection.pk).unlink(reason)


def _write(
    customer: SandboxCustomer, text: str, upload: Upload | None, quoted_wa_id: str, *, from_me: bool
) -> SandboxMessage:
    if len(text) > settings.MESSAGE_MAX_LENGTH:
        raise InvalidInput(
            "message_too_long",
            f"A message has at most {settings.MESSAGE_MAX_LENGTH:,} characters.",
            field="text",
        )
    if not text.strip() and upload is None:
        raise InvalidInput("message_empty", "Write something or choose a file.", field="text")
    store = SandboxStore(customer.phone.connection_id)
    known = store.customer(customer.pk)
    if known is None:
        raise NotFound("This customer")
    media, kind = _media(upload) if upload is not None else (None, MessageKind.TEXT)
    message: StoredMessage = World(store).write_as(
        known, text, media=media, kind=kind, quoted_wa_id=quoted_wa_id, from_me=from_me
    )
    return SandboxMessage.objects.get(phone_id=customer.phone_id, wa_id=message.wa_id)


def _media(upload: Upload) -> tuple[MediaBlob, MessageKind]:
    """Read the upload and detect its type from its content."""
    if (upload.size or 0) > max(settings.MEDIA_MAX_BYTES.values()):
        raise InvalidInput("file_too_large", "This file is larger than WhatsApp takes.", field="upload")
    data = upload.read()
    mime = filetype.guess_mime(data) or "application/octet-stream"
    family = mime.split("/")[0]
    kind = MessageKind(family) if family in ("image", "video", "audio") else MessageKind.DOCUMENT
    if len(data) > settings.MEDIA_MAX_BYTES[kind]:
        raise InvalidInput(
            "file_too_large", f"WhatsApp does not take a file of this size as {kind}.", field="upload"
        )
    return MediaBlob(data, mime, (upload.name or "file")[:255]), kind


def _sandbox_number(text: str) -> str:
    number = phone.to_e164(text)
    if not number.startswith(phone.SANDBOX_PREFIX):
        raise InvalidInput(
            "invalid_phone_number",
            f"Numbers of the sandbox begin with {phone.SANDBOX_PREFIX}, so that they can belong to nobody.",
            field="number",
        )
    return number


def _free_number(owned: SandboxPhone) -> str:
    while True:
        number = f"{phone.SANDBOX_PREFIX}8{secrets.randbelow(10**8):08d}"
        if not number.endswith("0000") and not owned.customers.filter(number=number).exists():
            return number


def _phone(connection: WhatsAppConnection) -> SandboxPhone:
    try:
        return connection.sandbox_phone
    except SandboxPhone.DoesNotExist:
        raise NotFound("The simulated phone") from None


def _world(connection: WhatsAppConnection) -> World:
    return World(SandboxStore(_phone(connection).connection_id))

"""The sandbox driver keeps the contract that all drivers keep."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from connections.driver_stores.sandbox import SandboxStore
from connections.drivers.base import AckLevel, Chat, Context, MediaBlob, MessageKind, OutgoingMessage, State
from connections.drivers.sandbox.driver import SandboxDriver
from connections.drivers.sandbox.simulation import World
from connections.models import SandboxCustomer, SandboxMessage, WhatsAppConnection
from tests import factories
from tests.connections.driver_contract import DriverContract

pytestmark = pytest.mark.services


class SandboxRig:
    """A simulated phone with one quiet customer."""

    def __init__(self, connection: WhatsAppConnection) -> None:
        self.connection = connection
        self.row: SandboxCustomer = factories.SandboxCustomerFactory(
            phone=connection.sandbox_phone, lid="100000000000001"
        )
        self.store = SandboxStore(connection.pk)
        self.world = World(self.store)
        self.own_number = connection.sandbox_phone.number
        self.customer = Chat(phone=self.row.number)
        self.nobody = Chat(phone="+9992000000000")
        self.store.unlink("")

    def driver(self, session: str = "", *, pairing_phone: str = "", **settings: Any) -> SandboxDriver:
        context = Context(
            connection_id=self.connection.pk,
            session=session,
            wake=lambda: None,
            store=self.store,
            pairing_phone=pairing_phone,
            settings=settings,
        )
        driver = SandboxDriver(context)
        driver.open()
        return driver

    def scan(self, state: State) -> None:
        self.world.scan(state.qr)

    def type_code(self, state: State) -> None:
        self.world.scan(f"{state.pairing_code[:4]}-{state.pairing_code[4:]}".lower())

    def customer_writes(self, text: str, picture: MediaBlob | None = None, quoted: str = "") -> str:
        return self._write(text, picture, quoted, from_me=False)

    def owner_writes(self, text: str) -> str:
        return self._write(text, None, "", from_me=True)

    def _write(self, text: str, picture: MediaBlob | None, quoted: str, *, from_me: bool) -> str:
        customer = self.store.customer(self.row.pk)
        assert customer is not None
        kind = MessageKind.IMAGE if picture else MessageKind.TEXT
        message = self.world.write_as(
            customer, text, media=picture, kind=kind, quoted_wa_id=quoted, from_me=from_me
        )
        return message.wa_id

    def copies(self, wa_id: str) -> int:
        return SandboxMessage.objects.filter(wa_id=wa_id).count()

    def seen_by_customer(self, wa_id: str) -> OutgoingMessage:
        row = SandboxMessage.objects.get(wa_id=wa_id, customer=self.row, from_me=True)
        data = self.store.read_media(row.media_key) if row.media_key else None
        media = MediaBlob(data, row.media_mime, row.media_name) if data is not None else None
        return OutgoingMessage(wa_id, self.customer, MessageKind(row.kind), row.body, media, row.quoted_wa_id)

    def read_by_business(self, wa_id: str) -> bool:
        return SandboxMessage.objects.get(wa_id=wa_id, from_me=False).ack >= AckLevel.READ

    def sees_typing(self) -> bool:
        self.row.refresh_from_db()
        return self.row.sees_typing_until is not None

    def unlink(self) -> None:
        self.store.unlink("unlinked")


@pytest.mark.usefixtures("media_root")
class TestSandboxDriver(DriverContract):
    @pytest.fixture
    def rig(self, connection: WhatsAppConnection) -> SandboxRig:
        return SandboxRig(connection)

    def test_codes_of_earlier_workers_count_towards_the_five(self, rig: SandboxRig) -> None:
        driver = rig.driver(qr_shown=5)
        assert driver.state().reason == "qr_expired"

    def test_a_second_login_replaces_the_first(self, rig: SandboxRig) -> None:
        first, second = rig.driver(), rig.driver()
        rig.scan(first.state())
        assert first.state().own_number
        rig.scan(second.state())
        assert second.state().own_number
        assert first.state().reason == "replaced"

    def test_an_expired_code_links_nothing(self, rig: SandboxRig) -> None:
        state = rig.driver().state()
        phone = rig.connection.sandbox_phone
        type(phone).objects.filter(pk=phone.pk).update(qr_expires_at=timezone.now())
        with pytest.raises(Exception, match="qr_expired"):
            rig.scan(state)
        assert rig.store.phone().linked_secret == ""


def test_media_of_the_sandbox_are_kept_below_its_own_phone(
    connection: WhatsAppConnection, media_root: Path
) -> None:
    store = SandboxStore(connection.pk)
    key = store.save_media("ABC", MediaBlob(b"bytes", "text/plain"))
    assert store.read_media(key) == b"bytes"
    assert store.read_media("media/somebody/else") is None
    assert store.read_media(f"sandbox/{store.phone_id}/gone") is None

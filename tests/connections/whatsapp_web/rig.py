"""A stand-in for WhatsApp, and drivers with real browsers that talk to it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from connections.driver_stores.whatsapp_web import LoginArchive, options
from connections.drivers.base import (
    AckLevel,
    Chat,
    Context,
    MediaBlob,
    MessageKind,
    OutgoingMessage,
    Phase,
    State,
)
from connections.drivers.whatsapp_web.driver import WhatsAppWebDriver
from connections.drivers.whatsapp_web.options import Options
from tests.connections.driver_contract import in_phase, take
from tests.connections.whatsapp_web.memory_archive import MemoryArchive
from tests.standin import CUSTOMER, Standin

_KINDS = {"chat": MessageKind.TEXT, "ptt": MessageKind.VOICE}


class WebRig:
    """One phone on a stand-in with one customer. Drivers are of one connection, one after the other.

    archive: storage of login copies; None: that of an installation, under a lease.
    """

    def __init__(
        self, standin: Standin, connection_id: Any, home: Path, archive: MemoryArchive | None = None
    ) -> None:
        self.archive = archive
        self.standin = standin
        self.connection_id = connection_id
        self.home = home
        self.standin.phone.auto_receipt = int(AckLevel.READ)
        self.own_number = standin.phone.number
        self.customer = Chat(phone=CUSTOMER)
        self.nobody = Chat(phone="+4915999999999")
        self.standin.phone.number_exists.add(CUSTOMER)
        self.opened: list[WhatsAppWebDriver] = []
        self.woken = 0

    def options(self) -> Options:
        return replace(options(), home=self.home, flags=tuple(self.standin.browser_args), ready_timeout=40.0)

    def driver(self, session: str = "", *, pairing_phone: str = "", **settings: Any) -> WhatsAppWebDriver:
        driver = self.closed_driver(session, pairing_phone=pairing_phone, **settings)
        driver.open()
        return driver

    def closed_driver(
        self, session: str = "", *, pairing_phone: str = "", **settings: Any
    ) -> WhatsAppWebDriver:
        store = self.archive or LoginArchive(self.connection_id)
        store.options = self.options()
        context = Context(
            connection_id=self.connection_id,
            session=session,
            wake=self._wake,
            store=store,
            pairing_phone=pairing_phone,
            settings=settings,
        )
        driver = WhatsAppWebDriver(context)
        self.opened.append(driver)
        return driver

    def _wake(self) -> None:
        self.woken += 1

    def close(self) -> None:
        for driver in self.opened:
            driver.close()

    def scan(self, state: State) -> None:
        self.standin.phone.scan(state.qr)

    def type_code(self, state: State) -> None:
        self.standin.phone.pairing(state.pairing_code)

    def customer_writes(self, text: str, picture: MediaBlob | None = None, quoted: str = "") -> str:
        if picture is None:
            return self.standin.phone.message_in(text, quoted=quoted)
        return self.standin.phone.message_in(
            text, kind="image", media=picture.data, mime=picture.mime, name=picture.name, quoted=quoted
        )

    def owner_writes(self, text: str) -> str:
        return self.standin.phone.typed_on_phone(text)

    def copies(self, wa_id: str) -> int:
        return self.standin.phone.copies(wa_id)

    def seen_by_customer(self, wa_id: str) -> OutgoingMessage:
        sent = self.standin.phone.sent_message(wa_id)
        kind = _KINDS.get(sent.kind) or MessageKind(sent.kind)
        media = MediaBlob(sent.media, sent.mime, sent.name) if sent.media else None
        return OutgoingMessage(wa_id, self.customer, kind, sent.caption or sent.body, media, sent.quoted)

    def read_by_business(self, wa_id: str) -> bool:
        return wa_id in self.standin.phone.seen

    def sees_typing(self) -> bool:
        told = self.standin.phone.composing
        return bool(told) and told[-1][1] == "composing"

    def unlink(self) -> None:
        self.standin.phone.unlink()


class Talking:
    """One linked driver for many tests, which leave it as it is; another one if a test did not."""

    def __init__(self, standin: Standin, home: Path) -> None:
        self.rig = WebRig(standin, uuid4(), home, MemoryArchive())
        self._driver: WhatsAppWebDriver | None = None

    def driver(self) -> WhatsAppWebDriver:
        """It is ready, and everything that earlier tests caused is taken."""
        if self._driver is None or self._driver.state().phase != Phase.READY:
            self.rig.close()
            self.rig.connection_id = uuid4()
            self._driver = self.rig.driver()
            self.rig.scan(in_phase(self._driver, Phase.QR))
            in_phase(self._driver, Phase.READY)
        self._driver._pull()
        while take(self._driver):
            pass
        return self._driver


def profiles(home: Path) -> list[str]:
    """Command lines of browsers that use a profile below `home`."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            line = Path("/proc", pid, "cmdline").read_text()
        except OSError:
            continue
        if f"--user-data-dir={home}" in line:
            found.append(line)
    return found

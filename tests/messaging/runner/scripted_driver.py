"""A driver that tells what a test has written down, and a session that drives it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from connections.drivers.base import (
    Ack,
    Chat,
    Context,
    Driver,
    Event,
    History,
    MediaBlob,
    MediaRef,
    OutgoingMessage,
    Phase,
    Sent,
    State,
)
from connections.leases import Lease
from core.clock import now
from core.realtime import wakeup
from messaging.runner.ack_watchdog import AckWatchdog
from messaging.runner.session import Session

PDF = b"%PDF-1.4"
"""Whatever is downloaded."""


class ScriptedDriver(Driver):
    """Tells each batch until it is confirmed. `failures`: what a method raises, by its name."""

    mode: ClassVar[str] = "sandbox"

    def __init__(self, connection_id: UUID, *batches: Sequence[Event]) -> None:
        super().__init__(Context(connection_id=connection_id, session="", wake=lambda: None))
        self.batches = list(batches)
        self.failures: dict[str, Exception] = {}
        self.asked: list[tuple[str, Any]] = []

    def _ask(self, name: str, about: Any = None) -> None:
        self.asked.append((name, about))
        if name in self.failures:
            raise self.failures[name]

    def open(self) -> None:
        return

    def state(self) -> State:
        return State(Phase.READY)

    def drain(self) -> Sequence[Event]:
        return self.batches[0] if self.batches else []

    def confirm(self) -> None:
        del self.batches[:1]

    def idle_for(self) -> float:
        return 0.0

    def new_message_id(self, chat: Chat) -> str:
        return "OUT"

    def send(self, message: OutgoingMessage) -> Sent:
        self._ask("send", message)
        return Sent(now())

    def lookup(self, chat: Chat, wa_id: str) -> Ack | None:
        self._ask("lookup", wa_id)
        return None

    def history(self, since: datetime, chats: Collection[str] = ()) -> History:
        return History()

    def download(self, ref: MediaRef) -> MediaBlob:
        self._ask("download", ref)
        return MediaBlob(PDF, ref.mime or "application/pdf", ref.name)

    def mark_read(self, chat: Chat, wa_ids: Sequence[str]) -> None:
        self._ask("mark_read", chat)

    def show_typing(self, chat: Chat, active: bool) -> None:
        self._ask("show_typing", chat)

    def profile_picture(self, chat: Chat) -> MediaBlob | None:
        self._ask("picture", chat)
        return None

    def number_exists(self, phone: str) -> bool:
        return True

    def save_session(self) -> str:
        return "linked"

    def logout(self) -> None:
        return

    def close(self) -> None:
        return


def tell(lease: Lease, *batches: Sequence[Event]) -> ScriptedDriver:
    """Run a session until it has taken all batches. Raises what leaves the session."""
    driver = ScriptedDriver(lease.connection_id, *batches)
    listener = wakeup.listen(wakeup.connection_topic(lease.connection_id))
    with listener:
        session = Session(driver, lease, listener, lambda: not driver.batches, AckWatchdog())
        session.run()
    return driver

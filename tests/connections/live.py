"""A real session runner in a thread of the test, with the real outbox and the sandbox driver at speed 0."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import connections

from connections.models import WhatsAppConnection
from core.db.leases import owner_name
from core.realtime import wakeup
from messaging.runner.ack_watchdog import AckWatchdog
from messaging.runner.runner import SessionRunner
from tests.connections.driver_contract import until

Status = WhatsAppConnection.Status


class Running:
    """A runner and its thread."""

    def __init__(self, connection: WhatsAppConnection, watchdog: AckWatchdog | None = None) -> None:
        self.connection = connection
        self.stop = threading.Event()
        self.runner = SessionRunner(connection.pk, owner_name(), self.stop, watchdog=watchdog)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.runner.run()
        finally:
            connections.close_all()

    def ask_to_stop(self) -> None:
        self.stop.set()
        wakeup.notify(wakeup.connection_topic(self.connection.pk))

    def ended(self) -> bool:
        """Wait for the thread's end."""
        self.thread.join(20)
        return not self.thread.is_alive()


@contextmanager
def running(connection: WhatsAppConnection, watchdog: AckWatchdog | None = None) -> Iterator[Running]:
    """Drive the number while the block lasts."""
    session = Running(connection, watchdog)
    try:
        yield session
    finally:
        session.ask_to_stop()
        assert session.ended(), "the runner did not stop"


def has_status(connection: WhatsAppConnection, status: str, reason: str | None = None) -> Callable[[], bool]:
    """A condition for `until`: the number has this status (and reason)."""

    def reached() -> bool:
        connection.refresh_from_db()
        return connection.status == status and reason in (None, connection.status_reason)

    return reached


def is_connected(connection: WhatsAppConnection) -> None:
    """Wait until the number is connected by a runner that is there now."""

    def reached() -> bool:
        connection.refresh_from_db()
        return connection.status == Status.CONNECTED and bool(connection.lease_owner)

    until(reached, "the connection")

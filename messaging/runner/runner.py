"""The runner of a number: acquires the lease, opens sessions, releases the lease."""

from __future__ import annotations

import threading
import time
from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections

from connections import leases
from connections.drivers import registry
from connections.drivers.base import Driver, Phase, SessionLost, State
from connections.leases import Lease, LeaseLost
from connections.models import WhatsAppConnection
from connections.services import sessions
from core import shutdown
from core.realtime import wakeup
from messaging.runner.ack_watchdog import AckWatchdog
from messaging.runner.session import Session, SessionEnded

log = structlog.get_logger(__name__)

HOLD_SECONDS = 10.0
"""Longest wait for the next session while holding the lease; for a longer one the runner releases the number."""
DATABASE_WAIT_SECONDS = 2.0
"""Wait after an error of the database, until the session is opened again (if the lease still runs)."""


class SessionRunner:
    """Drives one number.

    owner: unique to this runner. stop: set it, and wake the runner, to end cleanly.
    """

    def __init__(
        self, connection_id: UUID, owner: str, stop: threading.Event, *, watchdog: AckWatchdog | None = None
    ) -> None:
        self.connection_id = connection_id
        self.owner = owner
        self.stop = stop
        self.watchdog = watchdog or AckWatchdog()
        self._lost = threading.Event()
        self._listener = wakeup.listen(wakeup.connection_topic(connection_id))
        self._log = log.bind(connection_id=str(connection_id), owner=owner)

    def run(self) -> None:
        """Drive the number until it goes offline, the lease is lost or `stop` is set."""
        asked = time.monotonic()
        lease = leases.acquire(self.connection_id, self.owner)
        if lease is None:
            return
        unregister = shutdown.on_stop(self._listener.notify)
        leases.keeper.hold(lease, self._on_lost, asked)
        try:
            with self._listener:
                self._drive(lease)
        except LeaseLost:
            self._log.info("lease_lost", epoch=lease.epoch)
        finally:
            unregister()
            leases.keeper.drop(lease)
            self._release(lease)

    def stopping(self) -> bool:
        """Return whether to stop before the next step."""
        return self.stop.is_set() or self._lost.is_set()

    def _on_lost(self) -> None:
        self._lost.set()
        self._listener.notify()

    def _drive(self, lease: Lease) -> None:
        while not self.stopping():
            close_old_connections()
            try:
                instructions = sessions.instructions(lease)
                if instructions.desired == WhatsAppConnection.Desired.OFFLINE:
                    sessions.report_state(lease, State(Phase.ENDED, reason=WhatsAppConnection.Reason.USER))
                    return
                if instructions.wait > HOLD_SECONDS:
                    return
                if instructions.wait > 0:
                    self._listener.wait(instructions.wait)
                    continue
                if self._one_session(lease):
                    return
            except (OperationalError, InterfaceError):
                self._log.warning("database_failed", exc_info=True)
                self._listener.wait(DATABASE_WAIT_SECONDS)

    def _one_session(self, lease: Lease) -> bool:
        """Open the driver and run one session.

        Returns whether the number is not to be driven any longer.
        """
        sessions.report_state(lease, State(Phase.LOADING))
        row = sessions.load(lease)
        driver = registry.create(row, self._listener.notify)
        session = Session(driver, lease, self._listener, self.stopping, self.watchdog)
        try:
            return session.run()
        except (LeaseLost, OperationalError, InterfaceError):
            raise
        except (SessionEnded, SessionLost) as end:
            self._log.info("session_ended", reason=end.reason)
            return self._finish(lease, end.reason, driver)
        except Exception:
            self._log.exception("session_failed")
            return self._finish(lease, WhatsAppConnection.Reason.ERROR, driver)
        finally:
            driver.close()

    def _finish(self, lease: Lease, reason: str, driver: Driver) -> bool:
        """Save why the session ended. Returns whether it is not to be opened again."""
        if reason in sessions.FINAL:
            sessions.ended(lease, reason, driver.save_session())
            return True
        wait = sessions.crashed(lease, reason)
        self._log.info("session_restarts", reason=reason, wait=wait)
        return False

    def _release(self, lease: Lease) -> None:
        try:
            leases.release(lease)
        except (DatabaseError, InterfaceError):
            self._log.warning("lease_not_released", exc_info=True)

"""From acquiring the lease to giving it back: sessions are opened, end, break and are opened again."""

from __future__ import annotations

import threading
import time
from uuid import UUID

import structlog
from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections

from connections import leases
from connections.drivers import registry
from connections.drivers.base import Driver, Phase, SessionLost, State
from connections.models import WhatsAppConnection
from connections.ports import Lease, LeaseLost, Mailbox, mailbox
from connections.services import sessions
from core import shutdown
from core.realtime import wakeup
from messaging.runner.ack_watchdog import Hearing
from messaging.runner.session import Ended, Session

log = structlog.get_logger(__name__)

HOLD_SECONDS = 10.0
"""A runner waits so long for its next try while holding the lease; for longer waits it gives the number back."""
DATABASE_WAIT_SECONDS = 2.0
"""After the database failed, the session is opened anew so much later; if the lease ran out meanwhile, never."""


class SessionRunner:
    """Drives one number.

    owner: unique to this runner. stop: set it, and notify the number's topic, to end cleanly.
    """

    def __init__(
        self, connection_id: UUID, owner: str, stop: threading.Event, *, hearing: Hearing | None = None
    ) -> None:
        self.connection_id = connection_id
        self.owner = owner
        self.stop = stop
        self.hearing = hearing or Hearing()
        self._lost = threading.Event()
        self._listener = wakeup.listen(wakeup.connection_topic(connection_id))
        self._log = log.bind(connection_id=str(connection_id), owner=owner)

    def run(self) -> None:
        """Returns when nobody wants the number driven any more, another runner has it, or `stop` is set."""
        asked = time.monotonic()
        lease = leases.acquire(self.connection_id, self.owner)
        if lease is None:
            return
        forget = shutdown.on_stop(self._listener.notify)
        leases.keeper.hold(lease, self._on_lost, asked)
        try:
            with self._listener:
                self._drive(lease, mailbox())
        except LeaseLost:
            self._log.info("lease_lost", epoch=lease.epoch)
        finally:
            forget()
            leases.keeper.drop(lease)
            self._give_back(lease)

    def stopping(self) -> bool:
        """Whether to leave now, between two steps."""
        return self.stop.is_set() or self._lost.is_set()

    def _on_lost(self) -> None:
        self._lost.set()
        self._listener.notify()

    def _drive(self, lease: Lease, box: Mailbox) -> None:
        while not self.stopping():
            close_old_connections()
            try:
                wish = sessions.wish(lease)
                if wish.desired == WhatsAppConnection.Desired.OFFLINE:
                    sessions.report_state(lease, State(Phase.ENDED, reason=WhatsAppConnection.Reason.USER))
                    return
                if wish.wait > HOLD_SECONDS:
                    return
                if wish.wait > 0:
                    self._listener.wait(wish.wait)
                    continue
                if self._one_session(lease, box):
                    return
            except (OperationalError, InterfaceError):
                self._log.warning("database_failed", exc_info=True)
                self._listener.wait(DATABASE_WAIT_SECONDS)

    def _one_session(self, lease: Lease, box: Mailbox) -> bool:
        """Open the driver and stay with it until it ends. True: the number is not to be driven any longer."""
        sessions.report_state(lease, State(Phase.LOADING))
        row = sessions.load(lease)
        driver = registry.create(row, self._listener.notify)
        session = Session(driver, lease, box, self._listener, self.stopping, self.hearing)
        try:
            return session.run()
        except (LeaseLost, OperationalError, InterfaceError):
            raise
        except (Ended, SessionLost) as end:
            self._log.info("session_ended", reason=end.reason)
            return self._finish(lease, end.reason, driver)
        except Exception:
            self._log.exception("session_failed")
            return self._finish(lease, WhatsAppConnection.Reason.ERROR, driver)
        finally:
            driver.close()

    def _finish(self, lease: Lease, reason: str, driver: Driver) -> bool:
        """Write why the session ended. True when it is not to be opened again."""
        if reason in sessions.FINAL:
            sessions.ended(lease, reason, driver.save_session())
            return True
        wait = sessions.crashed(lease, reason)
        self._log.info("session_restarts", reason=reason, wait=wait)
        return False

    def _give_back(self, lease: Lease) -> None:
        try:
            leases.release(lease)
        except (DatabaseError, InterfaceError):
            self._log.warning("lease_not_released", exc_info=True)

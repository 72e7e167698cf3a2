"""One session with a driver: receive, send, recover gaps, do background tasks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from connections.drivers.base import (
    Ack,
    AckLevel,
    Driver,
    Event,
    Permanent,
    Phase,
    SessionLost,
    State,
    Transient,
)
from connections.leases import Lease
from connections.models import WhatsAppConnection
from connections.services import sessions
from core.files import disk
from core.realtime.wakeup import Listener
from messaging.inbound import receiver
from messaging.runner.ack_watchdog import AckWatchdog
from messaging.runner.background_tasks import BackgroundTasks
from messaging.runner.gap_recovery import GapRecovery
from messaging.runner.sender import Sender

log = structlog.get_logger(__name__)

Desired = WhatsAppConnection.Desired
Reason = WhatsAppConnection.Reason

LONGEST_PAUSE = 10.0
"""Seconds after which everything is checked again without a wake-up."""
UNREACHABLE = frozenset({Reason.PHONE_OFFLINE, Reason.NO_ANSWER})
"""Reasons for which a connected number cannot be used for now."""
PROOF_SECONDS = 30.0
STEADY_SECONDS = 600.0
BATCH = 500


class SessionEnded(Exception):
    """The driver reports that its session is over."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Session:
    """Steps of one session, all in the runner's thread.

    stopping: asked between two steps.
    """

    def __init__(
        self,
        driver: Driver,
        lease: Lease,
        listener: Listener,
        stopping: Callable[[], bool],
        watchdog: AckWatchdog,
    ) -> None:
        self.driver = driver
        self.lease = lease
        self.listener = listener
        self.stopping = stopping
        self.watchdog = watchdog
        self._sender = Sender(driver, lease, watchdog, stopping)
        self._background_tasks = BackgroundTasks(driver, lease)
        self._gap_recovery = GapRecovery(driver, lease, self._deliver)
        self._reported: State | None = None
        self._ready_since: float | None = None
        self._proof_at = 0.0

    def run(self) -> bool:
        """Run until the session ends.

        Returns whether the number is to be offline; else it is opened again. Raises SessionEnded and what drivers
        raise.
        """
        self._gap_recovery.begin()
        self.driver.open()
        while not self.stopping():
            instructions = sessions.instructions(self.lease)
            if instructions.desired != Desired.ONLINE:
                self._leave(instructions.desired)
                return True
            if self._ready_since is None and instructions.pairing_phone != self.driver.context.pairing_phone:
                return False
            self.listener.wait(self._step(limited=instructions.limited))
        self._pause_session()
        return False

    # -- one step --------------------------------------------------------------------------------------

    def _step(self, *, limited: bool = False) -> float:
        """Do everything that is due. Returns how many seconds to sleep at most."""
        state = self.driver.state()
        self._report(state, limited=limited)
        if state.phase not in (Phase.SYNCING, Phase.READY):
            return min(self.driver.idle_for(), LONGEST_PAUSE)
        if state.phase == Phase.READY and self._ready_since is None:
            self._on_ready()
        self._receive()
        if state.phase != Phase.READY or state.degraded in UNREACHABLE:
            return min(self.driver.idle_for(), LONGEST_PAUSE)
        busy = self._gap_recovery.step()
        busy = self._sender.send_batch() or busy
        busy = self._background_tasks.run() or busy
        self._check_receipts()
        self._record_proof()
        return 0.0 if busy else self._pause()

    def _pause(self) -> float:
        waits = [LONGEST_PAUSE, self.driver.idle_for(), self._background_tasks.seconds_until_due()]
        due = self._sender.seconds_until_due(), self.watchdog.seconds_until_overdue()
        return max(0.0, min([*waits, *(wait for wait in due if wait is not None)]))

    def _report(self, state: State, *, limited: bool) -> None:
        """Save the state if people would see a difference. Raises SessionEnded."""
        if state.phase == Phase.ENDED:
            raise SessionEnded(state.reason or Reason.ERROR)
        if state.phase == Phase.READY and self.watchdog.suspicious and not state.degraded:
            state = replace(state, degraded=Reason.NO_ACKS)
        if state.phase == Phase.READY and limited and not state.degraded:
            state = replace(state, degraded=Reason.LIMITED)
        if state.phase == Phase.READY and disk.is_full():
            state = replace(state, degraded=Reason.DISK_FULL)
        seen = replace(state, qr_expires_in=None)
        if seen == self._reported:
            return
        refusal = sessions.report_state(self.lease, state)
        if refusal:
            self._log_out()
            raise SessionEnded(refusal)
        self._reported = seen

    # -- coming online ---------------------------------------------------------------------------------

    def _on_ready(self) -> None:
        self._ready_since = time.monotonic()
        sessions.save_session(self.lease, self.driver.save_session())
        self._look_up_unconfirmed()

    def _look_up_unconfirmed(self) -> None:
        """Look up the unconfirmed sends of an earlier session."""
        for chat, wa_id in self.watchdog.unconfirmed():
            try:
                ack = self.driver.lookup(chat, wa_id)
            except (Transient, Permanent):
                continue
            if ack is None:
                self.watchdog.forget(wa_id)
            elif ack.level != AckLevel.PENDING:
                self._deliver([ack])

    # -- while online ----------------------------------------------------------------------------------

    def _receive(self) -> None:
        """Store new events batch by batch; each is confirmed to WhatsApp after its commit."""
        while not self.stopping():
            events = self.driver.drain()
            if events:
                self._deliver(events)
            self.driver.confirm()
            if len(events) < BATCH:
                return

    def _deliver(self, events: Sequence[Event]) -> int:
        count = receiver.receive(self.lease, events)
        if any(isinstance(event, Ack) and event.level != AckLevel.PENDING for event in events):
            self.watchdog.record_receipt()
        return count

    def _check_receipts(self) -> None:
        if self.watchdog.is_overdue():
            self.watchdog.restart()
            raise SessionLost(Reason.NO_ACKS, "The last sends were not confirmed.")

    def _record_proof(self) -> None:
        """Record from time to time that the session works."""
        now = time.monotonic()
        if now - self._proof_at < PROOF_SECONDS:
            return
        self._proof_at = now
        steady = self._ready_since is not None and now - self._ready_since >= STEADY_SECONDS
        sessions.record_proof(self.lease, steady=steady, vitals=self.driver.resource_usage())

    # -- going offline ---------------------------------------------------------------------------------

    def _leave(self, desired: str) -> None:
        """Go offline or log out, as a person asked."""
        if desired == Desired.LOGGED_OUT:
            self._log_out()
        sessions.ended(self.lease, Reason.USER, self.driver.save_session())

    def _log_out(self) -> None:
        """Unlink this device.

        A phone that cannot be reached does not keep the number from going offline.
        """
        try:
            self.driver.logout()
        except (Transient, Permanent, SessionLost) as error:
            log.warning("logout_failed", connection_id=str(self.lease.connection_id), reason=str(error))

    def _pause_session(self) -> None:
        """Save the login for the next worker. Writes nothing if the lease is lost."""
        if self._ready_since is not None:
            sessions.save_session(self.lease, self.driver.save_session())
        sessions.paused(self.lease)

"""One open session: tell what comes in, send what goes out, fetch media, and heal what a gap has left."""

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
from connections.models import WhatsAppConnection
from connections.ports import Lease, Mailbox
from connections.services import sessions
from core.files import disk
from core.realtime import wakeup
from messaging.runner.ack_watchdog import Hearing
from messaging.runner.background_tasks import Errands
from messaging.runner.gap_recovery import Healing
from messaging.runner.sender import Sender

log = structlog.get_logger(__name__)

Desired = WhatsAppConnection.Desired
Reason = WhatsAppConnection.Reason

LONGEST_PAUSE = 10.0
"""Seconds after which the runner looks at everything again, although nobody rang."""
UNREACHABLE = frozenset({Reason.PHONE_OFFLINE, Reason.NO_ANSWER})
"""A number that is connected and cannot be talked to for now."""
PROOF_SECONDS = 30.0
STEADY_SECONDS = 600.0
BATCH = 500


class Ended(Exception):
    """The driver says that its session is over."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Session:
    """Steps of one session, all from the runner's thread. `stopping()` says whether to leave between two of them."""

    def __init__(
        self,
        driver: Driver,
        lease: Lease,
        box: Mailbox,
        listener: wakeup.Listener,
        stopping: Callable[[], bool],
        hearing: Hearing,
    ) -> None:
        self.driver = driver
        self.lease = lease
        self.box = box
        self.listener = listener
        self.stopping = stopping
        self.hearing = hearing
        self._sender = Sender(driver, lease, box, hearing, stopping)
        self._errands = Errands(driver, lease, box)
        self._healing = Healing(driver, lease, box, self._deliver)
        self._reported: State | None = None
        self._ready_since: float | None = None
        self._proof_at = 0.0

    def run(self) -> bool:
        """True: the number is not wanted online any more. False: open it again, unless the runner is to stop.

        Raises Ended and what drivers raise.
        """
        self._healing.begin()
        self.driver.open()
        while not self.stopping():
            wish = sessions.wish(self.lease)
            if wish.desired != Desired.ONLINE:
                self._leave(wish.desired)
                return True
            if self._ready_since is None and wish.pairing_phone != self.driver.context.pairing_phone:
                return False
            self.listener.wait(self._step(limited=wish.limited))
        self._pause_here()
        return False

    # -- one step --------------------------------------------------------------------------------------

    def _step(self, *, limited: bool = False) -> float:
        """Do everything that is due. Returns how long to sleep then, at most."""
        state = self.driver.state()
        self._report(state, limited=limited)
        if state.phase not in (Phase.SYNCING, Phase.READY):
            return min(self.driver.idle_for(), LONGEST_PAUSE)
        if state.phase == Phase.READY and self._ready_since is None:
            self._on_ready()
        self._receive()
        if state.phase != Phase.READY or state.degraded in UNREACHABLE:
            return min(self.driver.idle_for(), LONGEST_PAUSE)
        busy = self._healing.step()
        busy = self._sender.send_batch() or busy
        busy = self._errands.run() or busy
        self._check_hearing()
        self._prove()
        return 0.0 if busy else self._pause()

    def _pause(self) -> float:
        waits = [LONGEST_PAUSE, self.driver.idle_for(), self._errands.seconds_until_due()]
        due = self._sender.seconds_until_due(), self.hearing.seconds_until_deaf()
        return max(0.0, min([*waits, *(wait for wait in due if wait is not None)]))

    def _report(self, state: State, *, limited: bool) -> None:
        """Write the state when people would see a difference. Raises Ended."""
        if state.phase == Phase.ENDED:
            raise Ended(state.reason or Reason.ERROR)
        if state.phase == Phase.READY and self.hearing.suspicious and not state.degraded:
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
            raise Ended(refusal)
        self._reported = seen

    # -- coming online ---------------------------------------------------------------------------------

    def _on_ready(self) -> None:
        self._ready_since = time.monotonic()
        sessions.save_session(self.lease, self.driver.save_session())
        self._ask_for_receipts()

    def _ask_for_receipts(self) -> None:
        """Look up what an earlier session sent and nobody confirmed."""
        for chat, wa_id in self.hearing.unconfirmed():
            try:
                ack = self.driver.lookup(chat, wa_id)
            except (Transient, Permanent):
                continue
            if ack is None:
                self.hearing.forget(wa_id)
            elif ack.level != AckLevel.PENDING:
                self._deliver([ack])

    # -- while online ----------------------------------------------------------------------------------

    def _receive(self) -> None:
        """Hand over what has happened, batch by batch; each is confirmed to WhatsApp once it is committed."""
        while not self.stopping():
            events = self.driver.drain()
            if events:
                self._deliver(events)
            self.driver.confirm()
            if len(events) < BATCH:
                return

    def _deliver(self, events: Sequence[Event]) -> int:
        count = self.box.receive(self.lease, events)
        if any(isinstance(event, Ack) and event.level != AckLevel.PENDING for event in events):
            self.hearing.heard()
        return count

    def _check_hearing(self) -> None:
        if self.hearing.deaf():
            self.hearing.recycled()
            raise SessionLost(Reason.NO_ACKS, "The last sends were not confirmed.")

    def _prove(self) -> None:
        now = time.monotonic()
        if now - self._proof_at < PROOF_SECONDS:
            return
        self._proof_at = now
        steady = self._ready_since is not None and now - self._ready_since >= STEADY_SECONDS
        sessions.record_proof(self.lease, steady=steady, vitals=self.driver.vitals())

    # -- going offline ---------------------------------------------------------------------------------

    def _leave(self, desired: str) -> None:
        """A person wants the number offline, or logged out."""
        if desired == Desired.LOGGED_OUT:
            self._log_out()
        sessions.ended(self.lease, Reason.USER, self.driver.save_session())

    def _log_out(self) -> None:
        """Unlink this device; a phone that cannot be reached must not keep the number from going offline."""
        try:
            self.driver.logout()
        except (Transient, Permanent, SessionLost) as error:
            log.warning("logout_failed", connection_id=str(self.lease.connection_id), reason=str(error))

    def _pause_here(self) -> None:
        """The worker stops: keep the login and let the next worker go on. With the lease lost, this writes nothing."""
        if self._ready_since is not None:
            sessions.save_session(self.lease, self.driver.save_session())
        sessions.paused(self.lease)

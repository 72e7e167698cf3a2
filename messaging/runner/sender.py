"""Sends queued messages: claim, begin, send, settle.

The WhatsApp id is committed before a message leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from connections import leases
from connections.drivers.base import Driver, Limited, OutgoingMessage, Permanent, Sent, Transient
from connections.leases import Lease, LeaseLost
from connections.services import sessions
from core.failpoints import reach
from core.files import disk
from messaging.outbox import dispatch
from messaging.outbox.types import Claimed, Delivered, Held, Outcome, Refused, TryAgain
from messaging.runner.ack_watchdog import AckWatchdog

BATCH = 10


class Sender:
    """Takes messages from the outbox and passes them to the driver."""

    def __init__(
        self, driver: Driver, lease: Lease, watchdog: AckWatchdog, stopping: Callable[[], bool]
    ) -> None:
        self.driver = driver
        self.lease = lease
        self.watchdog = watchdog
        self.stopping = stopping

    def send_batch(self) -> bool:
        """Send a few of the messages that may leave now.

        Returns whether there may be more. Each is begun when the one before has its result; a driver that takes several
        at once gets campaign messages together.
        """
        if self._is_blocked():
            return False
        together = 1 if self.watchdog.suspicious else self.driver.batch_size()
        claimed = dispatch.claim(self.lease, 1 if self.watchdog.suspicious else max(BATCH, together))
        left = list(claimed)
        while left:
            if self.stopping():
                dispatch.release(self.lease, left)
                return False
            batch = left[:1] if together == 1 or not left[0].broadcast else left[:together]
            left = left[len(batch) :]
            try:
                self._send(batch)
            except LeaseLost:
                raise
            except Exception:
                self._put_back(left)
                raise
        return bool(claimed)

    def seconds_until_due(self) -> float | None:
        """Return the time until the next message may leave.

        None: none is queued, or a receipt must come first.
        """
        return None if self._is_blocked() else dispatch.seconds_until_due(self.lease)

    def _is_blocked(self) -> bool:
        """Return whether sending is blocked.

        The disk is full, or the probe after missing receipts is unconfirmed.
        """
        return disk.is_full() or (self.watchdog.suspicious and bool(self.watchdog.unconfirmed()))

    def _send(self, claimed: Sequence[Claimed]) -> None:
        reach("outbox.claimed")
        named = [
            one if one.wa_id else replace(one, wa_id=self.driver.new_message_id(one.chat)) for one in claimed
        ]
        begun = dispatch.begin(self.lease, named)
        if not begun:
            return
        reach("outbox.begun")
        outcomes = self._hand_over([message for _, message in begun])
        reach("outbox.sent")
        dispatch.settle(
            self.lease,
            [(item.message_id, outcome) for (item, _), outcome in zip(begun, outcomes, strict=True)],
        )
        reach("outbox.settled")
        for (item, message), outcome in zip(begun, outcomes, strict=True):
            if isinstance(outcome, Delivered):
                self.watchdog.record_send(item.chat, message.wa_id, outcome.ack)

    def _hand_over(self, messages: Sequence[OutgoingMessage]) -> list[Outcome]:
        """Pass messages to the driver.

        Raises SessionLost; they then stay in flight and are looked up later.
        """
        if not leases.keeper.certain(self.lease):
            raise LeaseLost("Not sure to be the owner; the next one finds the messages in flight")
        return [self._outcome(answer) for answer in self.driver.send_batch(messages)]

    def _outcome(self, answer: Sent | Transient | Permanent) -> Outcome:
        match answer:
            case Limited():
                return Held(sessions.limit_new_chats(self.lease, answer.until))
            case Transient():
                return TryAgain(answer.code, answer.retry_after, answer.used_id)
            case Permanent():
                return Refused(answer.code, str(answer))
        return Delivered(answer.at, int(answer.ack))

    def _put_back(self, claimed: Sequence[Claimed]) -> None:
        if claimed:
            dispatch.release(self.lease, claimed)

"""Sending: claim, begin, send, settle. The id is committed before anything leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from connections import leases
from connections.drivers.base import Driver, Limited, OutgoingMessage, Permanent, Transient
from connections.ports import Claimed, Delivered, Held, Lease, LeaseLost, Mailbox, Outcome, Refused, TryAgain
from connections.runner.hearing import Hearing
from connections.services import sessions
from whatsflow.core import disk
from whatsflow.core.failpoints import reach

BATCH = 10


class Sender:
    """Takes messages out of the outbox and gives them to the driver, one after the other."""

    def __init__(
        self, driver: Driver, lease: Lease, box: Mailbox, hearing: Hearing, stopping: Callable[[], bool]
    ) -> None:
        self.driver = driver
        self.lease = lease
        self.box = box
        self.hearing = hearing
        self.stopping = stopping

    def send_batch(self) -> bool:
        """Send what may go now, a few at most. True: there may be more."""
        if self._holds_back():
            return False
        claimed = self.box.claim(self.lease, 1 if self.hearing.suspicious else BATCH)
        for place, one in enumerate(claimed):
            if self.stopping():
                self.box.release(self.lease, claimed[place:])
                return False
            try:
                self._send(one)
            except LeaseLost:
                raise
            except Exception:
                self._put_back(claimed[place + 1 :])
                raise
        return bool(claimed)

    def seconds_until_due(self) -> float | None:
        """When the next message may go; None when none waits, or when a receipt is awaited first."""
        return None if self._holds_back() else self.box.seconds_until_due(self.lease)

    def _holds_back(self) -> bool:
        """After a deaf spell one message goes at a time, until one is confirmed. None goes while the disk is full."""
        return disk.is_full() or (self.hearing.suspicious and bool(self.hearing.unconfirmed()))

    def _send(self, claimed: Claimed) -> None:
        reach("outbox.claimed")
        wa_id = claimed.wa_id or self.driver.new_message_id(claimed.chat)
        message = self.box.begin(self.lease, claimed, wa_id)
        if message is None:
            return
        reach("outbox.begun")
        outcome = self._hand_over(message)
        reach("outbox.sent")
        self.box.settle(self.lease, claimed.message_id, outcome)
        reach("outbox.settled")
        if isinstance(outcome, Delivered):
            self.hearing.sent(claimed.chat, message.wa_id, outcome.ack)

    def _hand_over(self, message: OutgoingMessage) -> Outcome:
        """Ask the driver to send. Raises SessionLost: the message then stays in flight and is looked up later."""
        if not leases.keeper.certain(self.lease):
            raise LeaseLost("Not sure to be the owner; the next one finds the message in flight")
        try:
            sent = self.driver.send(message)
        except Limited as limit:
            return Held(sessions.limit_new_chats(self.lease, limit.until))
        except Transient as error:
            return TryAgain(error.code, error.retry_after)
        except Permanent as error:
            return Refused(error.code, str(error))
        return Delivered(sent.at, int(sent.ack))

    def _put_back(self, claimed: Sequence[Claimed]) -> None:
        if claimed:
            self.box.release(self.lease, claimed)

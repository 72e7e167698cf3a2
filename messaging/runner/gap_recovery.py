"""Recovery of missed messages: reads WhatsApp's recent chats until each was read."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog
from django.utils.dateparse import parse_datetime

from connections.drivers.base import POSTPONED, Driver, Event, Transient
from connections.leases import Lease
from connections.models import WhatsAppConnection
from connections.services import history_gaps
from messaging.inbound import receiver

log = structlog.get_logger(__name__)

OVERLAP = timedelta(minutes=10)
WAITS = (60.0, 120.0, 300.0, 900.0, 1800.0, 3600.0)
"""Backoff in seconds between attempts. Messages go in and out meanwhile."""
SPACING = 2.0
"""Seconds between two passes that both succeed."""
BATCH = 500


class GapRecovery:
    """Steps of one session, called from the runner's thread.

    The number's row stores the gap until it is closed. deliver: stores a batch of events and returns the number of new
    messages.
    """

    def __init__(self, driver: Driver, lease: Lease, deliver: Callable[[Sequence[Event]], int]) -> None:
        self._driver = driver
        self._lease = lease
        self._deliver = deliver
        self._since: datetime | None = None
        self._waiting: list[str] = []
        """Chats still to be read in this pass. Empty: the next pass asks for all recent chats."""
        self._unread: set[str] = set()
        """Chats that could not be read in this pass."""
        self._again = False
        """Whether messages were missed during this pass, so that another one has to follow."""
        self._tries = 0
        self._tried_at = self._due_at = 0.0

    def begin(self) -> None:
        """Open a gap that starts at the end of the last session.

        None for a number that was never connected.
        """
        row = WhatsAppConnection.objects.only("inbound_cursor", "last_connected_at", "gap_since").get(
            pk=self._lease.connection_id
        )
        proven = parse_datetime(str(row.inbound_cursor.get("caught_up_at", "")))
        newest = receiver.newest_message_at(row)
        since = proven or newest or row.last_connected_at
        if since is None:
            return
        since = history_gaps.begin(self._lease, since)
        # what was lost unnoticed may be older than the last proof, but not than the last message received
        self._since = min(since, newest or since)

    def step(self) -> bool:
        """Read chats if a read is due. Returns whether to read more chats at once."""
        if (since := self._driver.missed_since()) is not None:
            self._reopen(since)
        if self._since is None or time.monotonic() < self._due_at:
            return False
        self._tried_at = time.monotonic()
        try:
            history = self._driver.history(self._since - OVERLAP, self._waiting)
        except Transient as error:
            self._retry_later(error.code, len(self._unread) + len(self._waiting))
            return False
        new = sum(
            self._deliver(history.events[start : start + BATCH])
            for start in range(0, len(history.events), BATCH)
        )
        if new:
            log.info("gap_messages_recovered", connection_id=str(self._lease.connection_id), messages=new)
        self._waiting = [name for name, code in history.failed_chats.items() if code == POSTPONED]
        self._unread.update(name for name, code in history.failed_chats.items() if code != POSTPONED)
        if self._waiting:
            history_gaps.note(
                self._lease, "unreadable" if self._unread else "", len(self._unread), recovered=new
            )
            return True
        self._end_pass(new)
        return False

    def _end_pass(self, new: int) -> None:
        """Close the gap, or schedule another pass over all recent chats.

        A chat that is gone by then counts as read.
        """
        unread, again = len(self._unread), self._again
        self._unread, self._again = set(), False
        if unread:
            self._retry_later("unreadable", unread, recovered=new)
        elif again:
            self._tries = 0
            history_gaps.note(self._lease, "", 0, recovered=new)
        else:
            history_gaps.end(self._lease, recovered=new)
            self._since, self._tries = None, 0
        if again:
            self._schedule_soon()

    def _reopen(self, since: datetime) -> None:
        """Schedule another pass: messages were missed while the session ran."""
        self._since = min(history_gaps.begin(self._lease, since), self._since or since)
        if self._waiting:
            self._again = True
        else:
            self._schedule_soon()

    def _schedule_soon(self) -> None:
        """Begin the next pass soon, but not faster than a failure allows."""
        self._due_at = self._tried_at + (WAITS[0] if self._tries else SPACING)

    def _retry_later(self, code: str, chats: int, *, recovered: int = 0) -> None:
        wait = WAITS[min(self._tries, len(WAITS) - 1)]
        self._tries += 1
        self._due_at = time.monotonic() + wait
        history_gaps.note(self._lease, code, chats, recovered=recovered)
        log.warning(
            "gap_recovery_failed",
            connection_id=str(self._lease.connection_id),
            code=code,
            chats=chats,
            tries=self._tries,
            next_in=wait,
        )

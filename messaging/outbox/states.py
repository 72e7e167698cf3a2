"""The statuses of an outbound message and their order.

Pure: no database, no clock.

    queued -> sending -> sent -> delivered -> read -> played
       |         |-> unknown, failed
       |-> cancelled, expired

A status only rises in rank, except that a message that certainly has not left returns to `queued`. Receipts may come in
any order, twice, and before the send returns; the highest one wins.
"""

from __future__ import annotations

from connections.drivers.base import AckLevel
from messaging.models import Message

Status = Message.Status

RANK: dict[str, int] = {
    Status.QUEUED: 0,
    Status.SENDING: 1,
    Status.UNKNOWN: 2,
    Status.FAILED: 3,
    Status.CANCELLED: 3,
    Status.EXPIRED: 3,
    Status.SENT: 4,
    Status.DELIVERED: 5,
    Status.READ: 6,
    Status.PLAYED: 7,
}
"""Higher wins. A receipt of at least `sent` outranks every status that says that the message has not left."""

_BY_ACK: dict[int, str] = {
    AckLevel.SENT: Status.SENT,
    AckLevel.DELIVERED: Status.DELIVERED,
    AckLevel.READ: Status.READ,
    AckLevel.PLAYED: Status.PLAYED,
}

REACHED = (Status.SENT, Status.DELIVERED, Status.READ, Status.PLAYED)
"""Statuses that receipts prove, in order: each implies those before it."""

UNSETTLED = (Status.SENDING, Status.UNKNOWN)
"""Statuses from which a message may still fail."""
RETRYABLE = (Status.FAILED, Status.UNKNOWN)
"""Statuses from which a person may retry."""

MAX_TRIES = 5
WAITS = (5, 15, 60, 300)
"""Backoff in seconds after each failed attempt."""


def status_of_ack(level: int) -> str | None:
    """Return the status that a receipt proves; None for pending and failed."""
    return _BY_ACK.get(level)


def passed(before: str, after: str) -> tuple[str, ...]:
    """Return the statuses between `before` and `after`: read implies delivered."""
    return tuple(one for one in REACHED if RANK[before] < RANK[one] < RANK[after])


def wait_before_next_try(tries: int, retry_after: float | None = None) -> float | None:
    """Return the backoff in seconds after `tries` attempts.

    None: no further automatic attempt.
    """
    if tries >= MAX_TRIES:
        return None
    usual = float(WAITS[min(tries, len(WAITS)) - 1]) if tries > 0 else 0.0
    return usual if retry_after is None else max(retry_after, 0.0)

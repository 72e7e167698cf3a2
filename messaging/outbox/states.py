"""The states of an outbound message and who may follow whom. Pure: no database, no clock.

    queued -> sending -> sent -> delivered -> read -> played
       |         |-> unknown, failed
       |-> cancelled, expired

A status only rises in rank, except that a message which surely has not left goes back to `queued`. Receipts may come in
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
"""Higher wins. A receipt of at least `sent` outranks every state in which we thought that it had not left."""

_BY_ACK: dict[int, str] = {
    AckLevel.SENT: Status.SENT,
    AckLevel.DELIVERED: Status.DELIVERED,
    AckLevel.READ: Status.READ,
    AckLevel.PLAYED: Status.PLAYED,
}

REACHED = (Status.SENT, Status.DELIVERED, Status.READ, Status.PLAYED)
"""How far a message has got, in order: whoever has come to one of them has passed those before it."""

UNSETTLED = (Status.SENDING, Status.UNKNOWN)
"""States in which a refusal by WhatsApp still counts."""
RETRYABLE = (Status.FAILED, Status.UNKNOWN)
"""States from which a person may send again."""

MAX_TRIES = 5
WAITS = (5, 15, 60, 300)
"""Seconds after the first, second, ... try that did not get through."""


def status_of_ack(level: int) -> str | None:
    """The status that a receipt proves; None for those that prove nothing (pending, failed)."""
    return _BY_ACK.get(level)


def after_ack(status: str, level: int) -> str:
    """The status of a message in `status` once the receipt `level` has come."""
    if level == AckLevel.FAILED:
        return Status.FAILED if status in UNSETTLED else status
    proven = status_of_ack(level)
    if proven is None or status not in RANK:
        return status
    return proven if RANK[proven] > RANK[status] else status


def passed(before: str, after: str) -> tuple[str, ...]:
    """What a message that rose from `before` to `after` has passed between them: read implies delivered."""
    return tuple(one for one in REACHED if RANK[before] < RANK[one] < RANK[after])


def wait_before_next_try(tries: int, retry_after: float | None = None) -> float | None:
    """Seconds until a message that has been tried `tries` times may be tried again; None: never by itself."""
    if tries >= MAX_TRIES:
        return None
    usual = float(WAITS[min(tries, len(WAITS)) - 1]) if tries > 0 else 0.0
    return usual if retry_after is None else max(retry_after, 0.0)

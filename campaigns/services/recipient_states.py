"""The ledger: what becomes of each recipient, and the counters that always say the same as the rows.

Everything runs inside the transaction of what happened (a message sent, a receipt, a reply, an opt-out). Locks are
taken in one order, so that runners, the feeder and people do not stop each other: messages, recipients, tallies,
campaigns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from campaigns.events import CampaignChanged
from campaigns.models import Campaign, CampaignRecipient, CampaignTally
from core.clock import now
from core.db import bulk
from core.events import publish
from messaging.events import MessageStatusChanged
from messaging.models import Message

Status = CampaignRecipient.Status
Key = tuple[UUID, UUID | None, str]
"""(campaign, number, variant): what is counted apart."""

COUNTERS = (
    "sent_count", "delivered_count", "read_count", "failed_count", "unknown_count", "skipped_count",
    "cancelled_count", "expired_count", "replied_count", "opted_out_count", "open_count",
)  # fmt: skip
OPEN_COUNT = COUNTERS.index("open_count")
OPEN = (Status.PENDING, Status.QUEUED)
SKIPPED_FOR = ("opted_out", "blocked", "marketing_cap")
"""Codes of messages that were taken back because of the person, not by somebody of the team."""
ANSWERS = timedelta(days=7)
"""What somebody writes so long after a campaign's message counts as an answer to it."""

_RANK = {Status.SENT: 4, Status.DELIVERED: 5, Status.READ: 6}
_BY_MESSAGE: dict[str, str] = {
    Message.Status.QUEUED: Status.QUEUED,
    Message.Status.UNKNOWN: Status.UNKNOWN,
    Message.Status.FAILED: Status.FAILED,
    Message.Status.CANCELLED: Status.CANCELLED,
    Message.Status.EXPIRED: Status.EXPIRED,
    Message.Status.SENT: Status.SENT,
    Message.Status.DELIVERED: Status.DELIVERED,
    Message.Status.READ: Status.READ,
    Message.Status.PLAYED: Status.READ,
}
_USUAL: dict[str, str] = {Status.EXPIRED: "too_late"}
"""Reasons of states that come without one."""
_WRITE = """
UPDATE campaign_recipients AS r SET status = v.status, reason = v.reason, sent_at = v.sent_at,
    delivered_at = v.delivered_at, read_at = v.read_at, replied_at = v.replied_at, opted_out_at = v.opted_out_at,
    settled_at = v.settled_at, error_message = v.error_message
FROM v WHERE r.id = v.key
"""
_COLUMNS = {
    "key": "uuid", "status": "text", "reason": "text", "sent_at": "timestamptz", "delivered_at": "timestamptz",
    "read_at": "timestamptz", "replied_at": "timestamptz", "opted_out_at": "timestamptz", "settled_at": "timestamptz",
    "error_message": "text",
}  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What a batch did: by campaign the change of each counter; the rows that came to `failed` and those that went
    back into the outbox; the campaigns of which no recipient is open any more.
    """

    changes: Mapping[UUID, Sequence[int]]
    failed: Sequence[CampaignRecipient]
    waiting: Sequence[CampaignRecipient]
    emptied: Sequence[UUID]


def figures(row: CampaignRecipient) -> tuple[int, ...]:
    """What one row adds to each of COUNTERS."""
    status = row.status
    return (
        int(row.sent_at is not None),
        int(row.delivered_at is not None),
        int(row.read_at is not None),
        int(status == Status.FAILED),
        int(status == Status.UNKNOWN),
        int(status == Status.SKIPPED),
        int(status == Status.CANCELLED),
        int(status == Status.EXPIRED),
        int(row.replied_at is not None),
        int(row.opted_out_at is not None),
        int(status in OPEN),
    )


def follow(batch: Sequence[MessageStatusChanged]) -> Outcome | None:
    """Messages came to other states: their lines follow. None when none of them is a campaign's; one query then."""
    latest = {event.message_id: event for event in batch if event.status in _BY_MESSAGE}
    if not latest:
        return None
    rows = locked(Q(message_id__in=list(latest)))
    if not rows:
        return None
    moment = now()
    errors = _errors([row for row in rows if latest[_message(row)].status == Message.Status.FAILED])
    before = {row.pk: figures(row) for row in rows}
    for row in rows:
        event = latest[_message(row)]
        _move(row, _BY_MESSAGE[event.status], event.error_code, errors.get(row.message_id, ""), moment)
    return write(rows, before)


def locked(which: Q) -> list[CampaignRecipient]:
    """Lines to be changed, in the order in which everybody locks them."""
    rows = CampaignRecipient.objects.select_for_update(no_key=True).filter(which)
    return list(rows.order_by("pk"))


def _message(row: CampaignRecipient) -> UUID:
    assert row.message_id is not None
    return row.message_id


def _errors(rows: Iterable[CampaignRecipient]) -> dict[UUID | None, str]:
    wanted = [row.message_id for row in rows if row.message_id]
    found = Message.objects.filter(pk__in=wanted).values_list("pk", "error_message") if wanted else ()
    return dict(found)


def _move(row: CampaignRecipient, status: str, code: str, error: str, moment: datetime) -> None:
    """Bring one line to what its message says. A receipt lifts every state; nothing lowers a receipt."""
    if status in _RANK:
        if _RANK.get(Status(row.status), 0) < _RANK[Status(status)]:
            row.status = status
        row.reason, row.error_message = "", ""
        row.sent_at = row.sent_at or moment
        if _RANK[Status(status)] >= _RANK[Status.DELIVERED]:
            row.delivered_at = row.delivered_at or moment
        if status == Status.READ:
            row.read_at = row.read_at or moment
    elif row.status in _RANK:
        return
    elif status == Status.CANCELLED and code in SKIPPED_FOR:
        row.status, row.reason = Status.SKIPPED, code
    else:
        row.status, row.error_message = status, error
        row.reason = "" if status == Status.QUEUED else code[:64] or _USUAL.get(status, "")
    row.settled_at = None if row.status in OPEN else row.settled_at or moment


def write(rows: Sequence[CampaignRecipient], before: Mapping[UUID, tuple[int, ...]]) -> Outcome:
    """Write changed lines and add the difference to the counters. Rows are locked and sorted by key."""
    bulk.update_each(
        _COLUMNS,
        [
            (
                row.pk, row.status, row.reason, row.sent_at, row.delivered_at, row.read_at, row.replied_at,
                row.opted_out_at, row.settled_at, row.error_message,
            )
            for row in rows
        ],
        _WRITE,
    )  # fmt: skip
    deltas: dict[Key, list[int]] = defaultdict(lambda: [0] * len(COUNTERS))
    for row in rows:
        added = deltas[(row.campaign_id, row.connection_id, row.variant)]
        for place, (new, old) in enumerate(zip(figures(row), before[row.pk], strict=True)):
            added[place] += new - old
    changes, emptied = count(deltas)
    failed = [row for row in rows if row.status == Status.FAILED]
    return Outcome(changes, failed, [row for row in rows if row.status == Status.QUEUED], emptied)


def count(deltas: Mapping[Key, Sequence[int]]) -> tuple[dict[UUID, list[int]], list[UUID]]:
    """Add to the counters of numbers, variants and campaigns, and tell open pages.

    Returns the changes by campaign, and the campaigns of which no recipient is open any more.
    """
    changed = {key: values for key, values in deltas.items() if any(values)}
    if not changed:
        return {}, []
    add_to_tallies({key: values for key, values in changed.items() if key[1] is not None})
    totals: dict[UUID, list[int]] = defaultdict(lambda: [0] * len(COUNTERS))
    for (campaign_id, _, _), values in changed.items():
        totals[campaign_id] = [old + new for old, new in zip(totals[campaign_id], values, strict=True)]
    told = bulk.update_each(
        {"key": "uuid", **_DELTAS},
        [(key, *totals[key]) for key in sorted(totals)],
        f"UPDATE campaigns AS c SET {_sums('c')} FROM v WHERE c.id = v.key "  # noqa: S608 - names of columns
        "RETURNING id, business_profile_id, open_count, status",
    )
    publish(
        *(CampaignChanged(business_id=bulk.as_uuid(row[1]), campaign_id=bulk.as_uuid(row[0])) for row in told)
    )
    emptied = [
        bulk.as_uuid(key) for key, _, left, status in told if left <= 0 and status == Campaign.Status.SENDING
    ]
    return dict(totals), emptied


_DELTAS = {f"d_{name}": "integer" for name in COUNTERS}


def _sums(table: str) -> str:
    return ", ".join(f"{name} = {table}.{name} + v.d_{name}" for name in COUNTERS)


def add_to_tallies(deltas: Mapping[Key, Sequence[int]]) -> None:
    """Add to the counters of numbers and variants alone."""
    if not deltas:
        return
    rows = sorted((key[0], key[1], key[2], *values) for key, values in deltas.items() if key[1] is not None)
    bulk.update_each(
        {
            "campaign": "uuid",
            "connection": "uuid",
            "variant": "text",
            **_DELTAS,
        },
        rows,
        f"UPDATE campaign_tallies AS t SET {_sums('t')} FROM v WHERE t.campaign_id = v.campaign "  # noqa: S608
        "AND t.connection_id = v.connection AND t.variant = v.variant",
    )


def ensure_tallies(keys: Iterable[Key]) -> None:
    """Give every number and variant its counters before the first message counts."""
    wanted = sorted((campaign, str(number), number, variant) for campaign, number, variant in set(keys))
    CampaignTally.objects.bulk_create(
        [
            CampaignTally(campaign_id=key, connection_id=number, variant=variant)
            for key, _, number, variant in wanted
        ],
        ignore_conflicts=True,
    )


def settle(rows: Sequence[CampaignRecipient], status: str, reason: str) -> Outcome:
    """Give locked lines that are open a final state that no message of theirs will tell."""
    before, moment = {row.pk: figures(row) for row in rows}, now()
    for row in rows:
        row.status, row.reason, row.settled_at = status, reason, moment
    return write(rows, before)


def recount(campaign: Campaign) -> dict[str, int]:
    """The counters as the rows say; what tests and the repair compare with."""
    totals = dict.fromkeys(COUNTERS, 0)
    for row in CampaignRecipient.objects.filter(campaign=campaign).iterator(chunk_size=5000):
        for name, value in zip(COUNTERS, figures(row), strict=True):
            totals[name] += value
    return totals


def counters_of(row: Any) -> dict[str, int]:
    """The counters that a campaign, or a tally, carries."""
    return {name: getattr(row, name) for name in COUNTERS}

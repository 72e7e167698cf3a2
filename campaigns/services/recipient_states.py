"""States of recipients, and the counters that always equal their rows.

Everything runs inside the transaction that caused the change (a message sent, a receipt, a reply, an opt-out). Locks
are taken in one order to avoid deadlocks: messages, recipients, tallies, campaigns.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
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
TallyKey = tuple[UUID, UUID | None, str]
"""(campaign, number, variant) of a tally."""

COUNTERS = (
    "sent_count", "delivered_count", "read_count", "failed_count", "unknown_count", "skipped_count",
    "cancelled_count", "expired_count", "replied_count", "opted_out_count", "open_count",
)  # fmt: skip
OPEN_COUNT = COUNTERS.index("open_count")
OPEN = (Status.PENDING, Status.QUEUED)
SKIPPED_FOR = ("opted_out", "blocked", "marketing_cap")
"""Codes of messages cancelled because of the contact, not by a team member."""

_RANK = {Status.SENT: 4, Status.DELIVERED: 5, Status.READ: 6}
_BY_MESSAGE_STATUS: dict[str, str] = {
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
_DEFAULT_REASONS: dict[str, str] = {Status.EXPIRED: "too_late"}
"""Reasons of statuses that come without one."""
_UPDATE = """
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
    """Result of a batch.

    changes: difference of each counter by campaign. failed, requeued: recipients that are FAILED, or QUEUED again.
    drained: campaigns that are sending and have no open recipient any more.
    """

    changes: Mapping[UUID, Sequence[int]]
    failed: Sequence[CampaignRecipient]
    requeued: Sequence[CampaignRecipient]
    drained: Sequence[UUID]


def counter_values(row: CampaignRecipient) -> tuple[int, ...]:
    """Return what a recipient contributes to each counter, in the order of COUNTERS."""
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


def apply_message_statuses(batch: Sequence[MessageStatusChanged]) -> Outcome | None:
    """Apply message statuses to their recipients. Returns None if no message is a campaign's."""
    latest = {event.message_id: event for event in batch if event.status in _BY_MESSAGE_STATUS}
    if not latest:
        return None
    rows = lock_recipients(Q(message_id__in=list(latest)))
    if not rows:
        return None
    moment = now()
    errors = _error_messages(
        [row for row in rows if latest[_message_id(row)].status == Message.Status.FAILED]
    )
    before = {row.pk: counter_values(row) for row in rows}
    for row in rows:
        event = latest[_message_id(row)]
        _apply_status(
            row, _BY_MESSAGE_STATUS[event.status], event.error_code, errors.get(row.message_id, ""), moment
        )
    return save_changes(rows, before)


def lock_recipients(which: Q) -> list[CampaignRecipient]:
    """Lock recipients in the common order."""
    rows = CampaignRecipient.objects.select_for_update(no_key=True).filter(which)
    return list(rows.order_by("pk"))


def _message_id(row: CampaignRecipient) -> UUID:
    assert row.message_id is not None
    return row.message_id


def _error_messages(rows: Iterable[CampaignRecipient]) -> dict[UUID | None, str]:
    message_ids = [row.message_id for row in rows if row.message_id]
    errors = (
        Message.objects.filter(pk__in=message_ids).values_list("pk", "error_message") if message_ids else ()
    )
    return dict(errors)


def _apply_status(row: CampaignRecipient, status: str, code: str, error: str, moment: datetime) -> None:
    """Apply a message's status to its recipient. A receipt raises any state; nothing lowers a receipt."""
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
        row.reason = "" if status == Status.QUEUED else code[:64] or _DEFAULT_REASONS.get(status, "")
    row.settled_at = None if row.status in OPEN else row.settled_at or moment


def save_changes(rows: Sequence[CampaignRecipient], before: Mapping[UUID, tuple[int, ...]]) -> Outcome:
    """Write changed recipients and update the counters. Rows must be locked and sorted by key.

    before: `counter_values` of the rows before the change.
    """
    bulk.update_each(
        _COLUMNS,
        [
            (
                row.pk, row.status, row.reason, row.sent_at, row.delivered_at, row.read_at, row.replied_at,
                row.opted_out_at, row.settled_at, row.error_message,
            )
            for row in rows
        ],
        _UPDATE,
    )  # fmt: skip
    deltas: dict[TallyKey, list[int]] = defaultdict(lambda: [0] * len(COUNTERS))
    for row in rows:
        added = deltas[(row.campaign_id, row.connection_id, row.variant)]
        for index, (new, old) in enumerate(zip(counter_values(row), before[row.pk], strict=True)):
            added[index] += new - old
    changes, drained = add_to_counters(deltas)
    failed = [row for row in rows if row.status == Status.FAILED]
    return Outcome(changes, failed, [row for row in rows if row.status == Status.QUEUED], drained)


def add_to_counters(deltas: Mapping[TallyKey, Sequence[int]]) -> tuple[dict[UUID, list[int]], list[UUID]]:
    """Add to the counters of numbers, variants and campaigns, and publish CampaignChanged.

    Returns the changes by campaign, and the drained campaigns.
    """
    changed = {key: values for key, values in deltas.items() if any(values)}
    if not changed:
        return {}, []
    add_to_tallies({key: values for key, values in changed.items() if key[1] is not None})
    totals: dict[UUID, list[int]] = defaultdict(lambda: [0] * len(COUNTERS))
    for (campaign_id, _, _), values in changed.items():
        totals[campaign_id] = [old + new for old, new in zip(totals[campaign_id], values, strict=True)]
    updated = bulk.update_each(
        {"key": "uuid", **_DELTAS},
        [(key, *totals[key]) for key in sorted(totals)],
        f"UPDATE campaigns AS c SET {_additions('c')} FROM v WHERE c.id = v.key "  # noqa: S608 - names of columns
        "RETURNING id, business_profile_id, open_count, status",
    )
    publish(
        *(
            CampaignChanged(business_id=bulk.as_uuid(row[1]), campaign_id=bulk.as_uuid(row[0]))
            for row in updated
        )
    )
    drained = [
        bulk.as_uuid(key)
        for key, _, left, status in updated
        if left <= 0 and status == Campaign.Status.SENDING
    ]
    return dict(totals), drained


_DELTAS = {f"d_{name}": "integer" for name in COUNTERS}


def _additions(table: str) -> str:
    return ", ".join(f"{name} = {table}.{name} + v.d_{name}" for name in COUNTERS)


def add_to_tallies(deltas: Mapping[TallyKey, Sequence[int]]) -> None:
    """Add to the counters of numbers and variants only."""
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
        f"UPDATE campaign_tallies AS t SET {_additions('t')} FROM v WHERE t.campaign_id = v.campaign "  # noqa: S608
        "AND t.connection_id = v.connection AND t.variant = v.variant",
    )


def ensure_tallies(keys: Iterable[TallyKey]) -> None:
    """Create missing tallies of numbers and variants."""
    rows = sorted((campaign, str(number), number, variant) for campaign, number, variant in set(keys))
    CampaignTally.objects.bulk_create(
        [
            CampaignTally(campaign_id=key, connection_id=number, variant=variant)
            for key, _, number, variant in rows
        ],
        ignore_conflicts=True,
    )


def settle(rows: Sequence[CampaignRecipient], status: str, reason: str) -> Outcome:
    """Give locked, open recipients a final state that does not come from their messages."""
    before, moment = {row.pk: counter_values(row) for row in rows}, now()
    for row in rows:
        row.status, row.reason, row.settled_at = status, reason, moment
    return save_changes(rows, before)

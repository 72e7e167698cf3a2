"""WhatsApp's receipts: statuses rise by compare-and-set, and receipts that come before their message are kept for it.

Everything here runs inside a transaction that holds the number's lease.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from uuid import UUID

from connections.drivers.base import Ack, AckLevel
from connections.models import WhatsAppConnection
from core.db import bulk
from messaging.models import Message, ParkedAck
from messaging.outbox import states, transitions
from messaging.outbox.states import RANK, Status

_RANKS = " ".join(f"WHEN '{status}' THEN {rank}" for status, rank in RANK.items())
_RANK_SQL = f"CASE m.status {_RANKS} ELSE 99 END"
_RAISE = f"""
UPDATE messages AS m SET
    status = v.raised,
    sent_at = COALESCE(m.sent_at, v.sent_at),
    delivered_at = COALESCE(m.delivered_at, v.delivered_at),
    read_at = COALESCE(m.read_at, v.read_at),
    claim_epoch = 0, error_code = '', error_message = ''
FROM v WHERE m.id = v.key AND m.direction = 'outbound' AND {_RANK_SQL} < v.rank
RETURNING id, conversation_id, status
"""  # noqa: S608 - put together from the constants of states
_COLUMNS = {
    "key": "uuid",
    "raised": "text",
    "rank": "integer",
    "sent_at": "timestamptz",
    "delivered_at": "timestamptz",
    "read_at": "timestamptz",
}


@dataclass(frozen=True)
class Times:
    """When a message came how far; None: not yet."""

    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    read_at: datetime | None = None

    @classmethod
    def of(cls, receipts: Iterable[tuple[str, datetime]]) -> Times:
        """What receipts (a status and its time) prove: the earliest one of at least that height counts."""
        known = list(receipts)
        return cls(*(_earliest(known, one) for one in (Status.SENT, Status.DELIVERED, Status.READ)))


def _earliest(receipts: Iterable[tuple[str, datetime]], least: str) -> datetime | None:
    return min((at for status, at in receipts if RANK[status] >= RANK[least]), default=None)


@dataclass(frozen=True)
class Rise:
    """A message that is to come to `status` (sent or higher), if that is higher than where it is."""

    message_id: UUID
    status: str
    times: Times


def raise_statuses(connection: WhatsAppConnection, rises: Iterable[Rise]) -> int:
    """Write the statuses that are higher, times once; lists and events follow. Returns how many rose."""
    wanted = sorted(rises, key=lambda rise: rise.message_id)
    before = _before(rise.message_id for rise in wanted if rise.status != Status.SENT)
    rows = [(one.message_id, one.status, RANK[one.status], *astuple(one.times)) for one in wanted]
    changed = [
        (bulk.as_uuid(key), bulk.as_uuid(place), status)
        for key, place, status in bulk.update_each(_COLUMNS, rows, _RAISE)
    ]
    passed = {key: states.passed(before[key], status) for key, _, status in changed if key in before}
    transitions.announce(connection, changed, passed=passed)
    return len(changed)


def _before(message_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Where messages are now, held there until the transaction ends."""
    rows = Message.objects.filter(pk__in=list(message_ids)).order_by("pk").select_for_update(no_key=True)
    return dict(rows.values_list("pk", "status"))


def receipts(acks: Iterable[Ack]) -> list[tuple[str, datetime]]:
    """The statuses that receipts prove, with their times."""
    return [(status, ack.at) for ack in acks if (status := states.status_of_ack(ack.level))]


def apply(connection: WhatsAppConnection, acks: Iterable[Ack], known: Mapping[str, UUID]) -> None:
    """Apply receipts to the messages in `known` (by WhatsApp id) and park the others. A few statements a batch."""
    rises, parked = [], []
    for wa_id, told in by_message(acks).items():
        if wa_id not in known:
            parked.append(max(told, key=lambda ack: (ack.level, -ack.at.timestamp())))
            continue
        first = next((ack for ack in told if ack.level != AckLevel.PENDING), None)
        if first and first.level == AckLevel.FAILED:
            transitions.fail(connection, known[wa_id], "whatsapp_error", first.error)
        if proven := receipts(told):
            status = max((status for status, _ in proven), key=lambda status: RANK[status])
            rises.append(Rise(known[wa_id], status, Times.of(proven)))
    raise_statuses(connection, rises)
    _park(connection, parked)


def by_message(acks: Iterable[Ack]) -> dict[str, list[Ack]]:
    """Receipts by the WhatsApp id of their message."""
    found: dict[str, list[Ack]] = defaultdict(list)
    for ack in acks:
        found[ack.wa_id].append(ack)
    return found


def _park(connection: WhatsAppConnection, acks: Sequence[Ack]) -> None:
    """Keep receipts for messages that are still to come; a higher one replaces a lower one."""
    wanted = {ack.wa_id: ack for ack in acks if states.status_of_ack(ack.level)}
    if not wanted:
        return
    rows = ParkedAck.objects.filter(connection=connection, whatsapp_message_id__in=wanted)
    for wa_id, level in rows.values_list("whatsapp_message_id", "level"):
        if level >= wanted[wa_id].level:
            del wanted[wa_id]
    ParkedAck.objects.bulk_create(
        [
            ParkedAck(connection=connection, whatsapp_message_id=ack.wa_id, level=ack.level, at=ack.at)
            for ack in wanted.values()
        ],
        update_conflicts=True,
        unique_fields=["connection", "whatsapp_message_id"],
        update_fields=["level", "at"],
    )


def unpark(connection: WhatsAppConnection, wa_ids: Sequence[str]) -> list[Ack]:
    """Receipts that came before these messages; they are removed and must be applied now."""
    rows = ParkedAck.objects.filter(connection=connection, whatsapp_message_id__in=wa_ids)
    found = list(rows) if wa_ids else []
    if found:
        rows.delete()
    return [Ack(row.whatsapp_message_id, AckLevel(row.level), row.at) for row in found]

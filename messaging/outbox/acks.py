"""WhatsApp's receipts (acks).

They raise statuses, and are parked if they come before their message. Everything here runs inside a transaction that
holds the number's lease.
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
    """Times at which a message reached each status; None: not yet."""

    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    read_at: datetime | None = None

    @classmethod
    def of(cls, proofs: Iterable[tuple[str, datetime]]) -> Times:
        """Build from proven statuses with their times.

        For each, the earliest proof of it or of a higher one.
        """
        known = list(proofs)
        return cls(*(_earliest(known, one) for one in (Status.SENT, Status.DELIVERED, Status.READ)))


def _earliest(proofs: Iterable[tuple[str, datetime]], least: str) -> datetime | None:
    return min((at for status, at in proofs if RANK[status] >= RANK[least]), default=None)


@dataclass(frozen=True)
class StatusProof:
    """Proof that a message reached `status` (sent or higher)."""

    message_id: UUID
    status: str
    times: Times


def raise_statuses(connection: WhatsAppConnection, proofs: Iterable[StatusProof]) -> int:
    """Raise statuses that are lower than proven, and set times that are unset.

    Returns how many rose.
    """
    ordered = sorted(proofs, key=lambda proof: proof.message_id)
    before = _lock_statuses(proof.message_id for proof in ordered if proof.status != Status.SENT)
    rows = [(proof.message_id, proof.status, RANK[proof.status], *astuple(proof.times)) for proof in ordered]
    changed = [
        (bulk.as_uuid(key), bulk.as_uuid(conversation), status)
        for key, conversation, status in bulk.update_each(_COLUMNS, rows, _RAISE)
    ]
    passed = {key: states.passed(before[key], status) for key, _, status in changed if key in before}
    transitions.announce(connection, changed, passed=passed)
    return len(changed)


def _lock_statuses(message_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the statuses of messages, locked until the transaction ends."""
    rows = Message.objects.filter(pk__in=list(message_ids)).order_by("pk").select_for_update(no_key=True)
    return dict(rows.values_list("pk", "status"))


def proven_statuses(acks: Iterable[Ack]) -> list[tuple[str, datetime]]:
    """Return the statuses that receipts prove, with their times."""
    return [(status, ack.at) for ack in acks if (status := states.status_of_ack(ack.level))]


def apply(connection: WhatsAppConnection, acks: Iterable[Ack], known: Mapping[str, UUID]) -> None:
    """Apply receipts to the messages in `known` (by WhatsApp id) and park the others.

    A few statements per batch.
    """
    proofs, parked = [], []
    for wa_id, message_acks in by_message(acks).items():
        if wa_id not in known:
            parked.append(max(message_acks, key=lambda ack: (ack.level, -ack.at.timestamp())))
            continue
        first = next((ack for ack in message_acks if ack.level != AckLevel.PENDING), None)
        if first and first.level == AckLevel.FAILED:
            transitions.fail(connection, known[wa_id], "whatsapp_error", first.error)
        if proven := proven_statuses(message_acks):
            status = max((status for status, _ in proven), key=lambda status: RANK[status])
            proofs.append(StatusProof(known[wa_id], status, Times.of(proven)))
    raise_statuses(connection, proofs)
    _park(connection, parked)


def by_message(acks: Iterable[Ack]) -> dict[str, list[Ack]]:
    """Group receipts by the WhatsApp id of their message."""
    grouped: dict[str, list[Ack]] = defaultdict(list)
    for ack in acks:
        grouped[ack.wa_id].append(ack)
    return grouped


def _park(connection: WhatsAppConnection, acks: Sequence[Ack]) -> None:
    """Store receipts whose message has not come yet.

    A higher one replaces a lower one.
    """
    highest = {ack.wa_id: ack for ack in acks if states.status_of_ack(ack.level)}
    if not highest:
        return
    rows = ParkedAck.objects.filter(connection=connection, whatsapp_message_id__in=highest)
    for wa_id, level in rows.values_list("whatsapp_message_id", "level"):
        if level >= highest[wa_id].level:
            del highest[wa_id]
    ParkedAck.objects.bulk_create(
        [
            ParkedAck(connection=connection, whatsapp_message_id=ack.wa_id, level=ack.level, at=ack.at)
            for ack in highest.values()
        ],
        update_conflicts=True,
        unique_fields=["connection", "whatsapp_message_id"],
        update_fields=["level", "at"],
    )


def unpark(connection: WhatsAppConnection, wa_ids: Sequence[str]) -> list[Ack]:
    """Remove and return the receipts that came before these messages.

    The caller applies them.
    """
    rows = ParkedAck.objects.filter(connection=connection, whatsapp_message_id__in=wa_ids)
    parked = list(rows) if wa_ids else []
    if parked:
        rows.delete()
    return [Ack(row.whatsapp_message_id, AckLevel(row.level), row.at) for row in parked]

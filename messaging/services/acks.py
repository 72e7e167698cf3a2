"""WhatsApp's receipts: statuses rise by compare-and-set, and receipts that come before their message are kept for it.

Everything here runs inside a transaction that holds the number's lease.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from connections.drivers.base import Ack, AckLevel
from connections.models import WhatsAppConnection
from messaging import states
from messaging.events import MessageStatusChanged
from messaging.models import Message, ParkedAck
from messaging.services import previews
from messaging.states import RANK, Status
from whatsflow.core import bulk
from whatsflow.core.events import publish

_RANKS = " ".join(f"WHEN '{status}' THEN {rank}" for status, rank in RANK.items())
_RANK_SQL = f"CASE m.status {_RANKS} ELSE 99 END"
_RAISE = f"""
UPDATE messages AS m SET
    status = v.raised,
    sent_at = COALESCE(m.sent_at, v.at),
    delivered_at = COALESCE(m.delivered_at, CASE WHEN v.rank >= {RANK[Status.DELIVERED]} THEN v.at END),
    read_at = COALESCE(m.read_at, CASE WHEN v.rank >= {RANK[Status.READ]} THEN v.at END),
    claim_epoch = 0, error_code = '', error_message = ''
FROM v WHERE m.id = v.key AND m.direction = 'outbound' AND {_RANK_SQL} < v.rank
RETURNING id, conversation_id, status
"""  # noqa: S608 - put together from the constants of states


@dataclass(frozen=True)
class Rise:
    """A message that is to come to `status` (sent or higher) at `at`, if that is higher than where it is."""

    message_id: UUID
    status: str
    at: datetime


def raise_statuses(connection: WhatsAppConnection, rises: Iterable[Rise]) -> int:
    """Write the statuses that are higher, times once; lists and events follow. Returns how many rose."""
    rows = sorted((rise.message_id, rise.status, RANK[rise.status], rise.at) for rise in rises)
    changed = bulk.update_each(
        {"key": "uuid", "raised": "text", "rank": "integer", "at": "timestamptz"}, rows, _RAISE
    )
    announce(connection, [(bulk.as_uuid(key), bulk.as_uuid(place), status) for key, place, status in changed])
    return len(changed)


def announce(
    connection: WhatsAppConnection, changes: Sequence[tuple[UUID, UUID, str]], error_code: str = ""
) -> None:
    """(message, conversation, status) of one number: bring the list up to date and tell the others."""
    if not changes:
        return
    previews.show_statuses((place, key, status) for key, place, status in changes)
    publish(
        *(
            MessageStatusChanged(
                business_id=connection.business_profile_id,
                message_id=key,
                conversation_id=place,
                connection_id=connection.pk,
                status=status,
                error_code=error_code,
            )
            for key, place, status in changes
        )
    )


def fail(connection: WhatsAppConnection, message_id: UUID, code: str, message: str = "") -> bool:
    """WhatsApp refused it. False when it had come further (or was taken back) meanwhile."""
    rows = Message.objects.filter(pk=message_id, connection=connection, status__in=states.UNSETTLED)
    if not rows.update(
        status=Status.FAILED, claim_epoch=0, error_code=code[:64], error_message=message[:500]
    ):
        return False
    place = Message.objects.values_list("conversation_id", flat=True).get(pk=message_id)
    announce(connection, [(message_id, place, Status.FAILED)], code[:64])
    return True


def highest(acks: Iterable[Ack]) -> dict[str, Ack]:
    """The strongest receipt of each message: the highest level, its earliest time."""
    best: dict[str, Ack] = {}
    for ack in acks:
        known = best.get(ack.wa_id)
        if known is None or (ack.level, -ack.at.timestamp()) > (known.level, -known.at.timestamp()):
            best[ack.wa_id] = ack
    return best


def apply(connection: WhatsAppConnection, acks: Iterable[Ack], known: Mapping[str, UUID]) -> None:
    """Apply receipts to the messages in `known` (by WhatsApp id) and park the others. A few statements a batch."""
    best = highest(acks)
    rises, parked = [], []
    for wa_id, ack in best.items():
        status = states.status_of_ack(ack.level)
        if wa_id not in known:
            parked.append(ack)
        elif status:
            rises.append(Rise(known[wa_id], status, ack.at))
        elif ack.level == AckLevel.FAILED:
            fail(connection, known[wa_id], "whatsapp_error", ack.error)
    raise_statuses(connection, rises)
    _park(connection, parked)


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

"""Read receipts for WhatsApp: which conversations a person has read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from connections import leases
from connections.drivers.base import Chat
from connections.leases import Lease
from contacts import selectors as contact_selectors
from core.clock import now
from messaging.models import Conversation, Message

MESSAGES = 50
"""Messages that one receipt names at most: the newest. WhatsApp marks the older ones with them."""


@dataclass(frozen=True)
class ReadReceipt:
    """Inbound messages that a person has read and WhatsApp does not know as read."""

    conversation_id: UUID
    chat: Chat
    wa_ids: tuple[str, ...]


def due(lease: Lease, limit: int) -> list[ReadReceipt]:
    """Return pending read receipts, those of the conversations read longest ago first."""
    connection = leases.check(lease)
    rows = Conversation.objects.filter(connection=connection, receipt_wanted=True).select_related("contact")
    conversations = list(rows.order_by("last_read_at", "id")[:limit])
    contact_ids = {row.contact_id for row in conversations}
    lids = contact_selectors.lids_of(contact_ids) if contact_ids else {}
    return [
        ReadReceipt(
            row.pk,
            Chat(phone=row.contact.phone_number, lid=lids.get(row.contact_id)),
            _unacknowledged(row.pk, row.last_read_at),
        )
        for row in conversations
    ]


def _unacknowledged(conversation_id: UUID, until: datetime | None) -> tuple[str, ...]:
    rows = _inbound().filter(conversation_id=conversation_id)
    if until:
        rows = rows.filter(created_at__lte=until)
    newest = rows.order_by("-created_at", "-id").values_list("whatsapp_message_id", flat=True)
    return tuple(str(wa_id) for wa_id in newest[:MESSAGES])[::-1]


def _inbound() -> QuerySet[Message]:
    """Inbound messages without a read receipt."""
    return Message.objects.filter(direction=Message.Direction.INBOUND, read_at=None).exclude(
        whatsapp_message_id=None
    )


def mark_sent(lease: Lease, receipt: ReadReceipt) -> None:
    """Record that the receipt was sent. Messages read in the meantime stay due."""
    with transaction.atomic():
        connection = leases.guard(lease)
        here = Message.objects.filter(connection=connection, conversation_id=receipt.conversation_id)
        named = here.filter(whatsapp_message_id__in=receipt.wa_ids, direction=Message.Direction.INBOUND)
        newest = named.order_by("-created_at", "-id").values_list("created_at", flat=True).first()
        named.filter(read_at=None).update(read_at=now())
        rows = Conversation.objects.filter(pk=receipt.conversation_id, connection=connection)
        if newest is not None:
            later = _inbound().filter(
                conversation_id=OuterRef("pk"),
                created_at__gt=newest,
                created_at__lte=OuterRef("last_read_at"),
            )
            rows = rows.filter(~Exists(later))
        rows.update(receipt_wanted=False)

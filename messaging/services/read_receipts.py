"""Telling WhatsApp that a person has read."""

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
"""Messages that one receipt names at most: the newest; WhatsApp takes the older ones as read with them."""


@dataclass(frozen=True)
class ReadReceipt:
    """Inbound messages of a conversation that a person has read and WhatsApp does not know as read."""

    conversation_id: UUID
    chat: Chat
    wa_ids: tuple[str, ...]


def wanted(lease: Lease, limit: int) -> list[ReadReceipt]:
    """Conversations that a person has read since WhatsApp was last told, longest ago first."""
    connection = leases.check(lease)
    rows = Conversation.objects.filter(connection=connection, receipt_wanted=True).select_related("contact")
    found = list(rows.order_by("last_read_at", "id")[:limit])
    lids = contact_selectors.lids_of({row.contact_id for row in found}) if found else {}
    told = [(row, _untold(row.pk, row.last_read_at)) for row in found]
    return [
        ReadReceipt(row.pk, Chat(phone=row.contact.phone_number, lid=lids.get(row.contact_id)), wa_ids)
        for row, wa_ids in told
    ]


def _untold(conversation_id: UUID, until: datetime | None) -> tuple[str, ...]:
    rows = _inbound().filter(conversation_id=conversation_id)
    if until:
        rows = rows.filter(created_at__lte=until)
    newest = rows.order_by("-created_at", "-id").values_list("whatsapp_message_id", flat=True)
    return tuple(str(wa_id) for wa_id in newest[:MESSAGES])[::-1]


def _inbound() -> QuerySet[Message]:
    """Customers' messages of which WhatsApp has not been told that they were read."""
    return Message.objects.filter(direction=Message.Direction.INBOUND, read_at=None).exclude(
        whatsapp_message_id=None
    )


def done(lease: Lease, receipt: ReadReceipt) -> None:
    """WhatsApp was told. What a person has read in the meantime is still to be told."""
    with transaction.atomic():
        connection = leases.guard(lease)
        here = Message.objects.filter(connection=connection, conversation_id=receipt.conversation_id)
        told = here.filter(whatsapp_message_id__in=receipt.wa_ids, direction=Message.Direction.INBOUND)
        newest = told.order_by("-created_at", "-id").values_list("created_at", flat=True).first()
        told.filter(read_at=None).update(read_at=now())
        rows = Conversation.objects.filter(pk=receipt.conversation_id, connection=connection)
        if newest is not None:
            later = _inbound().filter(
                conversation_id=OuterRef("pk"),
                created_at__gt=newest,
                created_at__lte=OuterRef("last_read_at"),
            )
            rows = rows.filter(~Exists(later))
        rows.update(receipt_wanted=False)

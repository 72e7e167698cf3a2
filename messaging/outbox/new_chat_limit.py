"""WhatsApp's limit on new chats.

Messages to contacts who never wrote wait until it ends; replies are sent. WhatsApp starts it (error 463 and similar),
and further attempts prolong it. So messages that would be refused are postponed: those in the queue at once, those
queued later when they are about to be sent.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, F, OuterRef, QuerySet

from connections.models import WhatsAppConnection
from core.clock import now
from messaging.models import Message
from messaging.outbox import transitions
from messaging.outbox.states import Status

CODE = "limited"


def applies_to(connection: WhatsAppConnection, message: Message) -> bool:
    """Return whether the message has to wait: the limit is in force and the contact never wrote.

    No query without a limit.
    """
    until = connection.limited_until
    return until is not None and until > now() and not _inbound(message.conversation_id).exists()


def postpone(connection: WhatsAppConnection, message: Message) -> None:
    """Requeue a claimed message until the limit ends."""
    rows = Message.objects.filter(pk=message.pk, status=Status.QUEUED)
    rows.update(claim_epoch=0, not_before=connection.limited_until, error_code=CODE)
    transitions.announce(connection, [(message.pk, message.conversation_id, Status.QUEUED)], CODE)


def record_refusal(connection: WhatsAppConnection, message_id: UUID, until: datetime) -> None:
    """Requeue a message that WhatsApp refused, and postpone others like it.

    The attempt does not count. The message gets another WhatsApp id: on WhatsApp the refused one stays as failed.
    """
    rows = Message.objects.filter(pk=message_id, connection=connection, status=Status.SENDING)
    changed = transitions.move(
        rows,
        Status.QUEUED,
        error_code=CODE,
        whatsapp_message_id=None,
        claim_epoch=0,
        sending_since=None,
        attempts=F("attempts") - 1,
        not_before=until,
    )
    if not changed:
        return
    waiting = Message.objects.filter(~Exists(_inbound(OuterRef("conversation_id"))), connection=connection)
    waiting.filter(status=Status.QUEUED, claim_epoch=0, not_before=None).update(
        not_before=until, error_code=CODE
    )


def lift(connection: WhatsAppConnection, conversation_ids: Collection[UUID]) -> None:
    """Release messages in conversations to which the contact has now written."""
    if connection.limited_until is None:
        return
    rows = Message.objects.filter(connection=connection, conversation_id__in=conversation_ids)
    rows.filter(status=Status.QUEUED, error_code=CODE).update(not_before=None, error_code="")


def _inbound(conversation: UUID | OuterRef) -> QuerySet[Message]:
    """Inbound messages of a conversation."""
    return Message.objects.filter(conversation_id=conversation, direction=Message.Direction.INBOUND)

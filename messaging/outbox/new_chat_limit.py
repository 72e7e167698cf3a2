"""WhatsApp's limit on new chats: messages to people who never wrote wait until it ends; replies go out.

It is WhatsApp that starts it (error 463 and its like). To go on trying makes it longer, so nothing that would be
refused is handed over: what waits is held, and so is what is queued meanwhile when its turn comes.
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


def holds(connection: WhatsAppConnection, message: Message) -> bool:
    """Whether the message has to wait: the limit runs and its reader never wrote. No query while there is no limit."""
    until = connection.limited_until
    return until is not None and until > now() and not _written(message.conversation_id).exists()


def hold(connection: WhatsAppConnection, message: Message) -> None:
    """Put a claimed message back until the limit ends."""
    rows = Message.objects.filter(pk=message.pk, status=Status.QUEUED)
    rows.update(claim_epoch=0, not_before=connection.limited_until, error_code=CODE)
    transitions.announce(connection, [(message.pk, message.conversation_id, Status.QUEUED)], CODE)


def refused(connection: WhatsAppConnection, message_id: UUID, until: datetime) -> None:
    """WhatsApp has just refused this begun message: it goes back, uncounted and under no id, and others wait with it.

    It gets another id next time: in the page's chat the refused one stands as failed.
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
    waiting = Message.objects.filter(~Exists(_written(OuterRef("conversation_id"))), connection=connection)
    waiting.filter(status=Status.QUEUED, claim_epoch=0, not_before=None).update(
        not_before=until, error_code=CODE
    )


def release(connection: WhatsAppConnection, conversation_ids: Collection[UUID]) -> None:
    """These people have written: they are no strangers any more, and what waits for them may go."""
    if connection.limited_until is None:
        return
    rows = Message.objects.filter(connection=connection, conversation_id__in=conversation_ids)
    rows.filter(status=Status.QUEUED, error_code=CODE).update(not_before=None, error_code="")


def _written(conversation: UUID | OuterRef) -> QuerySet[Message]:
    """What the other side has written in a conversation."""
    return Message.objects.filter(conversation_id=conversation, direction=Message.Direction.INBOUND)

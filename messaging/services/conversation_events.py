"""When conversations were closed and opened again: the rows from which the time to a solution is counted."""

from __future__ import annotations

from datetime import datetime

from accounts.models import User
from core.clock import now
from messaging.models import Conversation, ConversationEvent, Message

Kind = ConversationEvent.Kind


def record(conversation: Conversation, actor: User | None) -> ConversationEvent:
    """Keep that `conversation` has just come to its state. Call inside the transaction of the change."""
    closed = conversation.state == Conversation.State.CLOSED
    return ConversationEvent.objects.create(
        business_profile_id=conversation.business_profile_id,
        conversation=conversation,
        kind=Kind.CLOSED if closed else Kind.REOPENED,
        actor=actor,
        begun_at=_begun_at(conversation) if closed else None,
        created_at=now(),
    )


def _begun_at(conversation: Conversation) -> datetime | None:
    """When what is being closed began: the customer's first message, or a person's reopening, since it was closed last.

    None where neither happened: we wrote, and nobody asked for anything.
    """
    events = ConversationEvent.objects.filter(conversation=conversation)
    asked = Message.objects.filter(conversation=conversation, direction=Message.Direction.INBOUND).exclude(
        message_type=Message.Type.REACTION
    )
    reopened = events.filter(kind=Kind.REOPENED)
    last = (
        events.filter(kind=Kind.CLOSED).order_by("-created_at").values_list("created_at", flat=True).first()
    )
    if last is not None:
        asked, reopened = asked.filter(created_at__gt=last), reopened.filter(created_at__gt=last)
    found = [
        rows.order_by("created_at").values_list("created_at", flat=True).first() for rows in (asked, reopened)
    ]
    return min((moment for moment in found if moment is not None), default=None)

"""Close and reopen events of conversations. Source of the resolution-time metric."""

from __future__ import annotations

from datetime import datetime

from accounts.models import User
from core.clock import now
from messaging.models import Conversation, ConversationEvent, Message

Kind = ConversationEvent.Kind


def record(conversation: Conversation, actor: User | None) -> ConversationEvent:
    """Record that `conversation` has just got its present state.

    Call inside the transaction of the change.
    """
    closed = conversation.state == Conversation.State.CLOSED
    return ConversationEvent.objects.create(
        business_profile_id=conversation.business_profile_id,
        conversation=conversation,
        kind=Kind.CLOSED if closed else Kind.REOPENED,
        actor=actor,
        begun_at=_opened_at(conversation) if closed else None,
        created_at=now(),
    )


def _opened_at(conversation: Conversation) -> datetime | None:
    """Return the first inbound message or reopening since the last closing.

    None: neither.
    """
    events = ConversationEvent.objects.filter(conversation=conversation)
    inbound = Message.objects.filter(conversation=conversation, direction=Message.Direction.INBOUND).exclude(
        message_type=Message.Type.REACTION
    )
    reopened = events.filter(kind=Kind.REOPENED)
    last = (
        events.filter(kind=Kind.CLOSED).order_by("-created_at").values_list("created_at", flat=True).first()
    )
    if last is not None:
        inbound, reopened = inbound.filter(created_at__gt=last), reopened.filter(created_at__gt=last)
    moments = [
        rows.order_by("created_at").values_list("created_at", flat=True).first()
        for rows in (inbound, reopened)
    ]
    return min((moment for moment in moments if moment is not None), default=None)

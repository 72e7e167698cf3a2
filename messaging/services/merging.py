"""Move conversations and messages when two contacts are merged."""

from __future__ import annotations

from uuid import UUID

from contacts.events import ContactsMerged
from core.events import publish
from messaging.events import ConversationChanged
from messaging.models import Conversation, ConversationEvent, Draft, Message


def on_contacts_merged(events: list[ContactsMerged]) -> None:
    """Move the rows of each merged contact to the one that remains."""
    for event in events:
        _move(event)


def _move(event: ContactsMerged) -> None:
    staying = {
        row.connection_id: row
        for row in Conversation.objects.select_for_update(no_key=True).filter(contact_id=event.contact_id)
    }
    for lost in Conversation.objects.select_for_update(no_key=True).filter(contact_id=event.lost_id):
        kept = staying.get(lost.connection_id)
        if kept is None:
            Conversation.objects.filter(pk=lost.pk).update(contact_id=event.contact_id)
        else:
            _join(kept, lost)
        _announce(event.business_id, kept.pk if kept else lost.pk)
    Message.objects.filter(contact_id=event.lost_id).update(contact_id=event.contact_id)


def _join(kept: Conversation, lost: Conversation) -> None:
    """Merge two conversations of one number: messages by time, unread counts added."""
    Message.objects.filter(conversation=lost).update(conversation=kept)
    ConversationEvent.objects.filter(conversation=lost).update(conversation=kept)
    Draft.objects.filter(conversation=lost).exclude(user__in=kept.drafts.values("user")).update(
        conversation=kept
    )
    if (lost.last_message_at, lost.last_message_id is not None) > (
        kept.last_message_at,
        kept.last_message_id is not None,
    ):
        for column in ("last_message_at", "last_message_id", *_PREVIEW):
            setattr(kept, column, getattr(lost, column))
    kept.unread_count += lost.unread_count
    kept.assigned_to_id = kept.assigned_to_id or lost.assigned_to_id
    kept.receipt_wanted = kept.receipt_wanted or lost.receipt_wanted
    kept.last_read_at = max(filter(None, (kept.last_read_at, lost.last_read_at)), default=None)
    if lost.state == Conversation.State.OPEN:
        kept.state = Conversation.State.OPEN
    kept.save()
    lost.delete()


_PREVIEW = ("preview", "preview_type", "preview_direction", "preview_status")


def _announce(business_id: UUID, conversation_id: UUID) -> None:
    publish(ConversationChanged(business_id=business_id, conversation_id=conversation_id))

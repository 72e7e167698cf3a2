"""What messaging knows of a contact's past."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.urls import reverse

from contacts.ports import Entry
from messaging.models import Message
from messaging.services import conversation_summary


def messages(business_id: UUID, contact_id: UUID, before: datetime, limit: int) -> list[Entry]:
    """Messages with the contact, each leading to its place in the chat."""
    rows = Message.objects.filter(
        business_profile_id=business_id, contact_id=contact_id, created_at__lt=before
    ).only(
        "created_at", "direction", "message_type", "content", "conversation_id", "metadata", "body_pending"
    )
    return [
        Entry(
            row.created_at,
            "arrow-narrow-up" if row.is_outbound else "message",
            "We wrote" if row.is_outbound else "They wrote",
            conversation_summary.line_of(row) or row.get_message_type_display(),
            _place(row.conversation_id, row.pk),
        )
        for row in rows.order_by("-created_at", "-id")[:limit]
    ]


def places(business_id: UUID, message_ids: Collection[UUID]) -> dict[UUID, str]:
    """Where each of these messages stands in its chat."""
    rows = Message.objects.filter(business_profile_id=business_id, pk__in=message_ids)
    return {key: _place(conversation, key) for key, conversation in rows.values_list("pk", "conversation_id")}


def _place(conversation_id: UUID, message_id: UUID) -> str:
    return f"{reverse('messaging:conversation', args=[conversation_id])}?at={message_id}"

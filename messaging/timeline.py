"""What messaging knows of a contact's past."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.urls import reverse

from contacts.ports import Entry
from messaging.models import Message
from messaging.services import previews


def messages(business_id: UUID, contact_id: UUID, before: datetime, limit: int) -> list[Entry]:
    """Messages with the contact, each leading to its place in the chat."""
    rows = Message.objects.filter(
        business_profile_id=business_id, contact_id=contact_id, created_at__lt=before
    ).only("created_at", "direction", "message_type", "content", "conversation_id", "status")
    return [
        Entry(
            row.created_at,
            "arrow-narrow-up" if row.is_outbound else "message",
            "We wrote" if row.is_outbound else "They wrote",
            previews.line(row.content) or row.get_message_type_display(),
            f"{reverse('messaging:conversation', args=[row.conversation_id])}?at={row.pk}",
        )
        for row in rows.order_by("-created_at", "-id")[:limit]
    ]

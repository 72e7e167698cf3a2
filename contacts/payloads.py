"""The public representation of contacts, shared by the API and events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from contacts.models import Contact


class ShownTag(NamedTuple):
    """A tag of a contact in a list."""

    id: UUID
    name: str
    color: str


def contact_data(contact: Contact) -> dict[str, Any]:
    """Return the JSON object of a contact.

    Tags must be attached (`selectors.attach_tags`). Times are aware datetimes and ids UUIDs; the encoder writes them.
    """
    return {
        "id": contact.pk,
        "name": contact.name,
        "pushName": contact.push_name,
        "phoneNumber": contact.phone_number,
        "email": contact.email,
        "country": contact.country,
        "profilePicUrl": contact.profile_pic_url,
        "isBusiness": contact.is_business,
        "metadata": contact.metadata,
        "tags": [
            {"id": tag.id, "name": tag.name, "color": tag.color} for tag in getattr(contact, "shown_tags", ())
        ],
        "optedOutAt": contact.opted_out_at,
        "blockedAt": contact.blocked_at,
        "firstMessageAt": contact.first_message_at,
        "lastMessageAt": contact.last_message_at,
        "totalMessages": contact.total_messages,
        "createdAt": contact.created_at,
        "updatedAt": contact.updated_at,
    }


def example_contact() -> Contact:
    """Return an unsaved contact for the documentation."""
    moment = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)
    return Contact(
        id=UUID("0199f0a0-0000-7000-8000-00000000c0de"),
        name="Carla Customer",
        push_name="Carla",
        phone_number="+9992000000001",
        email="carla@example.com",
        metadata={"city": "Lisbon"},
        first_message_at=moment,
        last_message_at=moment,
        total_messages=12,
        created_at=moment,
        updated_at=moment,
    )

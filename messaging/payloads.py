"""JSON form of a message for public events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from contacts.models import Contact
from contacts.payloads import example_contact
from messaging.models import REACTIONS, MediaFile, Message


def message_data(message: Message) -> dict[str, Any]:
    """Build the JSON object of a message whose contact and media are loaded.

    Datetimes and UUIDs are left to the encoder.
    """
    return {
        "id": message.pk,
        "connectionId": message.connection_id,
        "conversationId": message.conversation_id,
        "contactId": message.contact_id,
        "contact": _contact_data(message.contact),
        "whatsappMessageId": message.whatsapp_message_id,
        "direction": message.direction,
        "messageType": message.message_type,
        "content": message.content,
        "mediaUrl": message.media_url,
        "media": _media_data(message.media),
        "status": message.status,
        "origin": message.origin,
        "replyToWhatsappMessageId": message.reply_to_wa_id,
        "isFromBot": message.is_from_bot,
        "backfilled": message.backfilled,
        "reactions": message.reactions,
        "editedAt": message.edited_at,
        "deletedAt": message.revoked_at,
        "metadata": public_metadata(message),
        "createdAt": message.created_at,
        "sentAt": message.sent_at,
        "deliveredAt": message.delivered_at,
        "readAt": message.read_at,
        "errorCode": message.error_code,
        "errorMessage": message.error_message,
    }


def public_metadata(message: Message) -> dict[str, Any]:
    """Return the metadata without reactions, which have a field of their own."""
    return {key: value for key, value in message.metadata.items() if key != REACTIONS}


def _contact_data(contact: Contact) -> dict[str, Any]:
    return {"id": contact.pk, "name": contact.display_name, "phoneNumber": contact.phone_number}


def _media_data(media: MediaFile | None) -> dict[str, Any] | None:
    if media is None:
        return None
    return {
        "id": media.pk,
        "kind": media.kind,
        "mime": media.mime,
        "name": media.name,
        "size": media.size,
        "state": media.state,
        "errorCode": media.error_code,
        "errorMessage": media.error_message,
    }


def example_message(**changes: Any) -> Message:
    """Build an unsaved inbound message for documentation."""
    moment = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)
    fields: dict[str, Any] = {
        "id": UUID("0199f0a0-0000-7000-8000-000000000e55"),
        "connection_id": UUID("0199f0a0-0000-7000-8000-0000000000c1"),
        "conversation_id": UUID("0199f0a0-0000-7000-8000-00000000c0a1"),
        "contact": example_contact(),
        "whatsapp_message_id": "3EB0C0FFEE",
        "direction": Message.Direction.INBOUND,
        "message_type": Message.Type.TEXT,
        "content": "Is the blue bowl still there?",
        "status": Message.Status.RECEIVED,
        "origin": Message.Origin.CUSTOMER,
        "created_at": moment,
    }
    return Message(**(fields | changes))

"""Queries of the REST API for messages and conversations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import BusinessProfile
from contacts.selectors import get_contact
from messaging.inbox import search
from messaging.models import Conversation, Message

_EXACT = ("contact_id", "conversation_id", "connection_id", "direction")
_LISTS = ("status", "message_type", "origin")
_MESSAGE_COLUMNS = (
    *("connection_id", "conversation_id", "contact_id", "whatsapp_message_id", "direction", "message_type"),
    *("content", "media_url", "status", "origin", "reply_to_wa_id", "is_from_bot", "backfilled", "metadata"),
    *("created_at", "sent_at", "delivered_at", "read_at", "error_code", "error_message"),
    *("contact__name", "contact__push_name", "contact__phone_number"),
    *("media__kind", "media__mime", "media__name", "media__size", "media__state", "media__error_code"),
)
"""Columns of the message list; the other half of the table's columns belong to the outbox."""
_CONVERSATION_COLUMNS = (
    *(
        "connection_id",
        "contact_id",
        "state",
        "unread_count",
        "last_message_at",
        "last_message_id",
        "preview",
    ),
    *("created_at", "contact__name", "contact__push_name", "contact__phone_number"),
    *("assigned_to__full_name", "assigned_to__email"),
)


def messages(business: BusinessProfile, filters: Mapping[str, Any]) -> QuerySet[Message]:
    """Return messages with contact and media.

    filters: contact_id, conversation_id, connection_id, direction, lists of status, message_type and origin,
    created_after (inclusive), created_before and search (all words must match). All are optional.
    """
    rows: QuerySet[Message] = Message.objects.filter(business_profile=business)
    rows = rows.filter(**{name: filters[name] for name in _EXACT if filters.get(name)})
    rows = rows.filter(**{f"{name}__in": filters[name] for name in _LISTS if filters.get(name)})
    if after := filters.get("created_after"):
        rows = rows.filter(created_at__gte=after)
    if before := filters.get("created_before"):
        rows = rows.filter(created_at__lt=before)
    if text := filters.get("search"):
        rows = search.narrow(rows, business, text)
    return rows.select_related("contact", "media").only(*_MESSAGE_COLUMNS)


def conversations(business: BusinessProfile, filters: Mapping[str, Any]) -> QuerySet[Conversation]:
    """Return conversations with contact and assignee.

    filters: state, unread, assigned_to_id, contact_id, connection_id. All are optional.
    """
    rows = Conversation.objects.filter(business_profile=business)
    exact = ("state", "assigned_to_id", "contact_id", "connection_id")
    rows = rows.filter(**{name: filters[name] for name in exact if filters.get(name)})
    if "unread" in filters:
        rows = rows.filter(unread_count__gt=0) if filters["unread"] else rows.filter(unread_count=0)
    return rows.select_related("contact", "assigned_to").only(*_CONVERSATION_COLUMNS)


def messages_of(business: BusinessProfile, contact_id: UUID) -> QuerySet[Message]:
    """Return the messages of a contact. Raises NotFound."""
    return messages(business, {"contact_id": get_contact(business, contact_id).pk})

"""Lists of messages and conversations as programs ask for them. Every function takes the business first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import BusinessProfile
from contacts.selectors import get_contact
from messaging.inbox import search
from messaging.models import Conversation, Message

_SAME = ("contact_id", "conversation_id", "connection_id", "direction")
_ONE_OF = ("status", "message_type", "origin")
_TOLD = (
    *("connection_id", "conversation_id", "contact_id", "whatsapp_message_id", "direction", "message_type"),
    *("content", "media_url", "status", "origin", "reply_to_wa_id", "is_from_bot", "backfilled", "metadata"),
    *("created_at", "sent_at", "delivered_at", "read_at", "error_code", "error_message"),
    *("contact__name", "contact__push_name", "contact__phone_number"),
    *("media__kind", "media__mime", "media__name", "media__size", "media__state", "media__error_code"),
)
"""The columns that a list of messages shows: half of a message's belong to the outbox."""
_TOLD_OF_CONVERSATIONS = (
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


def messages(business: BusinessProfile, given: Mapping[str, Any]) -> QuerySet[Message]:
    """Messages with their contact and file. given: contact_id, conversation_id, connection_id, direction, lists of
    status, message_type and origin, created_after (from then on), created_before and search (words that are all in the
    text); what is absent does not matter.
    """
    rows: QuerySet[Message] = Message.objects.filter(business_profile=business)
    rows = rows.filter(**{name: given[name] for name in _SAME if given.get(name)})
    rows = rows.filter(**{f"{name}__in": given[name] for name in _ONE_OF if given.get(name)})
    if after := given.get("created_after"):
        rows = rows.filter(created_at__gte=after)
    if before := given.get("created_before"):
        rows = rows.filter(created_at__lt=before)
    if text := given.get("search"):
        rows = search.narrow(rows, business, text)
    return rows.select_related("contact", "media").only(*_TOLD)


def conversations(business: BusinessProfile, given: Mapping[str, Any]) -> QuerySet[Conversation]:
    """Conversations with their contact and whose they are. given: state, unread, assigned_to_id, contact_id,
    connection_id; what is absent does not matter.
    """
    rows = Conversation.objects.filter(business_profile=business)
    same = ("state", "assigned_to_id", "contact_id", "connection_id")
    rows = rows.filter(**{name: given[name] for name in same if given.get(name)})
    if "unread" in given:
        rows = rows.filter(unread_count__gt=0) if given["unread"] else rows.filter(unread_count=0)
    return rows.select_related("contact", "assigned_to").only(*_TOLD_OF_CONVERSATIONS)


def messages_of(business: BusinessProfile, contact_id: UUID) -> QuerySet[Message]:
    """The messages of one contact. Raises NotFound."""
    return messages(business, {"contact_id": get_contact(business, contact_id).pk})

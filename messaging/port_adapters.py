"""Implementations of the ports of lower apps: traffic of numbers, conversations and timeline of contacts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts.models import BusinessProfile
from connections import selectors as connections
from connections.ports import Traffic
from contacts.ports import Entry
from messaging.models import Conversation, Message
from messaging.services import conversation_summary

LATE = timedelta(days=1)
"""Maximum age of a message sent today. The bound keeps the count on the index by creation time."""

_IN_OUTBOX = Q(claim_epoch=0, not_before=None) | Q(claim_epoch__gt=0) | Q(not_before__isnull=False)
"""Always true: names the three parts of the outbox, so that the count uses their partial indexes."""


def count_traffic(business: BusinessProfile, connection_ids: Sequence[UUID]) -> dict[UUID, Traffic]:
    """Count the messages queued and sent today of each number. Two queries."""
    midnight = (
        timezone.now()
        .astimezone(ZoneInfo(business.time_zone))
        .replace(hour=0, minute=0, second=0, microsecond=0)
    )
    messages = Message.objects.filter(business_profile=business, connection__in=connection_ids)
    queued = _by_connection(messages.filter(_IN_OUTBOX, status=Message.Status.QUEUED))
    sent = _by_connection(
        messages.filter(
            created_at__gte=midnight - LATE, direction=Message.Direction.OUTBOUND, sent_at__gte=midnight
        )
    )
    return {key: Traffic(queued.get(key, 0), sent.get(key, 0)) for key in connection_ids}


def _by_connection(messages: QuerySet[Message]) -> dict[UUID, int]:
    return dict(messages.order_by().values_list("connection").annotate(Count("id")))


def numbers_of(business: BusinessProfile) -> list[tuple[UUID, str]]:
    """Return (id, name) of each number of the business. One query."""
    rows = connections.connections_of(business).defer("session_data", "qr_code", "pairing_code")
    return [(number.pk, number.display_name) for number in rows]


def conversations_with(connection_ids: Collection[UUID]) -> QuerySet[Any]:
    """Return the conversations of these numbers, for a filter by `contact_id`."""
    return Conversation.objects.filter(connection_id__in=list(connection_ids))


def timeline_entries(business_id: UUID, contact_id: UUID, before: datetime, limit: int) -> list[Entry]:
    """Return timeline entries of a contact's messages, newest first, with their URLs."""
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
            _message_url(row.conversation_id, row.pk),
        )
        for row in rows.order_by("-created_at", "-id")[:limit]
    ]


def message_urls(business_id: UUID, message_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the URL of each message in its conversation."""
    rows = Message.objects.filter(business_profile_id=business_id, pk__in=message_ids)
    return {
        key: _message_url(conversation, key)
        for key, conversation in rows.values_list("pk", "conversation_id")
    }


def _message_url(conversation_id: UUID, message_id: UUID) -> str:
    return f"{reverse('messaging:conversation', args=[conversation_id])}?at={message_id}"

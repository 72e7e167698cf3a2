"""Batches of campaign messages: enqueue, hold, resume, cancel, retry.

A few statements per batch. The message row is the queue entry, and the same token never makes a second message.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from accounts.models import BusinessProfile
from connections.services import numbers
from contacts.services import contacts
from core.clock import now
from core.db import bulk
from core.events import publish
from messaging.events import MessageAdded
from messaging.media import media_files as files
from messaging.models import Conversation, MediaFile, Message
from messaging.outbox import transitions
from messaging.services import conversation_summary

Status = Message.Status
_AUTOMATIC = Q(priority__gte=Message.Priority.CAMPAIGN)
"""Messages sent at campaign priority; one that a person retried from its chat has a person's priority."""
HELD = datetime(9999, 1, 1, tzinfo=UTC)
"""`not_before` of a message whose campaign is paused."""


@dataclass(frozen=True)
class CampaignMessage:
    """One message to enqueue.

    token: idempotency key. metadata: stored in Message.metadata.
    """

    contact_id: UUID
    connection_id: UUID
    text: str
    token: str
    expires_at: datetime | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


def enqueue_all(
    business: BusinessProfile, items: Sequence[CampaignMessage], media: MediaFile | None = None
) -> dict[str, UUID]:
    """Queue a batch at campaign priority.

    Returns message ids by token, including those queued earlier. Needs a transaction. The caller has checked texts,
    contacts and numbers.
    """
    known = _known(business, items)
    fresh = [item for item in items if item.token not in known]
    if not fresh:
        return known
    conversation_ids = _ensure_conversations(
        business, {(item.connection_id, item.contact_id) for item in fresh}
    )
    moment = now()
    rows = [
        _row(business, item, conversation_ids[(item.connection_id, item.contact_id)], media, moment)
        for item in fresh
    ]
    bulk.insert(rows)
    conversation_summary.update_all(
        conversation_summary.row_for(row, unread=0, answered=False, reopen=False) for row in rows
    )
    contacts.count_messages(contacts.MessageCount(row.contact_id, 1, moment, moment) for row in rows)
    publish(*(_added(row) for row in rows))
    for connection_id in {row.connection_id for row in rows}:
        numbers.wake_runner_on_commit(connection_id)
    return known | {str(row.client_token): row.pk for row in rows}


def _known(business: BusinessProfile, items: Sequence[CampaignMessage]) -> dict[str, UUID]:
    rows = Message.objects.filter(business_profile=business, client_token__in=[item.token for item in items])
    return {str(token): key for token, key in rows.values_list("client_token", "pk")}


def _ensure_conversations(
    business: BusinessProfile, pairs: Collection[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], UUID]:
    """Return conversation ids by (number, contact), created if missing."""
    by_number: dict[UUID, set[UUID]] = defaultdict(set)
    for connection_id, contact_id in pairs:
        by_number[connection_id].add(contact_id)
    conversation_ids: dict[tuple[UUID, UUID], UUID] = {}
    for connection_id, contact_ids in by_number.items():
        rows = Conversation.objects.filter(connection_id=connection_id, contact_id__in=contact_ids)
        by_contact = dict(rows.values_list("contact_id", "id"))
        missing = sorted(contact_ids - by_contact.keys())
        if missing:
            Conversation.objects.bulk_create(
                [
                    Conversation(business_profile=business, connection_id=connection_id, contact_id=key)
                    for key in missing
                ],
                ignore_conflicts=True,
            )
            by_contact = dict(rows.all().values_list("contact_id", "id"))
        conversation_ids |= {(connection_id, contact_id): key for contact_id, key in by_contact.items()}
    return conversation_ids


def _row(
    business: BusinessProfile,
    item: CampaignMessage,
    conversation_id: UUID,
    media: MediaFile | None,
    moment: datetime,
) -> Message:
    return Message(
        business_profile=business,
        contact_id=item.contact_id,
        conversation_id=conversation_id,
        connection_id=item.connection_id,
        direction=Message.Direction.OUTBOUND,
        message_type=media.kind if media else Message.Type.TEXT,
        content=item.text,
        media=media,
        media_url=files.url_of(media) if media else "",
        status=Status.QUEUED,
        origin=Message.Origin.CAMPAIGN,
        client_token=item.token,
        priority=Message.Priority.CAMPAIGN,
        expires_at=item.expires_at,
        metadata=item.metadata,
        created_at=moment,
    )


def _added(row: Message) -> MessageAdded:
    return MessageAdded(
        business_id=row.business_profile_id,
        message_id=row.pk,
        conversation_id=row.conversation_id,
        contact_id=row.contact_id,
        connection_id=row.connection_id,
        origin=row.origin,
    )


def hold(message_ids: Collection[UUID]) -> int:
    """Hold queued messages, claimed ones included, except those retried by a person.

    Returns how many.
    """
    rows = Message.objects.filter(_AUTOMATIC, pk__in=message_ids, status=Status.QUEUED)
    return rows.update(not_before=HELD, claim_epoch=0)


def resume(message_ids: Collection[UUID]) -> int:
    """Release held messages. Returns how many."""
    rows = Message.objects.filter(pk__in=message_ids, status=Status.QUEUED, not_before=HELD)
    count = rows.update(not_before=None)
    _wake_runners_of(message_ids)
    return count


def cancel(message_ids: Collection[UUID], code: str = "") -> int:
    """Cancel those that are queued, with `code` as the reason. Returns how many."""
    rows = Message.objects.filter(pk__in=message_ids, status=Status.QUEUED)
    with transaction.atomic():
        return len(transitions.move(rows, Status.CANCELLED, error_code=code, claim_epoch=0, updated_at=now()))


def cancel_automatic(message_ids: Collection[UUID]) -> int:
    """Cancel queued messages, except those retried by a person. Returns how many."""
    rows = Message.objects.filter(_AUTOMATIC, pk__in=message_ids, status=Status.QUEUED)
    return cancel(list(rows.values_list("pk", flat=True)))


def retry(message_ids: Collection[UUID]) -> int:
    """Queue failed messages again, at campaign priority.

    Keeps their WhatsApp ids. Returns how many.
    """
    rows = Message.objects.filter(pk__in=message_ids, status=Status.FAILED)
    with transaction.atomic():
        changed = transitions.move(
            rows,
            Status.QUEUED,
            **transitions.QUEUED_AGAIN,
            priority=Message.Priority.CAMPAIGN,
            updated_at=now(),
        )
        transitions.wake_runners(changed)
    return len(changed)


def _wake_runners_of(message_ids: Collection[UUID]) -> None:
    rows = Message.objects.filter(pk__in=message_ids).order_by()
    for connection_id in rows.values_list("connection_id", flat=True).distinct():
        numbers.wake_runner_on_commit(connection_id)

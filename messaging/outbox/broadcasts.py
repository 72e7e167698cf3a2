"""Many messages at once, for campaigns: queue, hold, let go, take back, send again. A few statements a batch.

The rules are the outbox's: the message row is the queue entry, and the same token again makes no second message.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from accounts.models import BusinessProfile
from contacts.services import contacts
from core.clock import now
from core.db import bulk
from core.events import publish
from messaging.events import MessageAdded, MessageStatusChanged
from messaging.media import media_files as files
from messaging.models import Conversation, MediaFile, Message
from messaging.services import conversation_summary
from messaging.services.conversations import ring

Status = Message.Status
_BY_ITSELF = Q(priority__gte=Message.Priority.CAMPAIGN)
"""Messages that go out because the campaign does. One that somebody sends again from its chat is that person's."""
HELD = datetime(9999, 1, 1, tzinfo=UTC)
"""`not_before` of a message whose campaign is paused: not until somebody lets it go."""


@dataclass(frozen=True)
class Letter:
    """One message of a broadcast. token: makes it one message, however often it is queued. about: its metadata."""

    contact_id: UUID
    connection_id: UUID
    text: str
    token: str
    expires_at: datetime | None = None
    about: dict[str, Any] = field(default_factory=dict)


def enqueue_all(
    business: BusinessProfile, letters: Sequence[Letter], media: MediaFile | None = None
) -> dict[str, UUID]:
    """Queue a batch with campaign priority; returns the message of each token, old ones included.

    Must be called inside a transaction. The caller has checked texts, people and numbers.
    """
    known = _known(business, letters)
    fresh = [letter for letter in letters if letter.token not in known]
    if not fresh:
        return known
    places = _conversations(business, {(letter.connection_id, letter.contact_id) for letter in fresh})
    moment = now()
    rows = [
        _row(business, letter, places[(letter.connection_id, letter.contact_id)], media, moment)
        for letter in fresh
    ]
    bulk.insert(rows)
    conversation_summary.show_all(
        conversation_summary.columns(row, unread=0, answered=False, reopen=False) for row in rows
    )
    contacts.count_messages(contacts.Talked(row.contact_id, 1, moment, moment) for row in rows)
    publish(*(_added(row) for row in rows))
    for connection_id in {row.connection_id for row in rows}:
        ring(connection_id)
    return known | {str(row.client_token): row.pk for row in rows}


def _known(business: BusinessProfile, letters: Sequence[Letter]) -> dict[str, UUID]:
    rows = Message.objects.filter(
        business_profile=business, client_token__in=[letter.token for letter in letters]
    )
    return {str(token): key for token, key in rows.values_list("client_token", "pk")}


def _conversations(
    business: BusinessProfile, wanted: Collection[tuple[UUID, UUID]]
) -> dict[tuple[UUID, UUID], UUID]:
    """Conversation of each (number, contact), made if missing."""
    by_number: dict[UUID, set[UUID]] = defaultdict(set)
    for connection_id, contact_id in wanted:
        by_number[connection_id].add(contact_id)
    found: dict[tuple[UUID, UUID], UUID] = {}
    for connection_id, contact_ids in by_number.items():
        rows = Conversation.objects.filter(connection_id=connection_id, contact_id__in=contact_ids)
        places = dict(rows.values_list("contact_id", "id"))
        missing = sorted(contact_ids - places.keys())
        if missing:
            Conversation.objects.bulk_create(
                [
                    Conversation(business_profile=business, connection_id=connection_id, contact_id=key)
                    for key in missing
                ],
                ignore_conflicts=True,
            )
            places = dict(rows.all().values_list("contact_id", "id"))
        found |= {(connection_id, contact_id): key for contact_id, key in places.items()}
    return found


def _row(
    business: BusinessProfile,
    letter: Letter,
    conversation_id: UUID,
    media: MediaFile | None,
    moment: datetime,
) -> Message:
    return Message(
        business_profile=business,
        contact_id=letter.contact_id,
        conversation_id=conversation_id,
        connection_id=letter.connection_id,
        direction=Message.Direction.OUTBOUND,
        message_type=media.kind if media else Message.Type.TEXT,
        content=letter.text,
        media=media,
        media_url=files.url_of(media) if media else "",
        status=Status.QUEUED,
        origin=Message.Origin.CAMPAIGN,
        client_token=letter.token,
        priority=Message.Priority.CAMPAIGN,
        expires_at=letter.expires_at,
        metadata=letter.about,
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
    """Keep back those that have not begun to leave, also those that a runner has claimed; not those that a person has
    sent again. Returns how many.
    """
    rows = Message.objects.filter(_BY_ITSELF, pk__in=message_ids, status=Status.QUEUED)
    return rows.update(not_before=HELD, claim_epoch=0)


def let_go(message_ids: Collection[UUID]) -> int:
    """What was held may leave again."""
    rows = Message.objects.filter(pk__in=message_ids, status=Status.QUEUED, not_before=HELD)
    count = rows.update(not_before=None)
    _ring_for(message_ids)
    return count


def withdraw(message_ids: Collection[UUID], code: str = "") -> int:
    """Take back those that still wait; their sender hears of it by the event. Returns how many."""
    return _move(message_ids, (Status.QUEUED,), Status.CANCELLED, code, {"claim_epoch": 0})


def call_off(message_ids: Collection[UUID]) -> int:
    """Take back those that still wait and that no person has sent again. Returns how many."""
    rows = Message.objects.filter(_BY_ITSELF, pk__in=message_ids, status=Status.QUEUED)
    return withdraw(list(rows.values_list("pk", flat=True)))


def send_again(message_ids: Collection[UUID]) -> int:
    """Those that failed go back into the outbox, under the same WhatsApp ids and at the campaign's pace."""
    fields = {
        "attempts": 0,
        "claim_epoch": 0,
        "not_before": None,
        "expires_at": None,
        "sending_since": None,
        "error_message": "",
        "priority": Message.Priority.CAMPAIGN,
    }
    count = _move(message_ids, (Status.FAILED,), Status.QUEUED, "", fields)
    _ring_for(message_ids)
    return count


def _move(
    message_ids: Collection[UUID], allowed: Iterable[str], status: str, code: str, fields: dict[str, Any]
) -> int:
    """Compare-and-set of many, with previews and events."""
    with transaction.atomic():
        locked = Message.objects.select_for_update(no_key=True).filter(
            pk__in=message_ids, status__in=list(allowed)
        )
        rows = list(locked.order_by("pk").only(*_TOLD))
        if not rows:
            return 0
        Message.objects.filter(pk__in=[row.pk for row in rows]).update(
            status=status, error_code=code, updated_at=now(), **fields
        )
        conversation_summary.show_statuses((row.conversation_id, row.pk, status) for row in rows)
        publish(
            *(
                MessageStatusChanged(
                    business_id=row.business_profile_id,
                    message_id=row.pk,
                    conversation_id=row.conversation_id,
                    connection_id=row.connection_id,
                    status=status,
                    error_code=code,
                )
                for row in rows
            )
        )
    return len(rows)


_TOLD = ("business_profile", "conversation", "connection", "status")


def _ring_for(message_ids: Collection[UUID]) -> None:
    rows = Message.objects.filter(pk__in=message_ids).order_by()
    for connection_id in rows.values_list("connection_id", flat=True).distinct():
        ring(connection_id)

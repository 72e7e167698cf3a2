"""Start, read, assign, close and reopen conversations; save drafts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from accounts.models import BusinessProfile, Membership, User
from accounts.services import audit
from connections.models import WhatsAppConnection
from connections.services import numbers
from contacts.services import contacts
from core.clock import now
from core.errors import InvalidInput, NotFound
from core.events import publish
from messaging.events import ConversationChanged
from messaging.inbox import selectors
from messaging.models import Conversation, Draft
from messaging.services import conversation_events

State = Conversation.State


def start(
    business: BusinessProfile, connection: WhatsAppConnection, phone: str, name: str = ""
) -> Conversation:
    """Return the conversation with `phone`, created if there is none.

    phone: any format. Raises NotFound for another business's number, InvalidInput("invalid_phone_number").
    """
    if connection.business_profile_id != business.pk:
        raise NotFound("This number")
    with transaction.atomic():
        contact = contacts.find_or_create(business, phone, name=name)
        return ensure(business, connection.pk, contact.pk)


def ensure(business: BusinessProfile, connection_id: UUID, contact_id: UUID) -> Conversation:
    """Return the only conversation of a number with a contact, created if missing.

    Safe against concurrency.
    """
    conversation, _ = Conversation.objects.get_or_create(
        connection_id=connection_id, contact_id=contact_id, defaults={"business_profile": business}
    )
    return conversation


def mark_read(business: BusinessProfile, conversation: Conversation, actor: User) -> None:
    """Reset the unread count and request a read receipt. No-op if nothing is unread."""
    moment = now()
    with transaction.atomic():
        changed = (
            _rows(business, conversation)
            .filter(unread_count__gt=0)
            .update(unread_count=0, last_read_at=moment, receipt_wanted=True, updated_at=moment)
        )
        if not changed:
            _check(business, conversation)
            return
        _announce(business, conversation)
        numbers.wake_runner_on_commit(conversation.connection_id)
    conversation.unread_count, conversation.last_read_at, conversation.receipt_wanted = 0, moment, True


def assign(
    business: BusinessProfile, conversation: Conversation, actor: User, assignee: User | None
) -> Conversation:
    """Assign the conversation to a member; None: unassign.

    Raises InvalidInput("not_a_member").
    """
    if assignee and not Membership.objects.filter(business_profile=business, user=assignee).exists():
        raise InvalidInput("not_a_member", "This person is not in your team any more.", field="assignee")
    return _change(
        business,
        conversation,
        actor,
        "conversation.assigned",
        {"assigned_to": assignee},
        assignee=str(assignee.pk) if assignee else None,
    )


def close(business: BusinessProfile, conversation: Conversation, actor: User) -> Conversation:
    """Close the conversation. A new inbound message reopens it."""
    return _set_state(business, conversation, actor, "conversation.closed", State.CLOSED)


def reopen(business: BusinessProfile, conversation: Conversation, actor: User) -> Conversation:
    """Reopen a closed conversation. No-op if it is open."""
    return _set_state(business, conversation, actor, "conversation.reopened", State.OPEN)


def _set_state(
    business: BusinessProfile, conversation: Conversation, actor: User, action: str, state: str
) -> Conversation:
    """Set the state and record the event. Of two concurrent calls, one records it."""
    with transaction.atomic():
        held = _rows(business, conversation).select_for_update(no_key=True).values_list("state", flat=True)
        before = held.first()
        changed = _change(business, conversation, actor, action, {"state": state})
        if before != state:
            conversation_events.record(changed, actor)
    return changed


def change(
    business: BusinessProfile, conversation_id: UUID, actor: User, changes: Mapping[str, Any]
) -> Conversation:
    """Apply `state` and `assigned_to_id`, as far as they are in `changes`.

    Raises NotFound, InvalidInput("not_a_member").
    """
    with transaction.atomic():
        conversation = selectors.get_conversation(business, conversation_id)
        if "assigned_to_id" in changes:
            conversation = assign(business, conversation, actor, _member(business, changes["assigned_to_id"]))
        if "state" in changes:
            verb = close if changes["state"] == State.CLOSED else reopen
            conversation = verb(business, conversation, actor)
    return conversation


def _member(business: BusinessProfile, user_id: UUID | None) -> User | None:
    if user_id is None:
        return None
    member = User.objects.filter(pk=user_id, memberships__business_profile=business).first()
    if member is None:
        raise InvalidInput("not_a_member", "This person is not in your team.", field="assignedToId")
    return member


def save_draft(business: BusinessProfile, conversation: Conversation, user: User, text: str) -> None:
    """Save the draft of `user`; empty text deletes it.

    Raises InvalidInput("message_too_long").
    """
    _check(business, conversation)
    if len(text) > settings.MESSAGE_MAX_LENGTH:
        raise InvalidInput("message_too_long", "This draft is too long to be kept.", field="text")
    text = text.replace("\x00", "")
    if text.strip():
        Draft.objects.update_or_create(conversation=conversation, user=user, defaults={"text": text})
    else:
        Draft.objects.filter(conversation=conversation, user=user).delete()


def _change(
    business: BusinessProfile,
    conversation: Conversation,
    actor: User,
    action: str,
    fields: dict[str, object],
    **data: object,
) -> Conversation:
    """Save `fields` if they differ, with an audit entry and the event."""
    conversation = selectors.get_conversation(business, conversation.pk)
    if all(getattr(conversation, name) == value for name, value in fields.items()):
        return conversation
    with transaction.atomic():
        _rows(business, conversation).update(**fields, updated_at=now())
        audit.record(business, actor, action, conversation, **data)
        _announce(business, conversation)
    for name, value in fields.items():
        setattr(conversation, name, value)
    return conversation


def _rows(business: BusinessProfile, conversation: Conversation) -> QuerySet[Conversation]:
    return Conversation.objects.filter(business_profile=business, pk=conversation.pk)


def _check(business: BusinessProfile, conversation: Conversation) -> None:
    if conversation.business_profile_id != business.pk:
        raise NotFound("This conversation")


def _announce(business: BusinessProfile, conversation: Conversation) -> None:
    publish(ConversationChanged(business_id=business.pk, conversation_id=conversation.pk))

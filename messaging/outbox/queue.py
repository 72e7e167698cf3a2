"""Enqueue, retry and cancel outbound messages.

The message row is the queue entry. The number's session runner takes it from there (outbox/dispatch.py).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction

from accounts.models import BusinessProfile, User
from accounts.services import audit
from connections.services import numbers
from contacts.services import contacts
from core.clock import now
from core.errors import Conflict, InvalidInput, NotFound
from core.events import publish
from messaging.events import MessageAdded
from messaging.media import media_files as files
from messaging.models import Conversation, MediaFile, Message
from messaging.outbox import states, transitions
from messaging.services import conversation_summary

Status = Message.Status


def enqueue(
    business: BusinessProfile,
    conversation: Conversation,
    *,
    sender: User | None = None,
    text: str = "",
    media: MediaFile | None = None,
    reply_to: Message | None = None,
    client_token: str | None = None,
    origin: str = Message.Origin.INBOX,
    priority: int = Message.Priority.PERSON,
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
) -> Message:
    """Queue a message.

    The number may be disconnected: it leaves when the number is back. text: the message, or the caption of `media`.
    client_token: the sender's key for this message (up to 64 characters); the same token again returns the message it
    made. Raises NotFound for what belongs to another business, InvalidInput ("empty_message", "message_too_long",
    "media_not_ready", "invalid_client_token"), Conflict("token_reused").
    """
    text = _checked_text(text, media)
    _check_ownership(business, conversation, media, reply_to)
    if client_token is not None and not 0 < len(client_token) <= 64:
        raise InvalidInput(
            "invalid_client_token", "A message's token has 1 to 64 characters.", field="client_token"
        )
    message = Message(
        business_profile=business,
        contact_id=conversation.contact_id,
        conversation=conversation,
        connection_id=conversation.connection_id,
        direction=Message.Direction.OUTBOUND,
        message_type=media.kind if media else Message.Type.TEXT,
        content=text,
        media=media,
        media_url=files.url_of(media) if media else "",
        status=Status.QUEUED,
        origin=origin,
        sender=sender,
        reply_to_wa_id=(reply_to.whatsapp_message_id or "") if reply_to else "",
        client_token=client_token,
        priority=priority,
        not_before=not_before,
        expires_at=expires_at,
        created_at=now(),
    )
    return _find_by_token(business, conversation, client_token) or _insert(business, conversation, message)


def _checked_text(text: str, media: MediaFile | None) -> str:
    text = text.replace("\x00", "").replace("\r\n", "\n").rstrip()
    if not text.strip() and media is None:
        raise InvalidInput("empty_message", "Write something or add a file.", field="text")
    if len(text) > settings.MESSAGE_MAX_LENGTH:
        raise InvalidInput(
            "message_too_long",
            f"A message has at most {settings.MESSAGE_MAX_LENGTH:,} characters; this one has {len(text):,}. "
            "Shorten it, or send it as a file.",
            field="text",
        )
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(
            "invalid_text", "This text holds half a character that cannot be sent.", field="text"
        ) from None
    return text


def _check_ownership(
    business: BusinessProfile, conversation: Conversation, media: MediaFile | None, reply_to: Message | None
) -> None:
    if conversation.business_profile_id != business.pk:
        raise NotFound("This conversation")
    if media and media.business_profile_id != business.pk:
        raise NotFound("This file")
    if media and media.state != MediaFile.State.READY:
        raise InvalidInput("media_not_ready", "This file is not available. Upload it again.", field="media")
    if reply_to and (
        reply_to.business_profile_id != business.pk or reply_to.conversation_id != conversation.pk
    ):
        raise NotFound("The message you answer")


def _find_by_token(
    business: BusinessProfile, conversation: Conversation, token: str | None
) -> Message | None:
    """Return the message that was queued with this token.

    Raises Conflict if it is in another conversation.
    """
    if token is None:
        return None
    message = (
        Message.objects.select_related("media", "sender")
        .filter(business_profile=business, client_token=token)
        .first()
    )
    if message and message.conversation_id != conversation.pk:
        raise Conflict(
            "token_reused", "This token has already been used for a message in another conversation."
        )
    return message


def _insert(business: BusinessProfile, conversation: Conversation, message: Message) -> Message:
    try:
        with transaction.atomic():
            message.save(force_insert=True)
            conversation_summary.update(message)
            talked = contacts.MessageCount(message.contact_id, 1, message.created_at, message.created_at)
            contacts.count_messages([talked])
            publish(_added(message))
            numbers.wake_runner_on_commit(message.connection_id)
    except IntegrityError:
        existing = _find_by_token(business, conversation, message.client_token)
        if existing is None:
            raise
        return existing
    return message


def _added(message: Message) -> MessageAdded:
    return MessageAdded(
        business_id=message.business_profile_id,
        message_id=message.pk,
        conversation_id=message.conversation_id,
        contact_id=message.contact_id,
        connection_id=message.connection_id,
        origin=message.origin,
    )


def retry(business: BusinessProfile, message: Message, actor: User) -> Message:
    """Queue the message again. It keeps its WhatsApp id, so it cannot arrive twice.

    Raises Conflict("not_retryable") unless its status is `failed` or `unknown`.
    """
    fields = {**transitions.QUEUED_AGAIN, "priority": Message.Priority.PERSON}
    if not _move(business, message, actor, "message.retried", states.RETRYABLE, Status.QUEUED, **fields):
        raise Conflict("not_retryable", "Only a message that was not sent can be sent again.")
    message.refresh_from_db()
    return message


def cancel(business: BusinessProfile, message: Message, actor: User) -> Message:
    """Cancel a queued message.

    Raises Conflict("already_sent") if it is no longer queued.
    """
    fields = {"claim_epoch": 0}
    if not _move(business, message, actor, "message.cancelled", (Status.QUEUED,), Status.CANCELLED, **fields):
        raise Conflict("already_sent", "This message is no longer waiting, so it cannot be cancelled.")
    message.refresh_from_db()
    return message


def _move(
    business: BusinessProfile,
    message: Message,
    actor: User,
    action: str,
    allowed: tuple[str, ...],
    status: str,
    **fields: Any,
) -> bool:
    """Make a person's transition and record it in the audit log.

    False: the message has no allowed status.
    """
    if message.business_profile_id != business.pk:
        raise NotFound("This message")
    rows = Message.objects.filter(pk=message.pk, direction=Message.Direction.OUTBOUND, status__in=allowed)
    with transaction.atomic():
        changed = transitions.move(rows, status, updated_at=now(), **fields)
        if changed:
            audit.record(business, actor, action, message)
            transitions.wake_runners(changed)
    return bool(changed)

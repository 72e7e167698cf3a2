"""Sending through the API.

To a phone number, contact or conversation, with a file by URL or upload.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction

from accounts.models import BusinessProfile, User
from connections import selectors as numbers
from connections.models import WhatsAppConnection
from contacts import selectors as people
from contacts.services import contacts
from core import http
from core.errors import Conflict, InvalidInput, NotFound
from messaging.inbox import selectors
from messaging.media import media_files
from messaging.models import Conversation, MediaFile, Message
from messaging.outbox import queue
from messaging.services import conversations

URL_MAX_BYTES = 16 * 1024 * 1024
_LIMITS = http.Limits(total=30.0, max_bytes=URL_MAX_BYTES)
POLL_SECONDS = 0.1
"""Interval at which a message is reloaded while a request waits for its result."""
_PENDING = (Message.Status.QUEUED, Message.Status.SENDING)
_waiting = threading.BoundedSemaphore(max(1, settings.WEB_THREADS // 2))
"""A waiting request occupies a web thread, so at most half of them may wait."""


@dataclass(frozen=True, kw_only=True)
class SendRequest:
    """A message to send.

    Exactly one of phone_number, contact_id and conversation_id is set.
    """

    phone_number: str = ""
    contact_id: UUID | None = None
    conversation_id: UUID | None = None
    connection_id: UUID | None = None
    message: str = ""
    media_url: str = ""
    media_id: UUID | None = None
    reply_to_id: UUID | None = None


def send(
    business: BusinessProfile,
    actor: User,
    request: SendRequest,
    *,
    sender: User | None,
    client_token: str | None,
) -> Message:
    """Enqueue the message.

    The file of `media_url` is downloaded first, outside of any transaction. sender: None for a program. client_token:
    as in `queue.enqueue`. Raises NotFound, InvalidInput, Conflict("no_number") and the errors of `fetch_media`.
    """
    _check(request)
    file = _file(business, actor, request)
    with transaction.atomic():
        conversation = _conversation(business, request)
        reply_to = selectors.get_message(business, request.reply_to_id) if request.reply_to_id else None
        return queue.enqueue(
            business,
            conversation,
            sender=sender,
            text=request.message,
            media=file,
            reply_to=reply_to,
            client_token=client_token,
            origin=Message.Origin.API,
            priority=Message.Priority.API,
        )


def wait_for_result(message: Message, seconds: float) -> Message:
    """Wait until the message was sent or has failed, at most `seconds`.

    Returns at once if too many requests wait.
    """
    if seconds <= 0 or not _waiting.acquire(blocking=False):
        return message
    try:
        deadline = time.monotonic() + seconds
        while message.status in _PENDING and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
            message.refresh_from_db(fields=["status", "error_code", "error_message"])
    finally:
        _waiting.release()
    return message


def fetch_media(business: BusinessProfile, actor: User, url: str) -> MediaFile:
    """Download the file at a public https URL and store it like an upload.

    Not for use inside a transaction. Raises OutboundError, the errors of `media_files.store_upload`, and
    InvalidInput("media_unavailable") for a status other than 200.
    """
    try:
        answer = http.request("GET", url, limits=_LIMITS)
    except http.Blocked as error:
        raise InvalidInput(error.code, error.message, field="mediaUrl") from None
    if answer.status != 200:
        raise InvalidInput(
            "media_unavailable",
            f"The address answered with {answer.status}, not with a file.",
            field="mediaUrl",
        )
    name = unquote(urlsplit(url).path.rpartition("/")[2]) or "file"
    return media_files.store_upload(business, actor, SimpleUploadedFile(name, answer.body))


def _check(request: SendRequest) -> None:
    targets = [request.phone_number, request.contact_id, request.conversation_id]
    if len([target for target in targets if target]) != 1:
        raise InvalidInput(
            "no_recipient", "Send to one of phoneNumber, contactId and conversationId.", field="phoneNumber"
        )
    if request.media_url and request.media_id:
        raise InvalidInput("two_files", "Send either mediaUrl or mediaId.", field="mediaUrl")
    if not request.message.strip() and not request.media_url and not request.media_id:
        raise InvalidInput("empty_message", "Write a message or add a file.", field="message")


def _file(business: BusinessProfile, actor: User, request: SendRequest) -> MediaFile | None:
    if request.media_url:
        return fetch_media(business, actor, request.media_url)
    return media_files.get_media(business, request.media_id) if request.media_id else None


def _conversation(business: BusinessProfile, request: SendRequest) -> Conversation:
    if request.conversation_id:
        conversation = selectors.get_conversation(business, request.conversation_id)
        if request.connection_id not in (None, conversation.connection_id):
            raise NotFound("This conversation")
        return conversation
    if request.contact_id:
        contact = people.get_contact(business, request.contact_id)
    else:
        contact = contacts.find_or_create(business, request.phone_number)
    return conversations.ensure(business, _number(business, request, contact.pk), contact.pk)


def _number(business: BusinessProfile, request: SendRequest, contact_id: UUID) -> UUID:
    """Choose the number to send from.

    The given one, that of the latest conversation, or the default one.
    """
    if request.connection_id:
        return numbers.get_connection(business, request.connection_id).pk
    last = selectors.latest_connection(business, contact_id)
    chosen: WhatsAppConnection | None = None if last else numbers.default_connection(business)
    if last is None and chosen is None:
        raise Conflict("no_number", "Connect a WhatsApp number first.")
    return last or chosen.pk  # type: ignore[union-attr]

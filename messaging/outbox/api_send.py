"""Sending as programs ask for it: to a number, a person or a conversation, with a file from an address or an upload."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any
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
LOOK_EVERY = 0.1
"""Seconds between two looks at a message whose sender waits."""
ON_ITS_WAY = (Message.Status.QUEUED, Message.Status.SENDING)
_waiting = threading.BoundedSemaphore(max(1, settings.WEB_THREADS // 2))
"""Who waits holds one of the threads that answer everybody, so only half of them may."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to send to whom: exactly one of phone_number, contact_id and conversation_id."""

    phone_number: str = ""
    contact_id: UUID | None = None
    conversation_id: UUID | None = None
    connection_id: UUID | None = None
    message: str = ""
    media_url: str = ""
    media_id: UUID | None = None
    reply_to_id: UUID | None = None


def send(
    business: BusinessProfile, actor: User, order: Order, *, sender: User | None, client_token: str | None
) -> Message:
    """Queue it. The file of `media_url` is fetched first, outside of any transaction.

    sender: the person it is from; None: a program. client_token: as in `outbox.enqueue`.
    Raises NotFound, InvalidInput, Conflict("no_number"), and what fetching and storing a file raise.
    """
    _check(order)
    file = _file(business, actor, order)
    with transaction.atomic():
        conversation = _conversation(business, order)
        reply_to = selectors.get_message(business, order.reply_to_id) if order.reply_to_id else None
        return queue.enqueue(
            business,
            conversation,
            sender=sender,
            text=order.message,
            media=file,
            reply_to=reply_to,
            client_token=client_token,
            origin=Message.Origin.API,
            priority=Message.Priority.API,
        )


def settled(message: Message, seconds: float) -> Message:
    """The message when it has left or failed, or after `seconds`. At once when too many wait already."""
    if seconds <= 0 or not _waiting.acquire(blocking=False):
        return message
    try:
        deadline = time.monotonic() + seconds
        while message.status in ON_ITS_WAY and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY)
            message.refresh_from_db(fields=["status", "error_code", "error_message"])
    finally:
        _waiting.release()
    return message


def fetch(business: BusinessProfile, actor: User, url: str) -> MediaFile:
    """The file at a public https address, kept like an upload. Call it outside of transactions.

    Raises OutboundError, InvalidInput as `media.store_upload`, and ("media_unavailable") for an answer that is no 200.
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


def _check(order: Order) -> None:
    targets = [order.phone_number, order.contact_id, order.conversation_id]
    if len([target for target in targets if target]) != 1:
        raise InvalidInput(
            "no_recipient", "Send to one of phoneNumber, contactId and conversationId.", field="phoneNumber"
        )
    if order.media_url and order.media_id:
        raise InvalidInput("two_files", "Send either mediaUrl or mediaId.", field="mediaUrl")
    if not order.message.strip() and not order.media_url and not order.media_id:
        raise InvalidInput("empty_message", "Write a message or add a file.", field="message")


def _file(business: BusinessProfile, actor: User, order: Order) -> MediaFile | None:
    if order.media_url:
        return fetch(business, actor, order.media_url)
    return selectors.get_media(business, order.media_id) if order.media_id else None


def _conversation(business: BusinessProfile, order: Order) -> Conversation:
    if order.conversation_id:
        found = selectors.get_conversation(business, order.conversation_id)
        if order.connection_id not in (None, found.connection_id):
            raise NotFound("This conversation")
        return found
    if order.contact_id:
        contact = people.get_contact(business, order.contact_id)
    else:
        contact = contacts.find_or_create(business, order.phone_number)
    return conversations.ensure(business, _number(business, order, contact.pk), contact.pk)


def _number(business: BusinessProfile, order: Order, contact_id: UUID) -> UUID:
    """The number to send from: the one named, the one they last talked with, the default one."""
    if order.connection_id:
        return numbers.get_connection(business, order.connection_id).pk
    last = selectors.latest_connection(business, contact_id)
    chosen: WhatsAppConnection | None = None if last else numbers.default_connection(business)
    if last is None and chosen is None:
        raise Conflict("no_number", "Connect a WhatsApp number first.")
    return last or chosen.pk  # type: ignore[union-attr]


def order_of(given: dict[str, Any]) -> Order:
    """An order from checked input."""
    return Order(**given)

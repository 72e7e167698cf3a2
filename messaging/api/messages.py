"""API endpoints of messages and media."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.http import FileResponse, HttpResponse
from django.utils.http import content_disposition_header
from rest_framework.request import Request

from accounts.api.base import Endpoint
from accounts.api.idempotency import token_of
from accounts.api.operations import operation
from accounts.roles import Can
from accounts.scopes import Resource
from messaging.api import serializers
from messaging.inbox import api_queries, downloads, selectors
from messaging.media import media_files
from messaging.models import Message
from messaging.outbox import api_send, queue
from messaging.services import conversations

_SEND = {"phoneNumber": "+9992000000123", "message": "Hello from WhatsFlow!"}


class Messages(Endpoint):
    """Inbound and outbound messages."""

    section = "Messages"
    resource = Resource.MESSAGES
    capability = Can.REPLY
    cursor_ordering = ("-created_at", "-id")

    @operation(
        "List messages",
        answer=serializers.MessageSerializer,
        many=True,
        pages="cursor",
        query=serializers.MessageQuery,
        ordering={"createdAt": ("created_at", "id")},
    )
    def list(self, request: Request) -> Any:
        """Newest first."""
        return api_queries.messages(self.business, self.query)

    @operation(
        "List a contact's messages",
        answer=serializers.MessageSerializer,
        many=True,
        pages="cursor",
        ordering={"createdAt": ("created_at", "id")},
    )
    def of_contact(self, request: Request, contact_id: UUID) -> Any:
        """Messages of all conversations with the contact, newest first."""
        return api_queries.messages_of(self.business, contact_id)

    @operation(
        "List a conversation's messages",
        answer=serializers.MessageSerializer,
        many=True,
        pages="cursor",
        ordering={"createdAt": ("created_at", "id")},
    )
    def of_conversation(self, request: Request, conversation_id: UUID) -> Any:
        """Newest first."""
        conversation = selectors.get_conversation(self.business, conversation_id)
        return api_queries.messages(self.business, {"conversation_id": conversation.pk})

    @operation("Get a message", answer=serializers.MessageSerializer)
    def retrieve(self, request: Request, message_id: UUID) -> Message:
        """One message with its status."""
        return selectors.get_message(self.business, message_id)

    @operation(
        "Send a message",
        body=serializers.SendBody,
        answer=serializers.SentSerializer,
        query=serializers.SendQuery,
        status=201,
        fails=(502, 504, 507),
        example=_SEND,
    )
    def send(self, request: Request) -> Message:
        """Queue a message. It is sent once the number is connected.

        Follow its status by `?wait=`, GET /messages/{messageId} or webhooks. Send an Idempotency-Key, so that a retry
        after a lost response does not send the message twice.
        """
        message = api_send.send(
            self.business,
            self.user,
            api_send.SendRequest(**self.data),
            sender=None if self.access.key else self.user,
            client_token=token_of(request),
        )
        return api_send.wait_for_result(message, self.query.get("wait", 0))

    @operation("Cancel a message", answer=serializers.MessageSerializer)
    def cancel(self, request: Request, message_id: UUID) -> Message:
        """Cancel a queued message; 409 `already_sent` if it has left."""
        message = selectors.get_message(self.business, message_id)
        return queue.cancel(self.business, message, self.user)

    @operation("Send a message again", answer=serializers.MessageSerializer)
    def retry(self, request: Request, message_id: UUID) -> Message:
        """Send a failed or unconfirmed message again, under the same WhatsApp id, so that it cannot arrive twice."""
        message = selectors.get_message(self.business, message_id)
        return queue.retry(self.business, message, self.user)

    @operation("Mark a message as read", answer=serializers.MessageSerializer)
    def read(self, request: Request, message_id: UUID) -> Message:
        """Mark all messages of its conversation as read; the customer sees blue ticks."""
        message = selectors.get_message(self.business, message_id)
        conversations.mark_read(self.business, message.conversation, self.user)
        return message


class Media(Endpoint):
    """Files of messages."""

    section = "Media"
    resource = Resource.MESSAGES
    capability = Can.REPLY

    @operation(
        "Upload a file",
        body=serializers.UploadBody,
        answer=serializers.FileSerializer,
        multipart=True,
        status=201,
        fails=(503, 507),
    )
    def create(self, request: Request) -> Any:
        """Upload a file, to be sent by its id as `mediaId`. A file that no message uses is deleted after a day."""
        return media_files.store_upload(self.business, self.user, self.data["file"])

    @operation("Get a file's data", answer=serializers.FileSerializer)
    def retrieve(self, request: Request, media_id: UUID) -> Any:
        """Kind, type, name and size."""
        return media_files.get_media(self.business, media_id)

    @operation("Download a file", binary="application/octet-stream")
    def content(self, request: Request, media_id: UUID) -> HttpResponse:
        """Download the content of the file."""
        opened = media_files.open_media(self.business, media_id)
        response = cast(HttpResponse, FileResponse(opened.file, content_type="application/octet-stream"))
        response["Content-Disposition"] = (
            content_disposition_header(True, opened.delivery.name) or "attachment"
        )
        for header in ("X-Content-Type-Options", "Content-Security-Policy"):
            response[header] = downloads.HEADERS[header]
        return response

"""API endpoints of quick replies."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.request import Request

from accounts.api.base import Endpoint
from accounts.api.operations import operation
from accounts.roles import Can
from accounts.scopes import Resource
from messaging.api import serializers
from messaging.inbox import quick_reply_queries
from messaging.models import QuickReply
from messaging.services import quick_replies

_HOURS = {"shortcut": "hours", "text": "We are open from 9 to 18, {{name|dear customer}}."}


class QuickReplies(Endpoint):
    """Saved texts for conversations."""

    section = "Conversations"
    resource = Resource.CONVERSATIONS
    capability = Can.REPLY

    def current(self, reply_id: UUID) -> QuickReply:
        """Get the quick reply that If-Match and the ETag are about."""
        return quick_reply_queries.get_quick_reply(self.business, reply_id)

    @operation("List quick replies", answer=serializers.QuickReplySerializer, many=True)
    def list(self, request: Request) -> Any:
        """By shortcut; at most 500."""
        return quick_reply_queries.quick_replies_of(self.business)

    @operation("Get a quick reply", answer=serializers.QuickReplySerializer)
    def retrieve(self, request: Request, reply_id: UUID) -> QuickReply:
        """One quick reply."""
        return self.current(reply_id)

    @operation(
        "Create a quick reply",
        body=serializers.QuickReplyBody,
        answer=serializers.QuickReplySerializer,
        status=201,
        example=_HOURS,
    )
    def create(self, request: Request) -> QuickReply:
        """Create a quick reply, offered in the inbox after a slash."""
        return quick_replies.create(self.business, self.user, **self.data)

    @operation(
        "Replace a quick reply",
        body=serializers.QuickReplyBody,
        answer=serializers.QuickReplySerializer,
        conditional=True,
        example=_HOURS,
    )
    def update(self, request: Request, reply_id: UUID) -> QuickReply:
        """Replace the shortcut and the text."""
        return quick_replies.update(self.current(reply_id), self.user, **self.data)

    @operation(
        "Change a quick reply",
        body=serializers.QuickReplyBody,
        answer=serializers.QuickReplySerializer,
        conditional=True,
        example={"text": "We are open from 9 to 18."},
    )
    def partial_update(self, request: Request, reply_id: UUID) -> QuickReply:
        """Only what is sent changes."""
        reply = self.current(reply_id)
        current = {"shortcut": reply.shortcut, "text": reply.text}
        return quick_replies.update(reply, self.user, **(current | self.data))

    @operation("Delete a quick reply", conditional=True)
    def destroy(self, request: Request, reply_id: UUID) -> None:
        """Delete the quick reply for good."""
        quick_replies.delete(self.current(reply_id), self.user)

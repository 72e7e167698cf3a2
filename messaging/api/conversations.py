"""API endpoints of conversations."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.request import Request

from accounts.api.base import Endpoint
from accounts.api.operations import operation
from accounts.roles import Can
from accounts.scopes import Resource
from messaging.api import serializers
from messaging.inbox import api_queries, selectors
from messaging.models import Conversation
from messaging.services import conversations, typing_notices


class Conversations(Endpoint):
    """Conversations of contacts with the business's numbers."""

    section = "Conversations"
    resource = Resource.CONVERSATIONS
    capability = Can.REPLY
    cursor_ordering = ("-last_message_at", "-id")

    def current(self, conversation_id: UUID) -> Conversation:
        """Get the conversation that If-Match and the ETag are about."""
        return selectors.get_conversation(self.business, conversation_id)

    @operation(
        "List conversations",
        answer=serializers.ConversationSerializer,
        many=True,
        pages="cursor",
        query=serializers.ConversationQuery,
        ordering={"lastMessageAt": ("last_message_at", "id")},
    )
    def list(self, request: Request) -> Any:
        """Latest message first."""
        return api_queries.conversations(self.business, self.query)

    @operation("Get a conversation", answer=serializers.ConversationSerializer)
    def retrieve(self, request: Request, conversation_id: UUID) -> Conversation:
        """One conversation."""
        return selectors.get_conversation(self.business, conversation_id)

    @operation(
        "Change a conversation",
        body=serializers.ConversationBody,
        answer=serializers.ConversationSerializer,
        conditional=True,
        example={"state": "closed"},
    )
    def partial_update(self, request: Request, conversation_id: UUID) -> Conversation:
        """Close, reopen or assign the conversation. A new message of the customer reopens it."""
        return conversations.change(self.business, conversation_id, self.user, self.data)

    @operation("Mark a conversation as read", answer=serializers.ConversationSerializer)
    def read(self, request: Request, conversation_id: UUID) -> Conversation:
        """Mark all messages as read; the customer sees blue ticks."""
        conversation = selectors.get_conversation(self.business, conversation_id)
        conversations.mark_read(self.business, conversation, self.user)
        return conversation

    @operation("Show typing", body=serializers.TypingBody, example={"active": True})
    def typing(self, request: Request, conversation_id: UUID) -> None:
        """Show the customer for eight seconds that somebody is typing, or stop showing it."""
        conversation = selectors.get_conversation(self.business, conversation_id)
        typing_notices.report(self.business, conversation, self.data["active"])

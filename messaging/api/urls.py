"""API URLs of messages, conversations, media and quick replies."""

from django.urls import path

from messaging.api.conversations import Conversations
from messaging.api.messages import Media, Messages
from messaging.api.replies import QuickReplies

urlpatterns = [
    path("messages", Messages.as_view({"get": "list"}), name="messages"),
    path("messages/send", Messages.as_view({"post": "send"}), name="message-send"),
    path(
        "messages/contact/<uuid:contact_id>",
        Messages.as_view({"get": "of_contact"}),
        name="messages-of-contact",
    ),
    path("messages/<uuid:message_id>", Messages.as_view({"get": "retrieve"}), name="message"),
    path("messages/<uuid:message_id>/cancel", Messages.as_view({"post": "cancel"}), name="message-cancel"),
    path("messages/<uuid:message_id>/retry", Messages.as_view({"post": "retry"}), name="message-retry"),
    path("messages/<uuid:message_id>/read", Messages.as_view({"post": "read"}), name="message-read"),
    path("media", Media.as_view({"post": "create"}), name="media"),
    path("media/<uuid:media_id>", Media.as_view({"get": "retrieve"}), name="media-file"),
    path("media/<uuid:media_id>/file", Media.as_view({"get": "content"}), name="media-content"),
    path("conversations", Conversations.as_view({"get": "list"}), name="conversations"),
    path(
        "conversations/<uuid:conversation_id>",
        Conversations.as_view({"get": "retrieve", "patch": "partial_update"}),
        name="conversation",
    ),
    path(
        "conversations/<uuid:conversation_id>/read",
        Conversations.as_view({"post": "read"}),
        name="conversation-read",
    ),
    path(
        "conversations/<uuid:conversation_id>/typing",
        Conversations.as_view({"post": "typing"}),
        name="conversation-typing",
    ),
    path("quick-replies", QuickReplies.as_view({"get": "list", "post": "create"}), name="quick-replies"),
    path(
        "quick-replies/<uuid:reply_id>",
        QuickReplies.as_view(
            {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}
        ),
        name="quick-reply",
    ),
    path(
        "conversations/<uuid:conversation_id>/messages",
        Messages.as_view({"get": "of_conversation"}),
        name="conversation-messages",
    ),
]

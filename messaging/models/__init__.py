"""Conversations and their messages, and the texts that a team keeps ready."""

from messaging.models.messages import (
    THUMBNAIL_MIME,
    ContactPicture,
    Conversation,
    ConversationEvent,
    Draft,
    MediaFile,
    Message,
    ParkedAck,
    media_path,
    thumbnail_path,
)
from messaging.models.replies import QuickReply

__all__ = [
    "THUMBNAIL_MIME",
    "ContactPicture",
    "Conversation",
    "ConversationEvent",
    "Draft",
    "MediaFile",
    "Message",
    "ParkedAck",
    "QuickReply",
    "media_path",
    "thumbnail_path",
]

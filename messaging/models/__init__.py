"""Conversations and their messages, and the texts that a team keeps ready."""

from messaging.models.messages import (
    EDITED,
    REACTIONS,
    REVOKED,
    THUMBNAIL_MIME,
    ContactPicture,
    Conversation,
    ConversationEvent,
    Draft,
    MediaFile,
    Message,
    ParkedAck,
    ParkedChange,
    media_path,
    standing_reactions,
    thumbnail_path,
)
from messaging.models.replies import QuickReply

__all__ = [
    "EDITED",
    "REACTIONS",
    "REVOKED",
    "THUMBNAIL_MIME",
    "ContactPicture",
    "Conversation",
    "ConversationEvent",
    "Draft",
    "MediaFile",
    "Message",
    "ParkedAck",
    "ParkedChange",
    "QuickReply",
    "media_path",
    "standing_reactions",
    "thumbnail_path",
]

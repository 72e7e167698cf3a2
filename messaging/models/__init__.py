"""Models of conversations, messages, media and quick replies."""

from messaging.models.conversations import Conversation, ConversationEvent, Draft
from messaging.models.media import THUMBNAIL_MIME, ContactPicture, MediaFile, media_path, thumbnail_path
from messaging.models.messages import EDITED, REACTIONS, REVOKED, Message, standing_reactions
from messaging.models.parked import ParkedAck, ParkedChange
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

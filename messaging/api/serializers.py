"""API serializers of messages, conversations, media and quick replies."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from core.api.fields import Choice, Flag, Key, Moment, QueryFlag, QueryList, QueryNumber, Text
from core.api.framework import CamelCaseSerializer
from core.phone.phone import TEXT_LENGTH
from messaging.models import Conversation, MediaFile, Message
from messaging.payloads import public_metadata

MAX_WAIT = 10
"""Maximum seconds to wait for a final status."""


class FileSerializer(CamelCaseSerializer):
    """A file of a message. When `state` is ready, download it from GET /media/{mediaId}/file."""

    id = serializers.UUIDField()
    kind = serializers.CharField()
    mime = serializers.CharField()
    name = serializers.CharField()
    size = serializers.IntegerField(help_text="Bytes.")
    state = serializers.ChoiceField(choices=MediaFile.State.choices)
    error_code = serializers.CharField(help_text="Why it is not here, or not yet; else empty.")
    error_message = serializers.CharField(help_text="The same in words.")


class PartnerSerializer(CamelCaseSerializer):
    """Sender or recipient of a message."""

    id = serializers.UUIDField()
    name = serializers.CharField(source="display_name")
    phone_number = serializers.CharField(allow_null=True)


class ReactionSerializer(CamelCaseSerializer):
    """Emoji reaction to a message."""

    emoji = serializers.CharField()
    direction = serializers.ChoiceField(
        choices=Message.Direction.choices, help_text="inbound: the customer's; outbound: yours."
    )
    at = serializers.DateTimeField()


class MessageSerializer(CamelCaseSerializer):
    """An inbound or outbound message."""

    id = serializers.UUIDField()
    connection_id = serializers.UUIDField()
    conversation_id = serializers.UUIDField()
    contact_id = serializers.UUIDField()
    contact = PartnerSerializer()
    whatsapp_message_id = serializers.CharField(allow_null=True)
    direction = serializers.ChoiceField(choices=Message.Direction.choices)
    message_type = serializers.ChoiceField(choices=Message.Type.choices)
    content = serializers.CharField()
    media_url = serializers.CharField()
    media = FileSerializer(allow_null=True)
    status = serializers.ChoiceField(choices=Message.Status.choices)
    origin = serializers.ChoiceField(choices=Message.Origin.choices)
    reply_to_whatsapp_message_id = serializers.CharField(source="reply_to_wa_id")
    is_from_bot = serializers.BooleanField()
    backfilled = serializers.BooleanField(help_text="Came late, by repairing a gap.")
    reactions = ReactionSerializer(many=True, help_text="One of the customer and one of yours at most.")
    edited_at = serializers.DateTimeField(allow_null=True, help_text="When its writer last changed the text.")
    deleted_at = serializers.DateTimeField(
        source="revoked_at",
        allow_null=True,
        help_text="When its writer deleted it for everyone; content and file are gone then.",
    )
    metadata = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField()
    sent_at = serializers.DateTimeField(allow_null=True)
    delivered_at = serializers.DateTimeField(allow_null=True)
    read_at = serializers.DateTimeField(allow_null=True)
    error_code = serializers.CharField()
    error_message = serializers.CharField()

    def get_metadata(self, message: Message) -> dict[str, Any]:
        return public_metadata(message)


class MessageQuery(CamelCaseSerializer):
    """Filter of messages."""

    contact_id = Key(required=False)
    conversation_id = Key(required=False)
    connection_id = Key(required=False)
    direction = Choice(choices=Message.Direction.choices, required=False)
    status = QueryList(child=Choice(choices=Message.Status.choices), required=False)
    message_type = QueryList(child=Choice(choices=Message.Type.choices), required=False)
    origin = QueryList(child=Choice(choices=Message.Origin.choices), required=False)
    created_after = Moment(required=False)
    created_before = Moment(required=False)
    search = Text(max_length=200, required=False, help_text="Every word of it is in the text; see the guide.")


class SendBody(CamelCaseSerializer):
    """A message to send: to `phoneNumber`, `contactId` or `conversationId`; a text, a file or a file with a caption."""

    phone_number = Text(
        max_length=TEXT_LENGTH, required=False, help_text="+ and country code; made a contact if new."
    )
    contact_id = Key(required=False)
    conversation_id = Key(required=False)
    message = Text(max_length=65_536, allow_blank=True, default="", help_text="The text, or the caption.")
    media_url = Text(max_length=2000, required=False, help_text="https address of a file of up to 16 MB.")
    media_id = Key(required=False, help_text="A file from POST /media.")
    reply_to_id = Key(required=False, help_text="The message that this answers.")
    connection_id = Key(required=False, help_text="From which number; else the one they last talked with.")


class SendQuery(CamelCaseSerializer):
    """Time to wait for the result."""

    wait = QueryNumber(
        required=False,
        min_value=0,
        max_value=MAX_WAIT,
        help_text="Seconds to wait until the message has left or failed; the answer tells the status then.",
    )


class SentSerializer(CamelCaseSerializer):
    """A queued message."""

    message_id = serializers.UUIDField(source="id")
    status = serializers.ChoiceField(choices=Message.Status.choices)
    timestamp = serializers.DateTimeField(source="created_at")
    contact_id = serializers.UUIDField()
    conversation_id = serializers.UUIDField()
    connection_id = serializers.UUIDField()
    error_code = serializers.CharField()
    error_message = serializers.CharField()


class UploadBody(CamelCaseSerializer):
    """A file, as multipart/form-data."""

    file = serializers.FileField(
        help_text="Any file; one that WhatsApp does not show or play is sent as a document."
    )


class AssigneeSerializer(CamelCaseSerializer):
    """A member of the team."""

    id = serializers.UUIDField()
    full_name = serializers.CharField()
    email = serializers.EmailField()


class ConversationSerializer(CamelCaseSerializer):
    """Conversation of one contact with one of the business's numbers."""

    id = serializers.UUIDField()
    contact = PartnerSerializer()
    connection_id = serializers.UUIDField()
    state = serializers.ChoiceField(choices=Conversation.State.choices)
    assigned_to = AssigneeSerializer(allow_null=True)
    unread_count = serializers.IntegerField()
    last_message_at = serializers.DateTimeField()
    last_message_id = serializers.UUIDField(allow_null=True)
    preview = serializers.CharField()
    created_at = serializers.DateTimeField()


class ConversationQuery(CamelCaseSerializer):
    """Filter of conversations."""

    state = Choice(choices=Conversation.State.choices, required=False)
    unread = QueryFlag(required=False)
    assigned_to_id = Key(required=False)
    contact_id = Key(required=False)
    connection_id = Key(required=False)


class ConversationBody(CamelCaseSerializer):
    """Changes of a conversation."""

    state = Choice(choices=Conversation.State.choices, required=False)
    assigned_to_id = Key(required=False, allow_null=True, help_text="A member of the team; null: nobody.")


class TypingBody(CamelCaseSerializer):
    """Typing indicator: on or off."""

    active = Flag(default=True)


class QuickReplySerializer(CamelCaseSerializer):
    """A quick reply."""

    id = serializers.UUIDField()
    shortcut = serializers.CharField(help_text="Its short name, without the slash.")
    text = serializers.CharField(help_text="With {{variables}}.")
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class QuickReplyBody(CamelCaseSerializer):
    """Text and shortcut of a quick reply."""

    shortcut = Text(max_length=33, help_text="1 to 32 letters, digits, - and _; not case-sensitive.")
    text = Text(max_length=4000)

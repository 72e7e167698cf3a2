"""Conversations, messages (whose rows are the outbox), media, drafts and receipts that came too early."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.models import BusinessProfile, User
from connections.models import WhatsAppConnection
from contacts.models import Contact
from core.db.models import TimestampedModel, UuidModel
from core.db.search import Searched
from messaging.media import file_reasons

EDITED = "edited_at"
REVOKED = "revoked_at"
REACTIONS = "reactions"
"""Keys in a message's metadata: what was done to it later, with WhatsApp's times."""


class Conversation(TimestampedModel):
    """One contact talking with one of the business's numbers. Carries what the list shows: it reads one table.

    Every message rewrites its row and every index on it, so there is no index that another one covers.
    """

    class State(models.TextChoices):
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="conversations", db_index=False
    )
    contact = models.ForeignKey(
        Contact, on_delete=models.CASCADE, related_name="conversations", db_index=False
    )
    connection = models.ForeignKey(
        WhatsAppConnection, on_delete=models.CASCADE, related_name="conversations", db_index=False
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    assigned_to = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    last_message_at = models.DateTimeField(default=timezone.now)
    last_message_id = models.UUIDField(null=True, blank=True)
    preview = models.CharField(max_length=160, blank=True)
    preview_type = models.CharField(max_length=20, blank=True)
    preview_direction = models.CharField(max_length=10, blank=True)
    preview_status = models.CharField(max_length=20, blank=True)
    unread_count = models.IntegerField(default=0)
    last_read_at = models.DateTimeField(
        null=True, blank=True, help_text="Inbound up to here was seen by a person."
    )
    receipt_wanted = models.BooleanField(
        default=False, help_text="WhatsApp has not been told of last_read_at."
    )

    class Meta:
        db_table = "conversations"
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "contact"], name="conversations_connection_contact_unique"
            )
        ]
        indexes = [
            models.Index(
                F("business_profile"), F("last_message_at").desc(), F("id").desc(), name="conversations_list"
            ),
            models.Index(
                F("business_profile"),
                F("last_message_at").desc(),
                F("id").desc(),
                condition=Q(unread_count__gt=0),
                name="conversations_unread",
            ),
            models.Index(
                F("assigned_to"), F("last_message_at").desc(), F("id").desc(), name="conversations_mine"
            ),
            models.Index(fields=["contact"], name="conversations_contact"),
            models.Index(
                fields=["connection"], condition=Q(receipt_wanted=True), name="conversations_receipts"
            ),
        ]


class ConversationEvent(UuidModel):
    """A conversation was closed, or opened again by a person (a customer does it by writing). Never changed later."""

    class Kind(models.TextChoices):
        CLOSED = "closed", "Closed"
        REOPENED = "reopened", "Reopened"

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="events", db_index=False
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    actor = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    begun_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Of a closing: when what it settled began. Empty where the customer had not written.",
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "conversation_events"
        indexes = [
            models.Index(fields=["business_profile", "created_at"], name="conversation_events_business"),
            models.Index(fields=["conversation", "created_at"], name="conversation_events_talk"),
        ]


def media_path(instance: MediaFile, filename: str) -> str:
    """Where a file is kept: business and our own id, never a name that somebody sent."""
    return f"media/{instance.business_profile_id}/{instance.pk}"


def thumbnail_path(instance: MediaFile, filename: str) -> str:
    return f"media/{instance.business_profile_id}/{instance.pk}.thumb"


THUMBNAIL_MIME = "image/jpeg"


class MediaFile(TimestampedModel):
    """A file of a message: what somebody uploaded here or sent to us."""

    class State(models.TextChoices):
        WANTED = "wanted", "To be fetched"
        READY = "ready", "Ready"
        FAILED = "failed", "Not available"

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="media_files"
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.READY)
    kind = models.CharField(
        max_length=20, help_text="A message type: image, video, document, audio, sticker."
    )
    mime = models.CharField(max_length=100)
    name = models.CharField(max_length=255, blank=True)
    size = models.BigIntegerField(default=0, help_text="Bytes.")
    sha256 = models.CharField(max_length=64, blank=True)
    width = models.IntegerField(null=True, blank=True)
    height = models.IntegerField(null=True, blank=True)
    file = models.FileField(upload_to=media_path, max_length=255, blank=True)
    thumbnail = models.FileField(upload_to=thumbnail_path, max_length=255, blank=True)
    source = models.JSONField(
        default=dict, blank=True, help_text="The driver's reference, while it is to be fetched."
    )
    connection = models.ForeignKey(
        WhatsAppConnection,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
        help_text="The number that fetches it; empty for uploads.",
    )
    attempts = models.SmallIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    uploaded_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    kept = models.BooleanField(
        default=False, help_text="A campaign or template has it: it stays although no message does."
    )

    class Meta:
        db_table = "media_files"
        indexes = [
            models.Index(fields=["business_profile", "created_at"], name="media_files_business"),
            models.Index(
                F("connection"), F("id").desc(), condition=Q(state="wanted"), name="media_files_due"
            ),
        ]

    @property
    def error_message(self) -> str:
        """Why it is not here, or not yet; empty when nothing went wrong."""
        return file_reasons.reason(self.error_code, final=self.state == self.State.FAILED)


class ContactPicture(TimestampedModel):
    """A contact's profile picture as WhatsApp showed it last; `media` is empty for those who show none."""

    contact = models.OneToOneField(Contact, on_delete=models.CASCADE, related_name="picture")
    media = models.ForeignKey(
        MediaFile, null=True, blank=True, on_delete=models.SET_NULL, related_name="pictures"
    )
    check_at = models.DateTimeField(help_text="Not asked for again before.")

    class Meta:
        db_table = "contact_pictures"


class Message(Searched, TimestampedModel):
    """One message, in or out. An outbound row is its own outbox entry; see docs on delivery for its states."""

    class Direction(models.TextChoices):
        INBOUND = "inbound", "In"
        OUTBOUND = "outbound", "Out"

    class Type(models.TextChoices):
        TEXT = "text", "Text"
        IMAGE = "image", "Image"
        VIDEO = "video", "Video"
        DOCUMENT = "document", "Document"
        AUDIO = "audio", "Audio"
        VOICE = "voice", "Voice message"
        STICKER = "sticker", "Sticker"
        LOCATION = "location", "Location"
        CONTACT_CARD = "contact_card", "Contact card"
        POLL = "poll", "Poll"
        REACTION = "reaction", "Reaction"
        UNKNOWN = "unknown", "Unsupported message"

    class Status(models.TextChoices):
        RECEIVED = "received", "Received"
        QUEUED = "queued", "Waiting to be sent"
        SENDING = "sending", "Being sent"
        UNKNOWN = "unknown", "May have been sent"
        FAILED = "failed", "Not sent"
        SENT = "sent", "Sent"
        DELIVERED = "delivered", "Delivered"
        READ = "read", "Read"
        PLAYED = "played", "Played"
        CANCELLED = "cancelled", "Cancelled"
        EXPIRED = "expired", "Expired"

    class Origin(models.TextChoices):
        """Who made it."""

        CUSTOMER = "customer", "Customer"
        INBOX = "inbox", "Inbox"
        PHONE = "phone", "Phone"
        API = "api", "API"
        CAMPAIGN = "campaign", "Campaign"

    class Priority(models.IntegerChoices):
        """Lower goes first."""

        PERSON = 0, "A person's reply"
        API = 10, "API"
        CAMPAIGN = 20, "Campaign"

    SEARCHED = frozenset({"content"})

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="messages", db_index=False
    )
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="messages", db_index=False)
    conversation = models.ForeignKey(
        Conversation, on_delete=models.CASCADE, related_name="messages", db_index=False
    )
    connection = models.ForeignKey(
        WhatsAppConnection, on_delete=models.CASCADE, related_name="messages", db_index=False
    )
    whatsapp_message_id = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - unique where set
    direction = models.CharField(max_length=10, choices=Direction.choices)
    message_type = models.CharField(max_length=20, choices=Type.choices)
    content = models.TextField(blank=True)
    media = models.ForeignKey(
        MediaFile, null=True, blank=True, on_delete=models.SET_NULL, related_name="messages", db_index=False
    )
    media_url = models.CharField(max_length=500, blank=True, help_text="Path of the authorised download.")
    status = models.CharField(max_length=20, choices=Status.choices)
    is_from_bot = models.BooleanField(default=False)
    metadata = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(
        default=timezone.now,
        help_text="Place in the conversation: WhatsApp's time for what came late, else ours.",
    )

    origin = models.CharField(max_length=10, choices=Origin.choices)
    sender = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    reply_to_wa_id = models.CharField(
        max_length=255, blank=True, help_text="The quoted message's WhatsApp id."
    )
    backfilled = models.BooleanField(default=False, help_text="Came by gap repair, not live.")
    body_pending = models.BooleanField(
        default=False, help_text="Known by its id only; the content is still to come."
    )

    client_token = models.CharField(  # noqa: DJ001 - unique where set
        max_length=64, null=True, blank=True, help_text="The sender's own key: one token, one message."
    )
    priority = models.SmallIntegerField(choices=Priority.choices, default=Priority.PERSON)
    not_before = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    attempts = models.SmallIntegerField(default=0)
    claim_epoch = models.BigIntegerField(
        default=0, help_text="Lease epoch of the runner that took it; 0: nobody."
    )
    sending_since = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    error_message = models.CharField(max_length=500, blank=True)

    class Meta:
        db_table = "messages"
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "whatsapp_message_id"], name="messages_wa_id_unique"
            ),
            models.UniqueConstraint(
                fields=["business_profile", "client_token"],
                condition=Q(client_token__isnull=False),
                name="messages_client_token_unique",
            ),
        ]
        indexes = [
            models.Index(F("business_profile"), F("created_at").desc(), name="idx_messages_business_created"),
            models.Index(F("contact"), F("created_at").desc(), name="idx_messages_contact"),
            models.Index(
                F("conversation"), F("created_at").desc(), F("id").desc(), name="messages_conversation"
            ),
            models.Index(fields=["media"], condition=Q(media__isnull=False), name="messages_media"),
            models.Index(
                fields=["connection", "priority", "id"],
                condition=Q(status="queued", claim_epoch=0, not_before__isnull=True),
                name="messages_ready",
            ),
            models.Index(
                fields=["connection"],
                condition=Q(status="queued", claim_epoch__gt=0),
                name="messages_claimed",
            ),
            models.Index(
                fields=["conversation", "id"],
                condition=Q(status__in=["queued", "sending"]),
                name="messages_unsettled",
            ),
            models.Index(
                fields=["connection", "conversation"], condition=Q(status="sending"), name="messages_begun"
            ),
            models.Index(
                fields=["conversation"],
                condition=Q(status="queued", not_before__isnull=False),
                name="messages_holding",
            ),
            models.Index(
                fields=["connection", "not_before"],
                condition=Q(status="queued", not_before__isnull=False),
                name="messages_waiting",
            ),
            models.Index(
                fields=["connection", "expires_at"],
                condition=Q(status="queued", expires_at__isnull=False),
                name="messages_expiring",
            ),
            models.Index(
                F("connection"),
                F("sending_since").desc(),
                condition=Q(origin="campaign", sending_since__isnull=False),
                name="messages_campaign_pace",
            ),
        ]

    def searched(self) -> tuple[str]:
        """By what a search finds it."""
        return (self.content,)

    @property
    def is_outbound(self) -> bool:
        return self.direction == self.Direction.OUTBOUND

    @property
    def edited_at(self) -> datetime | None:
        """When its writer changed the text last, by WhatsApp's clock."""
        return _moment(self.metadata, EDITED)

    @property
    def revoked_at(self) -> datetime | None:
        """When its writer deleted it for everyone, by WhatsApp's clock. Nothing of its content is kept."""
        return _moment(self.metadata, REVOKED)

    @property
    def reactions(self) -> list[dict[str, Any]]:
        """The emoji that the customer ("inbound") and we ("outbound") have put on it, at most one each."""
        return standing_reactions(self.metadata)


def standing_reactions(metadata: Any) -> list[dict[str, Any]]:
    """Reactions kept in a message's metadata that were not taken back: `emoji`, `direction` and `at`."""
    kept = metadata.get(REACTIONS) if isinstance(metadata, Mapping) else None
    if not isinstance(kept, Mapping):
        return []
    return [
        {"emoji": kept[side]["emoji"], "direction": side, "at": parse_datetime(kept[side]["at"])}
        for side in Message.Direction.values
        if side in kept and kept[side]["emoji"]
    ]


def _moment(metadata: Any, key: str) -> datetime | None:
    text = metadata.get(key) if isinstance(metadata, Mapping) else None
    return parse_datetime(text) if isinstance(text, str) else None


class ParkedAck(UuidModel):
    """A receipt for a message that is not here yet; applied when it appears."""

    connection = models.ForeignKey(WhatsAppConnection, on_delete=models.CASCADE, related_name="+")
    whatsapp_message_id = models.CharField(max_length=255)
    level = models.SmallIntegerField()
    at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "parked_acks"
        constraints = [
            models.UniqueConstraint(fields=["connection", "whatsapp_message_id"], name="parked_acks_unique")
        ]


class ParkedChange(UuidModel):
    """An edit, a deletion or a reaction for a message that is not here yet; applied when it appears."""

    class Kind(models.TextChoices):
        EDITED = "edited", "Edited"
        REVOKED = "revoked", "Deleted"
        REACTED = "inbound", "The customer reacted"
        WE_REACTED = "outbound", "We reacted"

    connection = models.ForeignKey(
        WhatsAppConnection, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    whatsapp_message_id = models.CharField(max_length=255)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    from_me = models.BooleanField(default=False, help_text="We made the change, on the phone.")
    body = models.TextField(blank=True, help_text="The text after an edit, or the emoji.")
    source_id = models.CharField(max_length=255, blank=True, help_text="The reaction's own WhatsApp id.")
    at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "parked_changes"
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "whatsapp_message_id", "kind", "from_me"], name="parked_changes_unique"
            )
        ]
        indexes = [models.Index(fields=["connection", "created_at"], name="parked_changes_oldest")]


class Draft(TimestampedModel):
    """What a person has typed and not sent, per conversation."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="drafts")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    text = models.TextField(blank=True)

    class Meta:
        db_table = "drafts"
        constraints = [models.UniqueConstraint(fields=["conversation", "user"], name="drafts_unique")]

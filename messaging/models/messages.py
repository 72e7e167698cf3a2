"""Messages. An outbound row is also its outbox entry."""

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
from core.db.models import TimestampedModel
from core.db.search import Searched
from messaging.models.conversations import Conversation
from messaging.models.media import MediaFile

EDITED = "edited_at"
REVOKED = "revoked_at"
REACTIONS = "reactions"
"""Keys of `Message.metadata` for later changes, with WhatsApp's times."""


class Message(Searched, TimestampedModel):
    """Inbound or outbound message. Statuses are described in the documentation of delivery."""

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
        """Origin of a message."""

        CUSTOMER = "customer", "Customer"
        INBOX = "inbox", "Inbox"
        PHONE = "phone", "Phone"
        API = "api", "API"
        CAMPAIGN = "campaign", "Campaign"

    class Priority(models.IntegerChoices):
        """Order in the outbox, lower first."""

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
        """Return the searchable texts."""
        return (self.content,)

    @property
    def is_outbound(self) -> bool:
        return self.direction == self.Direction.OUTBOUND

    @property
    def edited_at(self) -> datetime | None:
        """Time of the last edit, by WhatsApp's clock."""
        return _moment(self.metadata, EDITED)

    @property
    def revoked_at(self) -> datetime | None:
        """Time of the deletion for everyone, by WhatsApp's clock. Its content is not kept."""
        return _moment(self.metadata, REVOKED)

    @property
    def reactions(self) -> list[dict[str, Any]]:
        """Current reactions of the customer ("inbound") and the business ("outbound"), at most one each."""
        return standing_reactions(self.metadata)


def standing_reactions(metadata: Any) -> list[dict[str, Any]]:
    """Return the reactions in a message's metadata that were not removed: `emoji`, `direction` and `at`."""
    stored = metadata.get(REACTIONS) if isinstance(metadata, Mapping) else None
    if not isinstance(stored, Mapping):
        return []
    return [
        {
            "emoji": stored[direction]["emoji"],
            "direction": direction,
            "at": parse_datetime(stored[direction]["at"]),
        }
        for direction in Message.Direction.values
        if direction in stored and stored[direction]["emoji"]
    ]


def _moment(metadata: Any, key: str) -> datetime | None:
    text = metadata.get(key) if isinstance(metadata, Mapping) else None
    return parse_datetime(text) if isinstance(text, str) else None

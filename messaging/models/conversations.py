"""Conversations, their open and close events, and drafts."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import BusinessProfile, User
from connections.models import WhatsAppConnection
from contacts.models import Contact
from core.db.models import TimestampedModel, UuidModel


class Conversation(TimestampedModel):
    """Conversation of a contact with a number. Denormalizes what the list shows, so that it reads one table.

    Every message updates the row and all its indexes, so there is no index that another one covers.
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
    """Closing or reopening of a conversation by a person; immutable. Inbound messages reopen without an event."""

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


class Draft(TimestampedModel):
    """Unsent text of a user in a conversation."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="drafts")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    text = models.TextField(blank=True)

    class Meta:
        db_table = "drafts"
        constraints = [models.UniqueConstraint(fields=["conversation", "user"], name="drafts_unique")]

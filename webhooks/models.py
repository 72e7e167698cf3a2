"""Webhook endpoints, public events, deliveries and delivery attempts.

An event is written once, with its final JSON text, in the transaction that caused it, together with one delivery per
endpoint. The delivery rows are the queue (`next_attempt_at`).
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import BusinessProfile, User
from core.db.models import TimestampedModel, UuidModel
from core.security.crypto import EncryptedTextField

ALL_EVENTS = "*"
"""In an endpoint's list of events: all of them, including those of later versions."""


class Webhook(TimestampedModel):
    """Endpoint: a URL to which a business's events are posted."""

    class Preset(models.TextChoices):
        """Payload format."""

        STANDARD = "standard", "Standard Webhooks"
        N8N = "n8n", "n8n"
        SLACK = "slack", "Slack and compatible chats"

    class State(models.TextChoices):
        """Status of the circuit breaker, or the person's choice."""

        ACTIVE = "active", "On"
        PAUSED = "paused", "Switched off"
        GONE = "gone", "Refused for good"
        FAILING = "failing", "Switched off after failures"

    business_profile = models.ForeignKey(BusinessProfile, on_delete=models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=500)
    events = models.JSONField(default=list, help_text='Names of events; "*" for all.')
    secret = EncryptedTextField(help_text="Signs what is sent; whsec_ and base64.")
    is_active = models.BooleanField(default=True)
    description = models.CharField(max_length=200, blank=True)
    preset = models.CharField(max_length=10, choices=Preset.choices, default=Preset.STANDARD)
    headers = EncryptedTextField(
        blank=True, default="", help_text="Further headers as a JSON object; they may hold passwords."
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    state_changed_at = models.DateTimeField(default=timezone.now)
    old_secret = EncryptedTextField(blank=True, default="", help_text="Signs too while the new one spreads.")
    old_secret_until = models.DateTimeField(null=True, blank=True)
    not_before = models.DateTimeField(null=True, blank=True, help_text="The receiver asked for a rest.")
    failing_since = models.DateTimeField(
        null=True, blank=True, help_text="The first failure after which nothing got through."
    )
    last_success_at = models.DateTimeField(null=True, blank=True)
    owner_told_at = models.DateTimeField(
        null=True, blank=True, help_text="When the owner was written to about its being switched off."
    )
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        db_table = "webhooks"
        indexes = [
            models.Index(
                fields=["state_changed_at"],
                name="webhooks_untold",
                condition=Q(state__in=["gone", "failing"], owner_told_at=None),
            )
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        """The description, or else the host of the URL."""
        return self.description or self.host

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    @property
    def known_headers(self) -> dict[str, str]:
        """Additional headers by name; the values may be passwords."""
        headers: dict[str, str] = json.loads(self.headers) if self.headers else {}
        return headers

    @property
    def header_names(self) -> list[str]:
        return list(self.known_headers)


class EventFeed(models.Model):
    """A business's event feed and its last position. No row: the business has never had a webhook or a reader."""

    business_profile = models.OneToOneField(
        BusinessProfile, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    last_position = models.BigIntegerField(default=0)
    read_at = models.DateTimeField(
        null=True, blank=True, help_text="When a program last asked for events; recording goes on for weeks."
    )

    class Meta:
        db_table = "event_feeds"

    def __str__(self) -> str:
        return str(self.business_profile_id)


class EventSequence(models.Model):
    """Event counter of a conversation, contact, number or campaign; source of `PublicEvent.sequence`."""

    key = models.UUIDField(primary_key=True)
    business_profile = models.ForeignKey(BusinessProfile, on_delete=models.CASCADE, related_name="+")
    last = models.BigIntegerField(default=0)

    class Meta:
        db_table = "event_sequences"

    def __str__(self) -> str:
        return f"{self.key}: {self.last}"


class PublicEvent(UuidModel):
    """Event as other systems receive it; `payload` is the final JSON text.

    position: order in the feed, assigned when the feed is read, so that events committed late are not missed.
    """

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    type = models.CharField(max_length=64)
    key = models.UUIDField(help_text="What it is about: a conversation, contact, number or campaign.")
    sequence = models.BigIntegerField(help_text="Its number among the events of `key`.")
    payload = models.TextField()
    position = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "public_events"
        indexes = [models.Index(fields=["business_profile", "position"], name="public_events_feed")]

    def __str__(self) -> str:
        return self.type


class WebhookDelivery(UuidModel):
    """Delivery of one event to one endpoint."""

    class State(models.TextChoices):
        PENDING = "pending", "Waiting"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Given up"

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    event = models.ForeignKey(
        PublicEvent, on_delete=models.CASCADE, related_name="deliveries", db_index=False
    )
    event_type = models.CharField(max_length=64)
    state = models.CharField(max_length=10, choices=State.choices, default=State.PENDING)
    attempts = models.SmallIntegerField(default=0, help_text="Since it was recorded or last replayed.")
    next_attempt_at = models.DateTimeField(
        null=True, blank=True, help_text="While claimed: when the claim ends. Empty when settled."
    )
    claim = models.UUIDField(null=True, blank=True, help_text="Who is trying it just now.")
    last_status = models.SmallIntegerField(null=True, blank=True, help_text="HTTP status of the last answer.")
    last_error = models.CharField(max_length=64, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "webhook_deliveries"
        constraints = [
            models.UniqueConstraint(fields=["event", "webhook"], name="webhook_deliveries_event_once")
        ]
        indexes = [
            models.Index(
                fields=["webhook", "next_attempt_at"],
                name="webhook_deliveries_due",
                condition=Q(state="pending"),
            ),
            models.Index(F("webhook"), F("id").desc(), name="webhook_deliveries_webhook"),
            models.Index(F("business_profile"), F("id").desc(), name="webhook_deliveries_business"),
            models.Index(
                F("business_profile"),
                F("id").desc(),
                name="webhook_deliveries_failed",
                condition=Q(state="failed"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event_type} ({self.state})"


class WebhookAttempt(UuidModel):
    """One HTTP request of a delivery and its response."""

    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="tries")
    at = models.DateTimeField()
    duration_ms = models.IntegerField()
    status = models.SmallIntegerField(
        null=True, blank=True, help_text="HTTP status; empty without an answer."
    )
    error = models.CharField(max_length=64, blank=True, help_text="Why there was no answer, as a code.")
    answer = models.TextField(blank=True, help_text="The first 1024 bytes of what came back.")

    class Meta:
        db_table = "webhook_attempts"

    def __str__(self) -> str:
        return self.error or str(self.status)

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

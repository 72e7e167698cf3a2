"""Campaigns, their recipients and counters, and message templates."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import F, Q

from accounts.models import BusinessProfile, User
from connections.models import WhatsAppConnection
from contacts.models import Contact
from core.db.models import TimestampedModel, UuidModel
from messaging.models import MediaFile, Message


class MessageTemplate(TimestampedModel):
    """Reusable text with variables and an optional file."""

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="message_templates"
    )
    name = models.CharField(max_length=100)
    content = models.TextField(blank=True)
    media = models.ForeignKey(MediaFile, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        db_table = "message_templates"
        constraints = [
            models.UniqueConstraint(fields=["business_profile", "name"], name="message_templates_name_unique")
        ]

    def __str__(self) -> str:
        return self.name


class Tallied(models.Model):
    """Counters that always equal the recipients' rows; see services/recipient_states.py."""

    sent_count = models.IntegerField(default=0)
    delivered_count = models.IntegerField(default=0)
    read_count = models.IntegerField(default=0)
    failed_count = models.IntegerField(default=0)
    unknown_count = models.IntegerField(default=0)
    skipped_count = models.IntegerField(default=0)
    cancelled_count = models.IntegerField(default=0)
    expired_count = models.IntegerField(default=0)
    replied_count = models.IntegerField(default=0)
    opted_out_count = models.IntegerField(default=0)
    open_count = models.IntegerField(default=0, help_text="Recipients without a final state.")

    class Meta:
        abstract = True


class Campaign(Tallied, TimestampedModel):
    """Broadcast: content, audience, schedule, numbers and progress.

    A repeated campaign is the pattern of its runs: every slot creates a campaign of its own (`series`, `slot`).
    """

    class Target(models.TextChoices):
        ALL = "all", "Everybody"
        TAGS = "tags", "People with tags"
        SEGMENT = "segment", "A saved segment"
        CUSTOM = "custom", "A list of numbers"
        NO_REPLY = "no_reply", "Who did not answer an earlier campaign"

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        SCHEDULED = "scheduled", "Scheduled"
        SENDING = "sending", "Sending"
        PAUSED = "paused", "Paused"
        COMPLETED = "completed", "Completed"
        CANCELLED = "cancelled", "Cancelled"
        FAILED = "failed", "Not sent"

    class Reason(models.TextChoices):
        """Reason of a pause or of not sending; explained in campaigns/reason_labels.py."""

        NONE = "", ""
        PERSON = "person", "By a person"
        FAILURES = "failures", "Three failures in a row"
        NOT_ON_WHATSAPP = "not_on_whatsapp", "Too many are not on WhatsApp"
        OPT_OUTS = "opt_outs", "Too many opt-outs"
        LIMITED = "limited", "The number is limited by WhatsApp"
        BANNED = "banned", "The number is banned by WhatsApp"
        NO_NUMBER = "no_number", "No number is left"
        MISSED = "missed", "Its time has passed"
        NOBODY = "nobody", "Nobody to send it to"
        OLD_DATA = "old_data", "The data may be old"
        INCOMPLETE = "incomplete", "Something it needs is gone"

    class Timing(models.TextChoices):
        NOW = "now", "Now"
        AT = "at", "At a time"
        LOCAL = "local", "At the recipient's local time"
        REPEAT = "repeat", "Again and again"

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="campaigns", db_index=False
    )
    name = models.CharField(max_length=255)
    message_content = models.TextField(
        blank=True, help_text="With {{variables}}; the caption if there is media."
    )
    media = models.ForeignKey(MediaFile, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    media_url = models.CharField(max_length=500, blank=True, help_text="Path of the authorised download.")
    variants = models.JSONField(
        default=list,
        blank=True,
        help_text='[{"key": "A", "content": "...", "share": 50}, ...]; empty: one text.',
    )
    target_type = models.CharField(max_length=20, choices=Target.choices, default=Target.ALL)
    target_tags = models.JSONField(default=list, blank=True, help_text="Tag ids: any of them.")
    target_tags_all = models.JSONField(default=list, blank=True, help_text="Tag ids: all of them.")
    segment_id = models.UUIDField(null=True, blank=True)
    earlier = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    exclusions = models.JSONField(
        default=dict, blank=True, help_text='{"tags": [ids], "never_wrote": bool, "campaigns": [ids]}'
    )
    list_summary = models.JSONField(
        default=dict, blank=True, help_text="Of a list: lines, invalid and repeated ones."
    )
    connections: models.ManyToManyField[WhatsAppConnection, Any] = models.ManyToManyField(
        WhatsAppConnection, related_name="+", db_table="campaign_numbers"
    )

    status = models.CharField(max_length=20, choices=Status.choices, default=Status.DRAFT)
    status_reason = models.CharField(max_length=20, choices=Reason.choices, default=Reason.NONE, blank=True)
    timing = models.CharField(max_length=10, choices=Timing.choices, default=Timing.NOW)
    scheduled_at = models.DateTimeField(null=True, blank=True, help_text="When it is to start, next.")
    local_at = models.DateTimeField(
        null=True, blank=True, help_text="Wall clock in each recipient's zone, kept as if it were UTC."
    )
    time_zone = models.CharField(max_length=64, blank=True)
    cron = models.CharField(max_length=100, blank=True, help_text="Five fields, in time_zone.")
    expire_hours = models.SmallIntegerField(
        default=3, help_text="What is later than its time by more is not sent."
    )
    series = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="runs", db_index=False
    )
    slot = models.DateTimeField(null=True, blank=True)

    total_recipients = models.IntegerField(default=0, help_text="Frozen in; those left out are skipped.")
    started_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    resumed_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    placed_until = models.UUIDField(
        null=True, blank=True, help_text="Contacts up to this one have their number and time."
    )
    health_base = models.JSONField(
        default=dict,
        blank=True,
        help_text="Counters when a person last let it go on: the health rules begin there.",
    )
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    listed: Collection[UUID] | None = None
    """Contacts of a list that is still being typed, in place of `people`; never kept."""
    chosen: Sequence[WhatsAppConnection] | None = None
    """Numbers that are still being chosen, in place of `connections`; never kept."""

    class Meta:
        db_table = "campaigns"
        constraints = [
            models.UniqueConstraint(fields=["series", "slot"], name="campaigns_series_slot_unique")
        ]
        indexes = [
            models.Index(fields=["business_profile", "status"], name="idx_campaigns_business"),
            models.Index(
                F("business_profile"), F("created_at").desc(), F("id").desc(), name="campaigns_list"
            ),
            models.Index(fields=["scheduled_at"], condition=Q(status="scheduled"), name="campaigns_due"),
            models.Index(fields=["status"], condition=Q(status="sending"), name="campaigns_sending"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_editable(self) -> bool:
        """Whether text, audience and time may still be changed."""
        return self.status in (self.Status.DRAFT, self.Status.SCHEDULED)

    @property
    def is_running(self) -> bool:
        return self.status in (self.Status.SENDING, self.Status.PAUSED)

    @property
    def is_over(self) -> bool:
        return self.status in (self.Status.COMPLETED, self.Status.CANCELLED, self.Status.FAILED)

    @property
    def is_pattern(self) -> bool:
        """Whether the campaign is the pattern of runs, which is never sent itself."""
        return self.timing == self.Timing.REPEAT and self.series_id is None

    @property
    def done_count(self) -> int:
        """Number of recipients with a final state, excluded ones not counted."""
        return self.total_recipients - self.open_count


class CampaignPerson(UuidModel):
    """Contact on a campaign's own list: pasted, uploaded, given by a program or taken from another campaign."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="people", db_index=False)
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+")

    class Meta:
        db_table = "campaign_people"
        constraints = [models.UniqueConstraint(fields=["campaign", "contact"], name="campaign_people_unique")]


class CampaignRecipient(UuidModel):
    """Recipient: a contact of the audience snapshot with the state of their message.

    Its foreign keys have no constraint in the database, and the snapshot fills two indexes only (the others hold rows
    that have changed), because both would take most of the snapshot's time. Deleting a contact leaves the row with an
    id that leads nowhere, so that the counters stay true; it holds no personal data.
    """

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting"
        QUEUED = "queued", "In the outbox"
        UNKNOWN = "unknown", "May have been sent"
        SKIPPED = "skipped", "Left out"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"
        EXPIRED = "expired", "Too late"
        SENT = "sent", "Sent"
        DELIVERED = "delivered", "Delivered"
        READ = "read", "Read"

    class Reason(models.TextChoices):
        """Reason of an exclusion, by the snapshot or when the message was due."""

        NONE = "", ""
        OPTED_OUT = "opted_out", "Opted out"
        BLOCKED = "blocked", "Blocked"
        NO_WHATSAPP = "no_whatsapp", "No number on WhatsApp"
        DUPLICATE = "duplicate", "The same person twice"
        MARKETING_CAP = "marketing_cap", "Had another campaign in the last hours"
        NEVER_WROTE = "never_wrote", "Never wrote to you"
        EXCLUDED = "excluded", "Excluded by you"

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="recipients", db_index=False, db_constraint=False
    )
    contact = models.ForeignKey(
        Contact,
        null=True,
        on_delete=models.DO_NOTHING,
        related_name="campaign_recipients",
        db_index=False,
        db_constraint=False,
    )
    connection = models.ForeignKey(
        WhatsAppConnection,
        null=True,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_index=False,
        db_constraint=False,
        help_text="The number that writes to them; empty until it is chosen.",
    )
    message = models.ForeignKey(
        Message, null=True, on_delete=models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False
    )
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.PENDING)
    reason = models.CharField(max_length=64, blank=True, help_text="Why left out or failed.")
    error_message = models.TextField(blank=True)
    variant = models.CharField(max_length=1, blank=True)
    cold = models.BooleanField(
        default=False, db_default=False, help_text="Had never written to us when their number was chosen."
    )
    due_at = models.DateTimeField(null=True, help_text="Not before; empty: as soon as it is their turn.")
    sent_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    replied_at = models.DateTimeField(null=True)
    opted_out_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True, help_text="When it first came to a final state.")
    created_at = models.DateTimeField()

    class Meta:
        db_table = "campaign_recipients"
        constraints = [
            models.UniqueConstraint(fields=["campaign", "contact"], name="campaign_recipients_unique")
        ]
        indexes = [
            models.Index(
                fields=["campaign", "connection", "cold", "contact"],
                condition=Q(status="pending", connection__isnull=False, due_at__isnull=True),
                name="campaign_recipients_next",
            ),
            models.Index(
                fields=["campaign", "due_at"],
                condition=Q(status="pending", due_at__isnull=False),
                name="campaign_recipients_due",
            ),
            models.Index(
                fields=["campaign", "connection"],
                condition=Q(status="queued"),
                name="campaign_recipients_queued",
            ),
            models.Index(
                fields=["campaign", "contact"],
                condition=Q(status__in=["failed", "unknown", "skipped", "cancelled", "expired"]),
                name="campaign_recipients_problems",
            ),
            models.Index(
                fields=["message"], condition=Q(message__isnull=False), name="campaign_recipients_message"
            ),
            models.Index(
                F("contact"),
                F("sent_at").desc(),
                condition=Q(sent_at__isnull=False),
                name="campaign_recipients_contact",
            ),
            models.Index(
                F("campaign"),
                F("sent_at").desc(),
                condition=Q(sent_at__isnull=False),
                name="campaign_recipients_sent",
            ),
        ]


class CampaignTally(Tallied, UuidModel):
    """Counters of one campaign by number and variant, so that its page need not count rows."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="tallies", db_index=False)
    connection = models.ForeignKey(
        WhatsAppConnection, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    variant = models.CharField(max_length=1, blank=True)

    class Meta:
        db_table = "campaign_tallies"
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "connection", "variant"], name="campaign_tallies_unique"
            )
        ]

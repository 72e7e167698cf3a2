"""Daily aggregates, marks of outdated hours, and report subscriptions."""

from __future__ import annotations

from django.db import models

from accounts.models import BusinessProfile, Membership, User
from connections.models import WhatsAppConnection
from core.db.models import TimestampedModel
from messaging.models import Message


class DailyStats(TimestampedModel):
    """The figures of a business on one date, in its time zone.

    Valid only while `state` is `done`. The sets are bitmaps of the ordinals in stats_numbers
    (analytics/aggregates/bitmaps.py), because distinct contacts of a range cannot be added up from those of its days.
    """

    class State(models.TextChoices):
        OPEN = "open", "To be counted again"
        STARTED = "started", "Being counted"
        DONE = "done", "Counted"

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    date = models.DateField()
    messages_sent = models.IntegerField(default=0)
    messages_received = models.IntegerField(default=0)
    new_contacts = models.IntegerField(default=0)
    active_contacts = models.IntegerField(default=0)
    conversations = models.IntegerField(default=0)
    opt_outs = models.IntegerField(default=0)
    received_by_hour = models.JSONField(default=list)
    sent_by_hour = models.JSONField(default=list)
    active_set = models.BinaryField(default=b"", help_text="Contacts who wrote.")
    reached_set = models.BinaryField(default=b"", help_text="Contacts to whom something was sent.")
    conversation_set = models.BinaryField(
        default=b"", help_text="Conversations with a message that is no campaign's."
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    token = models.UUIDField(
        null=True, blank=True, help_text="Who counts it: what somebody else counted meanwhile is not kept."
    )
    counted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "daily_stats"
        verbose_name_plural = "daily stats"
        constraints = [
            models.UniqueConstraint(fields=["business_profile", "date"], name="daily_stats_date_unique")
        ]
        indexes = [
            models.Index(
                fields=["business_profile", "date"], condition=~models.Q(state="done"), name="daily_stats_due"
            )
        ]


class DailyMessageStats(models.Model):
    """Messages of one date by number, direction and type."""

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    date = models.DateField()
    connection = models.ForeignKey(WhatsAppConnection, on_delete=models.CASCADE, related_name="+")
    direction = models.CharField(max_length=10, choices=Message.Direction.choices)
    message_type = models.CharField(max_length=20, choices=Message.Type.choices)
    messages = models.IntegerField()
    sent = models.IntegerField(default=0)
    delivered = models.IntegerField(default=0)
    read = models.IntegerField(default=0)
    failed = models.IntegerField(default=0)

    class Meta:
        db_table = "daily_message_stats"
        indexes = [models.Index(fields=["business_profile", "date"], name="daily_message_stats_date")]


class DailyAgentStats(models.Model):
    """The work of one agent on one date.

    Without a user: the phone, programs, and former members. Durations are unsigned 32-bit numbers, little-endian,
    sorted: a median of a range needs every one of them.
    """

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    date = models.DateField()
    user = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    sent = models.IntegerField(default=0)
    closed = models.IntegerField(default=0)
    answer_seconds = models.BinaryField(default=b"")
    resolution_seconds = models.BinaryField(default=b"")

    class Meta:
        db_table = "daily_agent_stats"
        indexes = [models.Index(fields=["business_profile", "date"], name="daily_agent_stats_date")]


class StatsClock(models.Model):
    """Progress of a business's roll-up, and the time zone of its days."""

    business_profile = models.OneToOneField(
        BusinessProfile, primary_key=True, on_delete=models.CASCADE, related_name="stats_clock"
    )
    time_zone = models.CharField(max_length=64)
    counted_until = models.DateField(
        null=True, blank=True, help_text="Dates up to here without a row in daily_stats were empty."
    )
    due_at = models.DateTimeField(help_text="When the next date can be counted.")
    grouped_on = models.DateField(
        null=True,
        blank=True,
        help_text="The business's date on which its contacts were last put into groups.",
    )
    next_contact = models.IntegerField(default=0, help_text="The number that the next contact gets.")
    next_conversation = models.IntegerField(
        default=0, help_text="The number that the next conversation gets."
    )

    class Meta:
        db_table = "stats_clocks"
        indexes = [models.Index(fields=["due_at"], name="stats_clocks_due")]


class StatsNumber(models.Model):
    """The ordinal of a contact or a conversation in the bitmaps of daily_stats.

    Ordinals start at 0 in each business and for each kind, and are never reused. No foreign key: some days may still
    contain deleted contacts.
    """

    class Kind(models.TextChoices):
        CONTACT = "contact", "Contact"
        CONVERSATION = "conversation", "Conversation"

    id = models.UUIDField(primary_key=True, help_text="The contact's or the conversation's.")
    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=12, choices=Kind.choices)
    number = models.IntegerField()

    class Meta:
        db_table = "stats_numbers"
        constraints = [
            models.UniqueConstraint(
                fields=["business_profile", "kind", "number"], name="stats_numbers_number_unique"
            )
        ]


class StatsMark(models.Model):
    """An hour (UTC) in which something changed late: its dates must be counted again.

    Written by triggers (analytics/aggregates/triggers.py), whatever statement made the change. No foreign key: deleting
    a business leaves marks too.
    """

    business_profile_id = models.UUIDField()
    hour = models.DateTimeField()

    class Meta:
        db_table = "stats_marks"
        indexes = [models.Index(fields=["business_profile_id", "hour"], name="stats_marks_hour")]


class ReportSubscription(TimestampedModel):
    """A member's subscription to the weekly report of a business."""

    membership = models.OneToOneField(Membership, on_delete=models.CASCADE, related_name="+")
    sent_week = models.DateField(
        null=True, blank=True, help_text="The Monday of the last week that was reported."
    )

    class Meta:
        db_table = "report_subscriptions"

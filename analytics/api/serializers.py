"""API serializers of analytics."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from analytics.reports import periods
from core.api.fields import Choice, Text
from core.api.framework import CamelCaseSerializer
from messaging.models import Message


class RangeQuery(CamelCaseSerializer):
    """Date range, by default the last 30 days. Without `groupBy` the group size fits the range."""

    vars()["from"] = Text(
        default="", max_length=10, help_text="The first day, like 2026-03-01. Without it: 30 days."
    )
    to = Text(default="", max_length=10, help_text="The last day; today if it is not given.")
    timezone = Text(
        default="", max_length=64, help_text="Whose days and hours, like Europe/Lisbon; else the business's."
    )
    group_by = Choice(choices=periods.GROUPS, default="", allow_blank=True, help_text="day, week or month.")


class PeriodSerializer(CamelCaseSerializer):
    """Date range that was counted."""

    vars()["from"] = serializers.DateField(source="first")
    to = serializers.DateField(source="last")
    timezone = serializers.CharField(source="zone.key")


class DurationsSerializer(CamelCaseSerializer):
    """Durations: nearest-rank percentiles in whole seconds; null if there were none."""

    count = serializers.IntegerField()
    median_seconds = serializers.IntegerField(source="median", allow_null=True)
    p90_seconds = serializers.IntegerField(source="p90", allow_null=True)


class SummarySerializer(CamelCaseSerializer):
    """Totals of a range. A contact or conversation that was active on several days counts once."""

    messages_received = serializers.IntegerField(source="received")
    messages_sent = serializers.IntegerField(source="sent")
    delivered = serializers.IntegerField()
    read = serializers.IntegerField()
    failed = serializers.IntegerField()
    delivery_rate = serializers.FloatField(allow_null=True)
    read_rate = serializers.FloatField(allow_null=True)
    new_contacts = serializers.IntegerField()
    active_contacts = serializers.IntegerField()
    conversations = serializers.IntegerField()
    closed_conversations = serializers.IntegerField(source="closed")
    opt_outs = serializers.IntegerField()
    first_response = DurationsSerializer(source="answers")
    resolution = DurationsSerializer(source="resolutions")


class PieceSerializer(CamelCaseSerializer):
    """Day, week (from Monday) or month of the range; the first and the last may be cut by its ends."""

    begins = serializers.DateField()
    figures = SummarySerializer()


class TypeSerializer(CamelCaseSerializer):
    """Messages of one type."""

    message_type = serializers.ChoiceField(choices=Message.Type.choices)
    received = serializers.IntegerField()
    sent = serializers.IntegerField()


class NumberSerializer(CamelCaseSerializer):
    """Messages of one WhatsApp number of the business."""

    connection_id = serializers.UUIDField()
    name = serializers.CharField()
    received = serializers.IntegerField()
    sent = serializers.IntegerField(source="tally.sent")
    delivered = serializers.IntegerField(source="tally.delivered")
    read = serializers.IntegerField(source="tally.read")
    failed = serializers.IntegerField(source="tally.failed")


class AgentSerializer(CamelCaseSerializer):
    """Work of one team member; without an id: the phone, programs and former members."""

    user_id = serializers.UUIDField(allow_null=True)
    name = serializers.CharField()
    sent = serializers.IntegerField()
    closed = serializers.IntegerField()
    first_response = DurationsSerializer(source="answers")
    resolution = DurationsSerializer(source="resolutions")


class OverviewSerializer(CamelCaseSerializer):
    """Range compared with the range before, which has as many days."""

    period = PeriodSerializer()
    group_by = serializers.ChoiceField(choices=periods.GROUPS, source="group")
    current = SummarySerializer(source="now")
    previous_period = PeriodSerializer(source="period.before")
    previous = SummarySerializer(source="before")
    series = PieceSerializer(many=True, source="pieces")
    agents = AgentSerializer(many=True)


class MessagesSerializer(CamelCaseSerializer):
    """Messages of a range: by day, week or month, by type, by number, and by hour of the week."""

    period = PeriodSerializer()
    group_by = serializers.ChoiceField(choices=periods.GROUPS, source="group")
    current = SummarySerializer(source="now")
    previous = SummarySerializer(source="before")
    series = PieceSerializer(many=True, source="pieces")
    types = TypeSerializer(many=True)
    numbers = NumberSerializer(many=True)
    busy_hours = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField()),
        source="hours",
        help_text="Messages received: seven rows from Monday, each with 24 hours.",
    )


class GrowthSerializer(CamelCaseSerializer):
    """Number of contacts at the end of a day, week or month of the range."""

    begins = serializers.DateField()
    new_contacts = serializers.IntegerField(source="came")
    total = serializers.IntegerField()


class CohortSerializer(CamelCaseSerializer):
    """Contacts whose first message came in one week."""

    week = serializers.DateField(help_text="Its Monday.")
    size = serializers.IntegerField()
    stayed = serializers.ListField(
        child=serializers.IntegerField(), help_text="How many of them wrote in that week, the next one, …"
    )


class TagFiguresSerializer(CamelCaseSerializer):
    """Tag with many contacts."""

    name = serializers.CharField()
    contacts = serializers.IntegerField()
    new_contacts = serializers.IntegerField(source="came")


class GroupFiguresSerializer(CamelCaseSerializer):
    """Contacts of one group by how lately and how often they wrote."""

    group = serializers.CharField()
    contacts = serializers.IntegerField()


class ContactFiguresSerializer(CamelCaseSerializer):
    """Contacts in a range: growth, retention and reply rate."""

    period = PeriodSerializer()
    total = serializers.IntegerField(help_text="Contacts at the end of the range.")
    total_before = serializers.IntegerField(help_text="Contacts before the range.")
    current = SummarySerializer(source="now")
    previous = SummarySerializer(source="before")
    reached = serializers.IntegerField(help_text="Contacts to whom something was sent.")
    responded = serializers.IntegerField(help_text="Those of them who wrote in the same range.")
    response_rate = serializers.FloatField(allow_null=True)
    growth = GrowthSerializer(many=True)
    cohorts = CohortSerializer(many=True)
    tags = TagFiguresSerializer(many=True)
    groups = GroupFiguresSerializer(many=True)


class CampaignFiguresSerializer(CamelCaseSerializer):
    """Results of a campaign."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    status = serializers.CharField()
    started_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    total_recipients = serializers.IntegerField(source="recipients")
    sent = serializers.IntegerField()
    delivered = serializers.IntegerField()
    read = serializers.IntegerField()
    replied = serializers.IntegerField()
    failed = serializers.IntegerField()
    opted_out = serializers.IntegerField()
    delivery_rate = serializers.FloatField(allow_null=True)
    read_rate = serializers.FloatField(allow_null=True)
    reply_rate = serializers.FloatField(allow_null=True)
    opt_out_rate = serializers.FloatField(allow_null=True)


def parameters(query: dict[str, Any]) -> dict[str, str]:
    """Convert query parameters to the arguments of `date_range.parse`."""
    given = {"from": query["from"], "to": query["to"], "group": query["group_by"]}
    if query["to"] and not query["from"]:
        given["range"] = "custom"
    return given

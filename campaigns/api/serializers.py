"""API serializers of campaigns, recipients and templates."""

from __future__ import annotations

from rest_framework import serializers

from campaigns import selectors
from campaigns.models import Campaign, CampaignRecipient
from core.api.fields import Choice, Flag, Items, Key, Moment, Text, Whole
from core.api.framework import CamelCaseSerializer
from core.phone.phone import TEXT_LENGTH
from messaging.models import Message


class VariantSerializer(CamelCaseSerializer):
    """Text of a campaign with its share of recipients."""

    key = serializers.CharField()
    content = serializers.CharField()
    share = serializers.IntegerField()


class CampaignSerializer(CamelCaseSerializer):
    """A campaign with its counters. `sentCount` includes `deliveredCount`."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    message_content = serializers.CharField()
    media_id = serializers.UUIDField(allow_null=True)
    media_url = serializers.CharField()
    variants = VariantSerializer(many=True)
    target_type = serializers.ChoiceField(choices=Campaign.Target.choices)
    target_tags = serializers.ListField(child=serializers.UUIDField())
    target_tags_all = serializers.ListField(child=serializers.UUIDField())
    segment_id = serializers.UUIDField(allow_null=True)
    earlier_campaign_id = serializers.UUIDField(source="earlier_id", allow_null=True)
    exclude_tags = serializers.ListField(
        child=serializers.UUIDField(), source="exclusions.tags", default=list
    )
    exclude_campaigns = serializers.ListField(
        child=serializers.UUIDField(), source="exclusions.campaigns", default=list
    )
    exclude_never_wrote = serializers.BooleanField(source="exclusions.never_wrote", default=False)
    connection_ids = serializers.ListField(
        child=serializers.UUIDField(), source="shown_connection_ids", default=list
    )
    status = serializers.ChoiceField(choices=Campaign.Status.choices)
    status_reason = serializers.ChoiceField(
        choices=Campaign.Reason.choices, help_text="Why it is paused or was not sent."
    )
    timing = serializers.ChoiceField(choices=Campaign.Timing.choices)
    scheduled_at = serializers.DateTimeField(allow_null=True)
    local_at = serializers.DateTimeField(
        allow_null=True, help_text="Each recipient's wall clock, written as UTC."
    )
    time_zone = serializers.CharField()
    cron = serializers.CharField()
    expire_hours = serializers.IntegerField()
    total_recipients = serializers.IntegerField()
    open_count = serializers.IntegerField(help_text="Recipients without a final state.")
    sent_count = serializers.IntegerField()
    delivered_count = serializers.IntegerField()
    read_count = serializers.IntegerField()
    replied_count = serializers.IntegerField()
    failed_count = serializers.IntegerField()
    unknown_count = serializers.IntegerField(help_text="May have arrived; never sent again by itself.")
    skipped_count = serializers.IntegerField(help_text="Left out, at the start or when their turn came.")
    cancelled_count = serializers.IntegerField()
    expired_count = serializers.IntegerField()
    opted_out_count = serializers.IntegerField(help_text="Opted out after this campaign's message.")
    started_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class VariantBody(CamelCaseSerializer):
    """Text of a campaign with its share of recipients."""

    content = Text(max_length=32_768)
    share = Whole(min_value=1, max_value=100)


class CampaignBody(CamelCaseSerializer):
    """Settings of a campaign."""

    name = Text(max_length=255)
    message_content = Text(max_length=32_768, allow_blank=True, default="", help_text="With {{variables}}.")
    media_id = Key(default=None, allow_null=True, help_text="A file that was uploaded before.")
    variants = Items(child=VariantBody(), default=list, max_length=4, help_text="Two to four, or none.")
    target_type = Choice(choices=Campaign.Target.choices, default=Campaign.Target.ALL)
    target_tags = Items(child=Key(), default=list, max_length=100)
    target_tags_all = Items(child=Key(), default=list, max_length=100)
    segment_id = Key(default=None, allow_null=True)
    earlier_campaign_id = Key(default=None, allow_null=True)
    numbers = Items(
        child=Text(max_length=TEXT_LENGTH),
        default=list,
        max_length=100_000,
        help_text="For the target `custom`: phone numbers.",
    )
    exclude_tags = Items(child=Key(), default=list, max_length=100)
    exclude_campaigns = Items(child=Key(), default=list, max_length=100)
    exclude_never_wrote = Flag(default=False)
    connection_ids = Items(
        child=Key(),
        default=list,
        max_length=100,
        help_text="The numbers that send it; empty: all of the business's.",
    )
    timing = Choice(choices=Campaign.Timing.choices, default=Campaign.Timing.NOW)
    scheduled_at = Moment(default=None, allow_null=True)
    local_at = Moment(default=None, allow_null=True)
    time_zone = Text(max_length=64, default="", allow_blank=True, help_text="Empty: the business's.")
    cron = Text(max_length=100, default="", allow_blank=True)
    expire_hours = Whole(min_value=1, max_value=168, default=3)


class CampaignsQuery(CamelCaseSerializer):
    """Filter of campaigns."""

    status = Choice(choices=Campaign.Status.choices, required=False)


class RecipientSerializer(CamelCaseSerializer):
    """Recipient of a campaign."""

    id = serializers.UUIDField()
    contact_id = serializers.UUIDField(allow_null=True)
    phone_number = serializers.CharField(source="contact.phone_number", default=None, allow_null=True)
    name = serializers.CharField(source="contact.display_name", default="")
    connection_id = serializers.UUIDField(allow_null=True)
    message_id = serializers.UUIDField(allow_null=True)
    status = serializers.ChoiceField(choices=CampaignRecipient.Status.choices)
    reason = serializers.CharField(help_text="Why left out or failed.")
    error_message = serializers.CharField()
    variant = serializers.CharField()
    sent_at = serializers.DateTimeField(allow_null=True)
    delivered_at = serializers.DateTimeField(allow_null=True)
    read_at = serializers.DateTimeField(allow_null=True)
    replied_at = serializers.DateTimeField(allow_null=True)
    opted_out_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class RecipientsQuery(CamelCaseSerializer):
    """Filter of recipients."""

    state = Choice(choices=[name for name in selectors.RECIPIENT_FILTERS if name], required=False)
    q = Text(max_length=200, required=False, help_text="Name or number.")


class OutSerializer(CamelCaseSerializer):
    """Number of people who are excluded for one reason."""

    reason = serializers.CharField()
    text = serializers.CharField(source="label")
    count = serializers.IntegerField()


class NumberPlanSerializer(CamelCaseSerializer):
    """Share of one WhatsApp number in a campaign."""

    connection_id = serializers.UUIDField(source="connection.pk")
    count = serializers.IntegerField()
    finish = serializers.DateTimeField(allow_null=True)


class DryRunSerializer(CamelCaseSerializer):
    """Simulation of sending a campaign now."""

    total = serializers.IntegerField()
    out = OutSerializer(many=True)
    numbers = NumberPlanSerializer(many=True)
    begins = serializers.DateTimeField()
    finish = serializers.DateTimeField(allow_null=True)
    warnings = serializers.ListField(child=serializers.CharField())


class RetriedSerializer(CamelCaseSerializer):
    """Number of messages that are sent again."""

    messages = serializers.IntegerField()


class TestBody(CamelCaseSerializer):
    """Recipient of a test."""

    phone_number = Text(max_length=TEXT_LENGTH, help_text="+ and country code; made a contact if new.")


class TestMessageSerializer(CamelCaseSerializer):
    """Queued message of a test."""

    message_id = serializers.UUIDField(source="id")
    content = serializers.CharField()
    status = serializers.ChoiceField(choices=Message.Status.choices)


class TestedSerializer(CamelCaseSerializer):
    """Test of a campaign: one message for each variant."""

    messages = TestMessageSerializer(many=True)


class TemplateSerializer(CamelCaseSerializer):
    """Message template: text with variables and an optional file."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    content = serializers.CharField()
    media_id = serializers.UUIDField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class TemplateBody(CamelCaseSerializer):
    """Settings of a message template."""

    name = Text(max_length=100)
    content = Text(max_length=32_768, allow_blank=True, default="", help_text="With {{variables}}.")
    media_id = Key(default=None, allow_null=True, help_text="A file that was uploaded before.")

"""API serializers of endpoints, deliveries and events."""

from __future__ import annotations

from rest_framework import serializers

from core.api.fields import Choice, Flag, Items, JsonObject, Key, Moment, QueryList, QueryNumber, Text
from core.api.framework import CamelCaseSerializer
from webhooks.models import Webhook, WebhookDelivery


class WebhookSerializer(CamelCaseSerializer):
    """An endpoint. Its secret and the values of its headers are never returned."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    events = serializers.ListField(child=serializers.CharField(), help_text='Names of events; "*" for all.')
    description = serializers.CharField()
    preset = serializers.ChoiceField(choices=Webhook.Preset.choices)
    header_names = serializers.ListField(child=serializers.CharField())
    is_active = serializers.BooleanField()
    state = serializers.ChoiceField(choices=Webhook.State.choices, help_text="Why it is on or off.")
    state_changed_at = serializers.DateTimeField()
    failing_since = serializers.DateTimeField(allow_null=True)
    last_success_at = serializers.DateTimeField(allow_null=True)
    old_secret_until = serializers.DateTimeField(
        allow_null=True, help_text="Until then the secret before the newest signs too."
    )
    created_at = serializers.DateTimeField()


class WebhookWithSecret(WebhookSerializer):
    """An endpoint with its secret, which is returned only once."""

    secret = serializers.CharField(help_text="whsec_…; verifies signatures. It cannot be asked for again.")


class WebhookBody(CamelCaseSerializer):
    """Settings of an endpoint."""

    url = Text(max_length=500, help_text="https://…, reachable from the internet.")
    events = Items(child=Text(max_length=64), max_length=100, help_text='Names of events; ["*"] for all.')
    description = Text(max_length=200, allow_blank=True, default="")
    preset = Choice(choices=Webhook.Preset.choices, default=Webhook.Preset.STANDARD)
    headers = JsonObject(required=False, help_text="Further headers by name. Kept as they are when not sent.")
    is_active = Flag(default=True)


class AttemptSerializer(CamelCaseSerializer):
    """An attempt to deliver."""

    id = serializers.UUIDField()
    at = serializers.DateTimeField()
    duration_ms = serializers.IntegerField()
    status = serializers.IntegerField(allow_null=True, help_text="HTTP status; null without an answer.")
    error = serializers.CharField(help_text="Why there was no answer.")
    answer = serializers.CharField(help_text="Its first 1024 bytes.")


class DeliverySerializer(CamelCaseSerializer):
    """Delivery of one event to one endpoint."""

    id = serializers.UUIDField()
    webhook_id = serializers.UUIDField()
    event_id = serializers.UUIDField(help_text="What arrives as webhook-id.")
    event_type = serializers.CharField()
    state = serializers.ChoiceField(choices=WebhookDelivery.State.choices)
    attempts = serializers.IntegerField(help_text="Since it was recorded or last replayed.")
    next_attempt_at = serializers.DateTimeField(allow_null=True)
    last_status = serializers.IntegerField(allow_null=True)
    last_error = serializers.CharField()
    settled_at = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class DeliveryWithAttempts(DeliverySerializer):
    """A delivery with its request and all attempts, the latest first."""

    payload = serializers.DictField()
    tries = AttemptSerializer(many=True, source="tries_shown")


class DeliveryQuery(CamelCaseSerializer):
    """Filter of deliveries."""

    webhook_id = Key(required=False)
    state = Choice(choices=WebhookDelivery.State.choices, required=False)
    event_type = Text(max_length=64, required=False)
    since = Moment(required=False)
    until = Moment(required=False)


class ReplayBody(CamelCaseSerializer):
    """Deliveries of an endpoint to send again."""

    only_failed = Flag(default=True, help_text="Only what was given up; else everything.")
    since = Moment(required=False, allow_null=True, default=None)
    until = Moment(required=False, allow_null=True, default=None)


class ReplaySerializer(CamelCaseSerializer):
    """Number of deliveries that are sent again."""

    count = serializers.IntegerField()


class EventTypeSerializer(CamelCaseSerializer):
    """Event type."""

    name = serializers.CharField()
    when = serializers.CharField()
    example = serializers.DictField(help_text="What arrives.")


class EventSerializer(CamelCaseSerializer):
    """An event, exactly as it is posted to endpoints."""

    id = serializers.UUIDField()
    type = serializers.CharField()
    timestamp = serializers.DateTimeField()
    sequence = serializers.IntegerField(help_text="Its number within its conversation, contact, …")
    data = serializers.DictField()  # type: ignore[assignment]


class EventQuery(CamelCaseSerializer):
    """Cursor and filter of the event feed."""

    cursor = Text(max_length=40, required=False, allow_blank=True)
    limit = QueryNumber(min_value=1, max_value=200, default=100)
    types = QueryList(child=serializers.CharField(), required=False, help_text="Names, with commas between.")

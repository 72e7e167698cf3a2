import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import core.ids
import core.security.crypto
from core.db.migration_operations import CreateModels


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("accounts", "__first__"),
    ]

    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="EventFeed",
                    fields=[
                        (
                            "business_profile",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="+",
                                serialize=False,
                                to="accounts.businessprofile",
                            ),
                        ),
                        ("last_position", models.BigIntegerField(default=0)),
                        (
                            "read_at",
                            models.DateTimeField(
                                blank=True,
                                help_text="When a program last asked for events; recording goes on for weeks.",
                                null=True,
                            ),
                        ),
                    ],
                    options={
                        "db_table": "event_feeds",
                    },
                ),
                migrations.CreateModel(
                    name="EventSequence",
                    fields=[
                        ("key", models.UUIDField(primary_key=True, serialize=False)),
                        ("last", models.BigIntegerField(default=0)),
                        (
                            "business_profile",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="accounts.businessprofile",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "event_sequences",
                    },
                ),
                migrations.CreateModel(
                    name="PublicEvent",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("type", models.CharField(max_length=64)),
                        (
                            "key",
                            models.UUIDField(
                                help_text="What it is about: a conversation, contact, number or campaign."
                            ),
                        ),
                        (
                            "sequence",
                            models.BigIntegerField(help_text="Its number among the events of `key`."),
                        ),
                        ("payload", models.TextField()),
                        ("position", models.BigIntegerField(blank=True, null=True)),
                        ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                        (
                            "business_profile",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="accounts.businessprofile",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "public_events",
                        "indexes": [
                            models.Index(fields=["business_profile", "position"], name="public_events_feed")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Webhook",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        ("url", models.CharField(max_length=500)),
                        ("events", models.JSONField(default=list, help_text='Names of events; "*" for all.')),
                        (
                            "secret",
                            core.security.crypto.EncryptedTextField(
                                help_text="Signs what is sent; whsec_ and base64."
                            ),
                        ),
                        ("is_active", models.BooleanField(default=True)),
                        ("description", models.CharField(blank=True, max_length=200)),
                        (
                            "preset",
                            models.CharField(
                                choices=[
                                    ("standard", "Standard Webhooks"),
                                    ("n8n", "n8n"),
                                    ("slack", "Slack and compatible chats"),
                                ],
                                default="standard",
                                max_length=10,
                            ),
                        ),
                        (
                            "headers",
                            core.security.crypto.EncryptedTextField(
                                blank=True,
                                default="",
                                help_text="Further headers as a JSON object; they may hold passwords.",
                            ),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("active", "On"),
                                    ("paused", "Switched off"),
                                    ("gone", "Refused for good"),
                                    ("failing", "Switched off after failures"),
                                ],
                                default="active",
                                max_length=10,
                            ),
                        ),
                        ("state_changed_at", models.DateTimeField(default=django.utils.timezone.now)),
                        (
                            "old_secret",
                            core.security.crypto.EncryptedTextField(
                                blank=True, default="", help_text="Signs too while the new one spreads."
                            ),
                        ),
                        ("old_secret_until", models.DateTimeField(blank=True, null=True)),
                        (
                            "not_before",
                            models.DateTimeField(
                                blank=True, help_text="The receiver asked for a rest.", null=True
                            ),
                        ),
                        (
                            "failing_since",
                            models.DateTimeField(
                                blank=True,
                                help_text="The first failure after which nothing got through.",
                                null=True,
                            ),
                        ),
                        ("last_success_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "owner_told_at",
                            models.DateTimeField(
                                blank=True,
                                help_text="When the owner was written to about its being switched off.",
                                null=True,
                            ),
                        ),
                        (
                            "business_profile",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="webhooks",
                                to="accounts.businessprofile",
                            ),
                        ),
                        (
                            "created_by",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "db_table": "webhooks",
                        "indexes": [
                            models.Index(
                                condition=models.Q(
                                    ("owner_told_at", None), ("state__in", ["gone", "failing"])
                                ),
                                fields=["state_changed_at"],
                                name="webhooks_untold",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="WebhookDelivery",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("event_type", models.CharField(max_length=64)),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("pending", "Waiting"),
                                    ("delivered", "Delivered"),
                                    ("failed", "Given up"),
                                ],
                                default="pending",
                                max_length=10,
                            ),
                        ),
                        (
                            "attempts",
                            models.SmallIntegerField(
                                default=0, help_text="Since it was recorded or last replayed."
                            ),
                        ),
                        (
                            "next_attempt_at",
                            models.DateTimeField(
                                blank=True,
                                help_text="While claimed: when the claim ends. Empty when settled.",
                                null=True,
                            ),
                        ),
                        (
                            "claim",
                            models.UUIDField(blank=True, help_text="Who is trying it just now.", null=True),
                        ),
                        (
                            "last_status",
                            models.SmallIntegerField(
                                blank=True, help_text="HTTP status of the last answer.", null=True
                            ),
                        ),
                        ("last_error", models.CharField(blank=True, max_length=64)),
                        ("settled_at", models.DateTimeField(blank=True, null=True)),
                        ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                        (
                            "business_profile",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="accounts.businessprofile",
                            ),
                        ),
                        (
                            "event",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="deliveries",
                                to="webhooks.publicevent",
                            ),
                        ),
                        (
                            "webhook",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="deliveries",
                                to="webhooks.webhook",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "webhook_deliveries",
                        "indexes": [
                            models.Index(
                                condition=models.Q(("state", "pending")),
                                fields=["webhook", "next_attempt_at"],
                                name="webhook_deliveries_due",
                            ),
                            models.Index(
                                models.F("webhook"),
                                models.OrderBy(models.F("id"), descending=True),
                                name="webhook_deliveries_webhook",
                            ),
                            models.Index(
                                models.F("business_profile"),
                                models.OrderBy(models.F("id"), descending=True),
                                name="webhook_deliveries_business",
                            ),
                            models.Index(
                                models.F("business_profile"),
                                models.OrderBy(models.F("id"), descending=True),
                                condition=models.Q(("state", "failed")),
                                name="webhook_deliveries_failed",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("event", "webhook"), name="webhook_deliveries_event_once"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="WebhookAttempt",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("at", models.DateTimeField()),
                        ("duration_ms", models.IntegerField()),
                        (
                            "status",
                            models.SmallIntegerField(
                                blank=True, help_text="HTTP status; empty without an answer.", null=True
                            ),
                        ),
                        (
                            "error",
                            models.CharField(
                                blank=True, help_text="Why there was no answer, as a code.", max_length=64
                            ),
                        ),
                        (
                            "answer",
                            models.TextField(blank=True, help_text="The first 1024 bytes of what came back."),
                        ),
                        (
                            "delivery",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="tries",
                                to="webhooks.webhookdelivery",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "webhook_attempts",
                    },
                ),
            ]
        ),
    ]

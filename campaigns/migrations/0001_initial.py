import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import core.ids
from core.db.migration_operations import CreateModels


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("accounts", "__first__"),
        ("connections", "0001_initial"),
        ("contacts", "0001_initial"),
        ("messaging", "0001_initial"),
    ]

    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="Campaign",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        ("sent_count", models.IntegerField(default=0)),
                        ("delivered_count", models.IntegerField(default=0)),
                        ("read_count", models.IntegerField(default=0)),
                        ("failed_count", models.IntegerField(default=0)),
                        ("unknown_count", models.IntegerField(default=0)),
                        ("skipped_count", models.IntegerField(default=0)),
                        ("cancelled_count", models.IntegerField(default=0)),
                        ("expired_count", models.IntegerField(default=0)),
                        ("replied_count", models.IntegerField(default=0)),
                        ("opted_out_count", models.IntegerField(default=0)),
                        (
                            "open_count",
                            models.IntegerField(default=0, help_text="Recipients without a final state."),
                        ),
                        ("name", models.CharField(max_length=255)),
                        (
                            "message_content",
                            models.TextField(
                                blank=True, help_text="With {{variables}}; the caption if there is media."
                            ),
                        ),
                        (
                            "media_url",
                            models.CharField(
                                blank=True, help_text="Path of the authorised download.", max_length=500
                            ),
                        ),
                        (
                            "variants",
                            models.JSONField(
                                blank=True,
                                default=list,
                                help_text='[{"key": "A", "content": "...", "share": 50}, ...]; empty: one text.',
                            ),
                        ),
                        (
                            "target_type",
                            models.CharField(
                                choices=[
                                    ("all", "Everybody"),
                                    ("tags", "People with tags"),
                                    ("segment", "A saved segment"),
                                    ("custom", "A list of numbers"),
                                    ("no_reply", "Who did not answer an earlier campaign"),
                                ],
                                default="all",
                                max_length=20,
                            ),
                        ),
                        (
                            "target_tags",
                            models.JSONField(blank=True, default=list, help_text="Tag ids: any of them."),
                        ),
                        (
                            "target_tags_all",
                            models.JSONField(blank=True, default=list, help_text="Tag ids: all of them."),
                        ),
                        ("segment_id", models.UUIDField(blank=True, null=True)),
                        (
                            "exclusions",
                            models.JSONField(
                                blank=True,
                                default=dict,
                                help_text='{"tags": [ids], "never_wrote": bool, "campaigns": [ids]}',
                            ),
                        ),
                        (
                            "list_summary",
                            models.JSONField(
                                blank=True,
                                default=dict,
                                help_text="Of a list: lines, invalid and repeated ones.",
                            ),
                        ),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("draft", "Draft"),
                                    ("scheduled", "Scheduled"),
                                    ("sending", "Sending"),
                                    ("paused", "Paused"),
                                    ("completed", "Completed"),
                                    ("cancelled", "Cancelled"),
                                    ("failed", "Not sent"),
                                ],
                                default="draft",
                                max_length=20,
                            ),
                        ),
                        (
                            "status_reason",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("", ""),
                                    ("person", "By a person"),
                                    ("failures", "Three failures in a row"),
                                    ("not_on_whatsapp", "Too many are not on WhatsApp"),
                                    ("opt_outs", "Too many opt-outs"),
                                    ("limited", "The number is limited by WhatsApp"),
                                    ("banned", "The number is banned by WhatsApp"),
                                    ("no_number", "No number is left"),
                                    ("missed", "Its time has passed"),
                                    ("nobody", "Nobody to send it to"),
                                    ("old_data", "The data may be old"),
                                    ("incomplete", "Something it needs is gone"),
                                ],
                                default="",
                                max_length=20,
                            ),
                        ),
                        (
                            "timing",
                            models.CharField(
                                choices=[
                                    ("now", "Now"),
                                    ("at", "At a time"),
                                    ("local", "At the recipient's local time"),
                                    ("repeat", "Again and again"),
                                ],
                                default="now",
                                max_length=10,
                            ),
                        ),
                        (
                            "scheduled_at",
                            models.DateTimeField(
                                blank=True, help_text="When it is to start, next.", null=True
                            ),
                        ),
                        (
                            "local_at",
                            models.DateTimeField(
                                blank=True,
                                help_text="Wall clock in each recipient's zone, kept as if it were UTC.",
                                null=True,
                            ),
                        ),
                        ("time_zone", models.CharField(blank=True, max_length=64)),
                        (
                            "cron",
                            models.CharField(
                                blank=True, help_text="Five fields, in time_zone.", max_length=100
                            ),
                        ),
                        (
                            "expire_hours",
                            models.SmallIntegerField(
                                default=3, help_text="What is later than its time by more is not sent."
                            ),
                        ),
                        ("slot", models.DateTimeField(blank=True, null=True)),
                        (
                            "total_recipients",
                            models.IntegerField(
                                default=0, help_text="Frozen in; those left out are skipped."
                            ),
                        ),
                        ("started_at", models.DateTimeField(blank=True, null=True)),
                        ("paused_at", models.DateTimeField(blank=True, null=True)),
                        ("resumed_at", models.DateTimeField(blank=True, null=True)),
                        ("completed_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "placed_until",
                            models.UUIDField(
                                blank=True,
                                help_text="Contacts up to this one have their number and time.",
                                null=True,
                            ),
                        ),
                        (
                            "health_base",
                            models.JSONField(
                                blank=True,
                                default=dict,
                                help_text="Counters when a person last let it go on: the health rules begin there.",
                            ),
                        ),
                        (
                            "business_profile",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="campaigns",
                                to="accounts.businessprofile",
                            ),
                        ),
                        (
                            "connections",
                            models.ManyToManyField(
                                db_table="campaign_numbers",
                                related_name="+",
                                to="connections.whatsappconnection",
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
                        (
                            "earlier",
                            models.ForeignKey(
                                blank=True,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="campaigns.campaign",
                            ),
                        ),
                        (
                            "media",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="messaging.mediafile",
                            ),
                        ),
                        (
                            "series",
                            models.ForeignKey(
                                blank=True,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="runs",
                                to="campaigns.campaign",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "campaigns",
                        "indexes": [
                            models.Index(
                                fields=["business_profile", "status"], name="idx_campaigns_business"
                            ),
                            models.Index(
                                models.F("business_profile"),
                                models.OrderBy(models.F("created_at"), descending=True),
                                models.OrderBy(models.F("id"), descending=True),
                                name="campaigns_list",
                            ),
                            models.Index(
                                condition=models.Q(("status", "scheduled")),
                                fields=["scheduled_at"],
                                name="campaigns_due",
                            ),
                            models.Index(
                                condition=models.Q(("status", "sending")),
                                fields=["status"],
                                name="campaigns_sending",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("series", "slot"), name="campaigns_series_slot_unique"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="CampaignPerson",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        (
                            "campaign",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="people",
                                to="campaigns.campaign",
                            ),
                        ),
                        (
                            "contact",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="contacts.contact",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "campaign_people",
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("campaign", "contact"), name="campaign_people_unique"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="CampaignRecipient",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("pending", "Waiting"),
                                    ("queued", "In the outbox"),
                                    ("unknown", "May have been sent"),
                                    ("skipped", "Left out"),
                                    ("failed", "Failed"),
                                    ("cancelled", "Cancelled"),
                                    ("expired", "Too late"),
                                    ("sent", "Sent"),
                                    ("delivered", "Delivered"),
                                    ("read", "Read"),
                                ],
                                default="pending",
                                max_length=20,
                            ),
                        ),
                        (
                            "reason",
                            models.CharField(blank=True, help_text="Why left out or failed.", max_length=64),
                        ),
                        ("error_message", models.TextField(blank=True)),
                        ("variant", models.CharField(blank=True, max_length=1)),
                        (
                            "cold",
                            models.BooleanField(
                                db_default=False,
                                default=False,
                                help_text="Had never written to us when their number was chosen.",
                            ),
                        ),
                        (
                            "due_at",
                            models.DateTimeField(
                                help_text="Not before; empty: as soon as it is their turn.", null=True
                            ),
                        ),
                        ("sent_at", models.DateTimeField(null=True)),
                        ("delivered_at", models.DateTimeField(null=True)),
                        ("read_at", models.DateTimeField(null=True)),
                        ("replied_at", models.DateTimeField(null=True)),
                        ("opted_out_at", models.DateTimeField(null=True)),
                        (
                            "settled_at",
                            models.DateTimeField(help_text="When it first came to a final state.", null=True),
                        ),
                        ("created_at", models.DateTimeField()),
                        (
                            "campaign",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="recipients",
                                to="campaigns.campaign",
                            ),
                        ),
                        (
                            "connection",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                help_text="The number that writes to them; empty until it is chosen.",
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="connections.whatsappconnection",
                            ),
                        ),
                        (
                            "contact",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="campaign_recipients",
                                to="contacts.contact",
                            ),
                        ),
                        (
                            "message",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="messaging.message",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "campaign_recipients",
                        "indexes": [
                            models.Index(
                                condition=models.Q(
                                    ("connection__isnull", False),
                                    ("due_at__isnull", True),
                                    ("status", "pending"),
                                ),
                                fields=["campaign", "connection", "cold", "contact"],
                                name="campaign_recipients_next",
                            ),
                            models.Index(
                                condition=models.Q(("due_at__isnull", False), ("status", "pending")),
                                fields=["campaign", "due_at"],
                                name="campaign_recipients_due",
                            ),
                            models.Index(
                                condition=models.Q(("status", "queued")),
                                fields=["campaign", "connection"],
                                name="campaign_recipients_queued",
                            ),
                            models.Index(
                                condition=models.Q(
                                    ("status__in", ["failed", "unknown", "skipped", "cancelled", "expired"])
                                ),
                                fields=["campaign", "contact"],
                                name="campaign_recipients_problems",
                            ),
                            models.Index(
                                condition=models.Q(("message__isnull", False)),
                                fields=["message"],
                                name="campaign_recipients_message",
                            ),
                            models.Index(
                                models.F("contact"),
                                models.OrderBy(models.F("sent_at"), descending=True),
                                condition=models.Q(("sent_at__isnull", False)),
                                name="campaign_recipients_contact",
                            ),
                            models.Index(
                                models.F("campaign"),
                                models.OrderBy(models.F("sent_at"), descending=True),
                                condition=models.Q(("sent_at__isnull", False)),
                                name="campaign_recipients_sent",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("campaign", "contact"), name="campaign_recipients_unique"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="CampaignTally",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("sent_count", models.IntegerField(default=0)),
                        ("delivered_count", models.IntegerField(default=0)),
                        ("read_count", models.IntegerField(default=0)),
                        ("failed_count", models.IntegerField(default=0)),
                        ("unknown_count", models.IntegerField(default=0)),
                        ("skipped_count", models.IntegerField(default=0)),
                        ("cancelled_count", models.IntegerField(default=0)),
                        ("expired_count", models.IntegerField(default=0)),
                        ("replied_count", models.IntegerField(default=0)),
                        ("opted_out_count", models.IntegerField(default=0)),
                        (
                            "open_count",
                            models.IntegerField(default=0, help_text="Recipients without a final state."),
                        ),
                        ("variant", models.CharField(blank=True, max_length=1)),
                        (
                            "campaign",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="tallies",
                                to="campaigns.campaign",
                            ),
                        ),
                        (
                            "connection",
                            models.ForeignKey(
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="connections.whatsappconnection",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "campaign_tallies",
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("campaign", "connection", "variant"), name="campaign_tallies_unique"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="MessageTemplate",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        ("name", models.CharField(max_length=100)),
                        ("content", models.TextField(blank=True)),
                        (
                            "business_profile",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="message_templates",
                                to="accounts.businessprofile",
                            ),
                        ),
                        (
                            "media",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="messaging.mediafile",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "message_templates",
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("business_profile", "name"), name="message_templates_name_unique"
                            )
                        ],
                    },
                ),
            ]
        ),
    ]

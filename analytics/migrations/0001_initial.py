import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import core.ids
from core.db.migration_operations import CreateModels


def index_ordinals(apps, schema_editor):
    """PostgreSQL reads ordinals from the index alone; SQLite's primary key cannot include another column."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("CREATE INDEX stats_numbers_with_number ON stats_numbers (id) INCLUDE (number)")


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("accounts", "__first__"),
        ("connections", "0001_initial"),
    ]

    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="ReportSubscription",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        (
                            "sent_week",
                            models.DateField(
                                blank=True,
                                help_text="The Monday of the last week that was reported.",
                                null=True,
                            ),
                        ),
                        (
                            "membership",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="accounts.membership",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "report_subscriptions",
                    },
                ),
                migrations.CreateModel(
                    name="StatsClock",
                    fields=[
                        (
                            "business_profile",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="stats_clock",
                                serialize=False,
                                to="accounts.businessprofile",
                            ),
                        ),
                        ("time_zone", models.CharField(max_length=64)),
                        (
                            "counted_until",
                            models.DateField(
                                blank=True,
                                help_text="Dates up to here without a row in daily_stats were empty.",
                                null=True,
                            ),
                        ),
                        ("due_at", models.DateTimeField(help_text="When the next date can be counted.")),
                        (
                            "grouped_on",
                            models.DateField(
                                blank=True,
                                help_text="The business's date on which its contacts were last put into groups.",
                                null=True,
                            ),
                        ),
                        (
                            "next_contact",
                            models.IntegerField(
                                default=0, help_text="The number that the next contact gets."
                            ),
                        ),
                        (
                            "next_conversation",
                            models.IntegerField(
                                default=0, help_text="The number that the next conversation gets."
                            ),
                        ),
                    ],
                    options={
                        "db_table": "stats_clocks",
                        "indexes": [models.Index(fields=["due_at"], name="stats_clocks_due")],
                    },
                ),
                migrations.CreateModel(
                    name="StatsMark",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("business_profile_id", models.UUIDField()),
                        ("hour", models.DateTimeField()),
                    ],
                    options={
                        "db_table": "stats_marks",
                        "indexes": [
                            models.Index(fields=["business_profile_id", "hour"], name="stats_marks_hour")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="DailyAgentStats",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("date", models.DateField()),
                        ("sent", models.IntegerField(default=0)),
                        ("closed", models.IntegerField(default=0)),
                        ("answer_seconds", models.BinaryField(default=b"")),
                        ("resolution_seconds", models.BinaryField(default=b"")),
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
                            "user",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "db_table": "daily_agent_stats",
                        "indexes": [
                            models.Index(fields=["business_profile", "date"], name="daily_agent_stats_date")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="DailyMessageStats",
                    fields=[
                        (
                            "id",
                            models.BigAutoField(
                                auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                            ),
                        ),
                        ("date", models.DateField()),
                        (
                            "direction",
                            models.CharField(choices=[("inbound", "In"), ("outbound", "Out")], max_length=10),
                        ),
                        (
                            "message_type",
                            models.CharField(
                                choices=[
                                    ("text", "Text"),
                                    ("image", "Image"),
                                    ("video", "Video"),
                                    ("document", "Document"),
                                    ("audio", "Audio"),
                                    ("voice", "Voice message"),
                                    ("sticker", "Sticker"),
                                    ("location", "Location"),
                                    ("contact_card", "Contact card"),
                                    ("poll", "Poll"),
                                    ("reaction", "Reaction"),
                                    ("unknown", "Unsupported message"),
                                ],
                                max_length=20,
                            ),
                        ),
                        ("messages", models.IntegerField()),
                        ("sent", models.IntegerField(default=0)),
                        ("delivered", models.IntegerField(default=0)),
                        ("read", models.IntegerField(default=0)),
                        ("failed", models.IntegerField(default=0)),
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
                            "connection",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="connections.whatsappconnection",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "daily_message_stats",
                        "indexes": [
                            models.Index(fields=["business_profile", "date"], name="daily_message_stats_date")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="DailyStats",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        ("date", models.DateField()),
                        ("messages_sent", models.IntegerField(default=0)),
                        ("messages_received", models.IntegerField(default=0)),
                        ("new_contacts", models.IntegerField(default=0)),
                        ("active_contacts", models.IntegerField(default=0)),
                        ("conversations", models.IntegerField(default=0)),
                        ("opt_outs", models.IntegerField(default=0)),
                        ("received_by_hour", models.JSONField(default=list)),
                        ("sent_by_hour", models.JSONField(default=list)),
                        ("active_set", models.BinaryField(default=b"", help_text="Contacts who wrote.")),
                        (
                            "reached_set",
                            models.BinaryField(default=b"", help_text="Contacts to whom something was sent."),
                        ),
                        (
                            "conversation_set",
                            models.BinaryField(
                                default=b"", help_text="Conversations with a message that is no campaign's."
                            ),
                        ),
                        (
                            "state",
                            models.CharField(
                                choices=[
                                    ("open", "To be counted again"),
                                    ("started", "Being counted"),
                                    ("done", "Counted"),
                                ],
                                default="open",
                                max_length=10,
                            ),
                        ),
                        (
                            "token",
                            models.UUIDField(
                                blank=True,
                                help_text="Who counts it: what somebody else counted meanwhile is not kept.",
                                null=True,
                            ),
                        ),
                        ("counted_at", models.DateTimeField(blank=True, null=True)),
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
                        "verbose_name_plural": "daily stats",
                        "db_table": "daily_stats",
                        "indexes": [
                            models.Index(
                                condition=models.Q(("state", "done"), _negated=True),
                                fields=["business_profile", "date"],
                                name="daily_stats_due",
                            )
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("business_profile", "date"), name="daily_stats_date_unique"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="StatsNumber",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                help_text="The contact's or the conversation's.",
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[("contact", "Contact"), ("conversation", "Conversation")],
                                max_length=12,
                            ),
                        ),
                        ("number", models.IntegerField()),
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
                        "db_table": "stats_numbers",
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("business_profile", "kind", "number"),
                                name="stats_numbers_number_unique",
                            )
                        ],
                    },
                ),
            ]
        ),
        migrations.RunPython(index_ordinals, migrations.RunPython.noop),
    ]

import django.db.models.deletion
from django.db import migrations, models

FORGET = [
    f"DELETE FROM {table}"  # noqa: S608 - names of tables
    for table in ("daily_stats", "daily_message_stats", "daily_agent_stats", "stats_clocks")
]
"""What is counted holds sets of the other kind. It is counted anew; until then pages count from the rows."""


class Migration(migrations.Migration):
    dependencies = [
        ("analytics", "0002_grouped_on"),
    ]

    operations = [
        migrations.RunSQL(FORGET, FORGET),
        migrations.RenameField("dailystats", "active_ids", "active_set"),
        migrations.RenameField("dailystats", "reached_ids", "reached_set"),
        migrations.RenameField("dailystats", "conversation_ids", "conversation_set"),
        migrations.AddField(
            "statsclock",
            "next_contact",
            models.IntegerField(default=0, help_text="The number that the next contact gets."),
        ),
        migrations.AddField(
            "statsclock",
            "next_conversation",
            models.IntegerField(default=0, help_text="The number that the next conversation gets."),
        ),
        migrations.CreateModel(
            name="StatsNumber",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        help_text="The contact's or the conversation's.", primary_key=True, serialize=False
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("contact", "Contact"), ("conversation", "Conversation")], max_length=12
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
                        fields=("business_profile", "kind", "number"), name="stats_numbers_number_unique"
                    )
                ],
            },
        ),
    ]

"""What a runner asks for all the time is answered from indexes that hold the work at hand and none of the history."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_audit_log_is_final"),
        ("connections", "0001_initial"),
        ("contacts", "0002_search"),
        ("messaging", "0003_search"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="mediafile",
            name="media_files_wanted",
        ),
        migrations.RemoveIndex(
            model_name="message",
            name="messages_outbox",
        ),
        migrations.RemoveIndex(
            model_name="message",
            name="messages_in_flight",
        ),
        migrations.AddField(
            model_name="mediafile",
            name="connection",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="The number that fetches it; empty for uploads.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="connections.whatsappconnection",
            ),
        ),
        migrations.AddIndex(
            model_name="mediafile",
            index=models.Index(
                models.F("connection"),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("state", "wanted")),
                name="media_files_due",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("media__isnull", False)), fields=["media"], name="messages_media"
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("claim_epoch", 0), ("not_before__isnull", True), ("status", "queued")),
                fields=["connection", "priority", "id"],
                name="messages_ready",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("claim_epoch__gt", 0), ("status", "queued")),
                fields=["connection"],
                name="messages_claimed",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("status", "sending")),
                fields=["connection", "conversation"],
                name="messages_begun",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("not_before__isnull", False), ("status", "queued")),
                fields=["conversation"],
                name="messages_holding",
            ),
        ),
        migrations.RunSQL(
            "UPDATE media_files SET connection_id = "
            "(SELECT connection_id FROM messages WHERE messages.media_id = media_files.id LIMIT 1) "
            "WHERE state = 'wanted'",
            migrations.RunSQL.noop,
        ),
    ]

"""When the next waiting message is due, and which have waited too long, without reading the whole outbox."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("messaging", "0001_initial")]

    operations = [
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("not_before__isnull", False), ("status", "queued")),
                fields=["connection", "not_before"],
                name="messages_waiting",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("expires_at__isnull", False), ("status", "queued")),
                fields=["connection", "expires_at"],
                name="messages_expiring",
            ),
        ),
    ]

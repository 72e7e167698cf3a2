"""Reactions that are messages of their own go onto the message they are on; deleted messages lose their content."""

from django.db import migrations


def put_on_messages(apps, schema_editor):
    Message = apps.get_model("messaging", "Message")
    reactions = Message.objects.filter(message_type="reaction").exclude(reply_to_wa_id="")
    for one in reactions.order_by("created_at", "id").iterator():
        target = Message.objects.filter(
            connection=one.connection_id, whatsapp_message_id=one.reply_to_wa_id
        ).first()
        if target is None or not isinstance(target.metadata, dict) or "revoked_at" in target.metadata:
            continue
        mine = {
            "emoji": one.content[:40],
            "at": one.created_at.isoformat(timespec="microseconds"),
            "id": one.whatsapp_message_id or "",
        }
        target.metadata["reactions"] = target.metadata.get("reactions", {}) | {one.direction: mine}
        target.save(update_fields=["metadata"])


def empty_deleted(apps, schema_editor):
    Message = apps.get_model("messaging", "Message")
    Conversation = apps.get_model("messaging", "Conversation")
    for one in Message.objects.filter(metadata__has_key="revoked_at").iterator():
        one.content, one.search_text, one.media, one.media_url, one.body_pending = "", "", None, "", False
        one.metadata = {key: one.metadata[key] for key in ("campaign", "revoked_at") if key in one.metadata}
        one.save(update_fields=["content", "search_text", "media", "media_url", "body_pending", "metadata"])
        Conversation.objects.filter(last_message_id=one.pk).update(
            preview="This message was deleted", preview_type="text"
        )


class Migration(migrations.Migration):
    dependencies = [("messaging", "0012_parked_changes")]

    operations = [
        migrations.RunPython(put_on_messages, migrations.RunPython.noop),
        migrations.RunPython(empty_deleted, migrations.RunPython.noop),
    ]

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import core.db.search
import core.ids
import messaging.models.media
from core.db import search
from core.db.migration_operations import CreateModels


def index_search_terms(apps, schema_editor):
    """Create the full-text index of searches."""
    search.create_index(schema_editor, "messages")


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("accounts", "__first__"),
        ("connections", "0001_initial"),
        ("contacts", "0001_initial"),
    ]

    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="Conversation",
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
                            "state",
                            models.CharField(
                                choices=[("open", "Open"), ("closed", "Closed")],
                                default="open",
                                max_length=10,
                            ),
                        ),
                        ("last_message_at", models.DateTimeField(default=django.utils.timezone.now)),
                        ("last_message_id", models.UUIDField(blank=True, null=True)),
                        ("preview", models.CharField(blank=True, max_length=160)),
                        ("preview_type", models.CharField(blank=True, max_length=20)),
                        ("preview_direction", models.CharField(blank=True, max_length=10)),
                        ("preview_status", models.CharField(blank=True, max_length=20)),
                        ("unread_count", models.IntegerField(default=0)),
                        (
                            "last_read_at",
                            models.DateTimeField(
                                blank=True, help_text="Inbound up to here was seen by a person.", null=True
                            ),
                        ),
                        (
                            "receipt_wanted",
                            models.BooleanField(
                                default=False, help_text="WhatsApp has not been told of last_read_at."
                            ),
                        ),
                        (
                            "assigned_to",
                            models.ForeignKey(
                                blank=True,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "business_profile",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="conversations",
                                to="accounts.businessprofile",
                            ),
                        ),
                        (
                            "connection",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="conversations",
                                to="connections.whatsappconnection",
                            ),
                        ),
                        (
                            "contact",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="conversations",
                                to="contacts.contact",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "conversations",
                        "indexes": [
                            models.Index(
                                models.F("business_profile"),
                                models.OrderBy(models.F("last_message_at"), descending=True),
                                models.OrderBy(models.F("id"), descending=True),
                                name="conversations_list",
                            ),
                            models.Index(
                                models.F("business_profile"),
                                models.OrderBy(models.F("last_message_at"), descending=True),
                                models.OrderBy(models.F("id"), descending=True),
                                condition=models.Q(("unread_count__gt", 0)),
                                name="conversations_unread",
                            ),
                            models.Index(
                                models.F("assigned_to"),
                                models.OrderBy(models.F("last_message_at"), descending=True),
                                models.OrderBy(models.F("id"), descending=True),
                                name="conversations_mine",
                            ),
                            models.Index(fields=["contact"], name="conversations_contact"),
                            models.Index(
                                condition=models.Q(("receipt_wanted", True)),
                                fields=["connection"],
                                name="conversations_receipts",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("connection", "contact"),
                                name="conversations_connection_contact_unique",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ConversationEvent",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[("closed", "Closed"), ("reopened", "Reopened")], max_length=10
                            ),
                        ),
                        (
                            "begun_at",
                            models.DateTimeField(
                                blank=True,
                                help_text="Of a closing: when what it settled began. Empty where the customer had not written.",
                                null=True,
                            ),
                        ),
                        ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                        (
                            "actor",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
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
                            "conversation",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="events",
                                to="messaging.conversation",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "conversation_events",
                        "indexes": [
                            models.Index(
                                fields=["business_profile", "created_at"], name="conversation_events_business"
                            ),
                            models.Index(
                                fields=["conversation", "created_at"], name="conversation_events_talk"
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Draft",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        ("text", models.TextField(blank=True)),
                        (
                            "conversation",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="drafts",
                                to="messaging.conversation",
                            ),
                        ),
                        (
                            "user",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "db_table": "drafts",
                        "constraints": [
                            models.UniqueConstraint(fields=("conversation", "user"), name="drafts_unique")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="MediaFile",
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
                            "state",
                            models.CharField(
                                choices=[
                                    ("wanted", "To be fetched"),
                                    ("ready", "Ready"),
                                    ("failed", "Not available"),
                                ],
                                default="ready",
                                max_length=10,
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                help_text="A message type: image, video, document, audio, sticker.",
                                max_length=20,
                            ),
                        ),
                        ("mime", models.CharField(max_length=100)),
                        ("name", models.CharField(blank=True, max_length=255)),
                        ("size", models.BigIntegerField(default=0, help_text="Bytes.")),
                        ("sha256", models.CharField(blank=True, max_length=64)),
                        ("width", models.IntegerField(blank=True, null=True)),
                        ("height", models.IntegerField(blank=True, null=True)),
                        (
                            "file",
                            models.FileField(
                                blank=True, max_length=255, upload_to=messaging.models.media.media_path
                            ),
                        ),
                        (
                            "thumbnail",
                            models.FileField(
                                blank=True, max_length=255, upload_to=messaging.models.media.thumbnail_path
                            ),
                        ),
                        (
                            "source",
                            models.JSONField(
                                blank=True,
                                default=dict,
                                help_text="The driver's reference, while it is to be fetched.",
                            ),
                        ),
                        ("attempts", models.SmallIntegerField(default=0)),
                        ("not_before", models.DateTimeField(blank=True, null=True)),
                        ("error_code", models.CharField(blank=True, max_length=64)),
                        (
                            "kept",
                            models.BooleanField(
                                default=False,
                                help_text="A campaign or template has it: it stays although no message does.",
                            ),
                        ),
                        (
                            "business_profile",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="media_files",
                                to="accounts.businessprofile",
                            ),
                        ),
                        (
                            "connection",
                            models.ForeignKey(
                                blank=True,
                                db_index=False,
                                help_text="The number that fetches it; empty for uploads.",
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to="connections.whatsappconnection",
                            ),
                        ),
                        (
                            "uploaded_by",
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
                        "db_table": "media_files",
                        "indexes": [
                            models.Index(
                                fields=["business_profile", "created_at"], name="media_files_business"
                            ),
                            models.Index(
                                models.F("connection"),
                                models.OrderBy(models.F("id"), descending=True),
                                condition=models.Q(("state", "wanted")),
                                name="media_files_due",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ContactPicture",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        ("check_at", models.DateTimeField(help_text="Not asked for again before.")),
                        (
                            "contact",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="picture",
                                to="contacts.contact",
                            ),
                        ),
                        (
                            "media",
                            models.ForeignKey(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="pictures",
                                to="messaging.mediafile",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "contact_pictures",
                    },
                ),
                migrations.CreateModel(
                    name="Message",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        (
                            "search_text",
                            core.db.search.SearchTextField(
                                blank=True, default="", editable=False, help_text="Terms of the search."
                            ),
                        ),
                        ("whatsapp_message_id", models.CharField(blank=True, max_length=255, null=True)),
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
                        ("content", models.TextField(blank=True)),
                        (
                            "media_url",
                            models.CharField(
                                blank=True, help_text="Path of the authorised download.", max_length=500
                            ),
                        ),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("received", "Received"),
                                    ("queued", "Waiting to be sent"),
                                    ("sending", "Being sent"),
                                    ("unknown", "May have been sent"),
                                    ("failed", "Not sent"),
                                    ("sent", "Sent"),
                                    ("delivered", "Delivered"),
                                    ("read", "Read"),
                                    ("played", "Played"),
                                    ("cancelled", "Cancelled"),
                                    ("expired", "Expired"),
                                ],
                                max_length=20,
                            ),
                        ),
                        ("is_from_bot", models.BooleanField(default=False)),
                        ("metadata", models.JSONField(blank=True, default=dict)),
                        (
                            "created_at",
                            models.DateTimeField(
                                default=django.utils.timezone.now,
                                help_text="Place in the conversation: WhatsApp's time for what came late, else ours.",
                            ),
                        ),
                        (
                            "origin",
                            models.CharField(
                                choices=[
                                    ("customer", "Customer"),
                                    ("inbox", "Inbox"),
                                    ("phone", "Phone"),
                                    ("api", "API"),
                                    ("campaign", "Campaign"),
                                ],
                                max_length=10,
                            ),
                        ),
                        (
                            "reply_to_wa_id",
                            models.CharField(
                                blank=True, help_text="The quoted message's WhatsApp id.", max_length=255
                            ),
                        ),
                        (
                            "backfilled",
                            models.BooleanField(default=False, help_text="Came by gap repair, not live."),
                        ),
                        (
                            "body_pending",
                            models.BooleanField(
                                default=False, help_text="Known by its id only; the content is still to come."
                            ),
                        ),
                        (
                            "client_token",
                            models.CharField(
                                blank=True,
                                help_text="The sender's own key: one token, one message.",
                                max_length=64,
                                null=True,
                            ),
                        ),
                        (
                            "priority",
                            models.SmallIntegerField(
                                choices=[(0, "A person's reply"), (10, "API"), (20, "Campaign")], default=0
                            ),
                        ),
                        ("not_before", models.DateTimeField(blank=True, null=True)),
                        ("expires_at", models.DateTimeField(blank=True, null=True)),
                        ("attempts", models.SmallIntegerField(default=0)),
                        (
                            "claim_epoch",
                            models.BigIntegerField(
                                default=0, help_text="Lease epoch of the runner that took it; 0: nobody."
                            ),
                        ),
                        ("sending_since", models.DateTimeField(blank=True, null=True)),
                        ("sent_at", models.DateTimeField(blank=True, null=True)),
                        ("delivered_at", models.DateTimeField(blank=True, null=True)),
                        ("read_at", models.DateTimeField(blank=True, null=True)),
                        ("error_code", models.CharField(blank=True, max_length=64)),
                        ("error_message", models.CharField(blank=True, max_length=500)),
                        (
                            "business_profile",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="messages",
                                to="accounts.businessprofile",
                            ),
                        ),
                        (
                            "connection",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="messages",
                                to="connections.whatsappconnection",
                            ),
                        ),
                        (
                            "contact",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="messages",
                                to="contacts.contact",
                            ),
                        ),
                        (
                            "conversation",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="messages",
                                to="messaging.conversation",
                            ),
                        ),
                        (
                            "media",
                            models.ForeignKey(
                                blank=True,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="messages",
                                to="messaging.mediafile",
                            ),
                        ),
                        (
                            "sender",
                            models.ForeignKey(
                                blank=True,
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                    ],
                    options={
                        "db_table": "messages",
                        "indexes": [
                            models.Index(
                                models.F("business_profile"),
                                models.OrderBy(models.F("created_at"), descending=True),
                                name="idx_messages_business_created",
                            ),
                            models.Index(
                                models.F("contact"),
                                models.OrderBy(models.F("created_at"), descending=True),
                                name="idx_messages_contact",
                            ),
                            models.Index(
                                models.F("conversation"),
                                models.OrderBy(models.F("created_at"), descending=True),
                                models.OrderBy(models.F("id"), descending=True),
                                name="messages_conversation",
                            ),
                            models.Index(
                                condition=models.Q(("media__isnull", False)),
                                fields=["media"],
                                name="messages_media",
                            ),
                            models.Index(
                                condition=models.Q(
                                    ("claim_epoch", 0), ("not_before__isnull", True), ("status", "queued")
                                ),
                                fields=["connection", "priority", "id"],
                                name="messages_ready",
                            ),
                            models.Index(
                                condition=models.Q(("claim_epoch__gt", 0), ("status", "queued")),
                                fields=["connection"],
                                name="messages_claimed",
                            ),
                            models.Index(
                                condition=models.Q(("status__in", ["queued", "sending"])),
                                fields=["conversation", "id"],
                                name="messages_unsettled",
                            ),
                            models.Index(
                                condition=models.Q(("status", "sending")),
                                fields=["connection", "conversation"],
                                name="messages_begun",
                            ),
                            models.Index(
                                condition=models.Q(("not_before__isnull", False), ("status", "queued")),
                                fields=["conversation"],
                                name="messages_holding",
                            ),
                            models.Index(
                                condition=models.Q(("not_before__isnull", False), ("status", "queued")),
                                fields=["connection", "not_before"],
                                name="messages_waiting",
                            ),
                            models.Index(
                                condition=models.Q(("expires_at__isnull", False), ("status", "queued")),
                                fields=["connection", "expires_at"],
                                name="messages_expiring",
                            ),
                            models.Index(
                                models.F("connection"),
                                models.OrderBy(models.F("sending_since"), descending=True),
                                condition=models.Q(("origin", "campaign"), ("sending_since__isnull", False)),
                                name="messages_campaign_pace",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("connection", "whatsapp_message_id"), name="messages_wa_id_unique"
                            ),
                            models.UniqueConstraint(
                                condition=models.Q(("client_token__isnull", False)),
                                fields=("business_profile", "client_token"),
                                name="messages_client_token_unique",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ParkedAck",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("whatsapp_message_id", models.CharField(max_length=255)),
                        ("level", models.SmallIntegerField()),
                        ("at", models.DateTimeField()),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
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
                        "db_table": "parked_acks",
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("connection", "whatsapp_message_id"), name="parked_acks_unique"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ParkedChange",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("whatsapp_message_id", models.CharField(max_length=255)),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("edited", "Edited"),
                                    ("revoked", "Deleted"),
                                    ("inbound", "The customer reacted"),
                                    ("outbound", "We reacted"),
                                ],
                                max_length=10,
                            ),
                        ),
                        (
                            "from_me",
                            models.BooleanField(default=False, help_text="We made the change, on the phone."),
                        ),
                        (
                            "body",
                            models.TextField(blank=True, help_text="The text after an edit, or the emoji."),
                        ),
                        (
                            "source_id",
                            models.CharField(
                                blank=True, help_text="The reaction's own WhatsApp id.", max_length=255
                            ),
                        ),
                        ("at", models.DateTimeField()),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "connection",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="connections.whatsappconnection",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "parked_changes",
                        "indexes": [
                            models.Index(fields=["connection", "created_at"], name="parked_changes_oldest")
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("connection", "whatsapp_message_id", "kind", "from_me"),
                                name="parked_changes_unique",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="QuickReply",
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
                            "shortcut",
                            models.CharField(help_text="Lower case, without the slash.", max_length=32),
                        ),
                        ("text", models.TextField()),
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
                        "db_table": "quick_replies",
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("business_profile", "shortcut"), name="quick_replies_shortcut_unique"
                            )
                        ],
                    },
                ),
            ]
        ),
        migrations.RunPython(index_search_terms, migrations.RunPython.noop),
    ]

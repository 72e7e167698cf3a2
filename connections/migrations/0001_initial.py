import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import connections.drivers.base
import connections.models.numbers
import core.ids
import core.security.crypto
from core.db.migration_operations import CreateModels


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="WhatsAppConnection",
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
                            "name",
                            models.CharField(
                                blank=True, help_text="What the team calls this number.", max_length=100
                            ),
                        ),
                        (
                            "phone_number",
                            models.CharField(
                                blank=True,
                                help_text="E.164; unknown until the first scan.",
                                max_length=20,
                                null=True,
                                unique=True,
                            ),
                        ),
                        (
                            "connection_mode",
                            models.CharField(
                                choices=[("whatsapp-web", "WhatsApp Web"), ("sandbox", "Sandbox")],
                                default="whatsapp-web",
                                max_length=20,
                            ),
                        ),
                        (
                            "status",
                            models.CharField(
                                choices=[
                                    ("disconnected", "Not connected"),
                                    ("starting", "Starting"),
                                    ("qr_pending", "Waiting to be scanned"),
                                    ("syncing", "Syncing"),
                                    ("connected", "Connected"),
                                    ("degraded", "Not answering"),
                                ],
                                default="disconnected",
                                max_length=20,
                            ),
                        ),
                        (
                            "status_reason",
                            models.CharField(
                                blank=True,
                                choices=[
                                    ("", ""),
                                    ("user", "Disconnected here"),
                                    ("unlinked", "Unlinked on the phone"),
                                    ("replaced", "Opened elsewhere"),
                                    ("phone_offline", "Phone offline"),
                                    ("qr_expired", "Nobody scanned the QR code"),
                                    ("number_taken", "The number is linked in another place"),
                                    ("wrong_number", "Another number was scanned"),
                                    ("browser_died", "Browser ended"),
                                    ("no_browser", "No browser on the server"),
                                    ("not_ready", "WhatsApp Web did not become ready"),
                                    ("outdated", "WhatsApp Web wants another version"),
                                    ("login_lost", "The login is gone"),
                                    ("page_changed", "WhatsApp Web changed"),
                                    ("limited", "Limited by WhatsApp"),
                                    ("banned", "Banned by WhatsApp"),
                                    ("no_acks", "Sends are not confirmed"),
                                    ("disk_full", "The server's disk is full"),
                                    ("no_answer", "WhatsApp Web does not answer"),
                                    ("no_worker", "No worker has taken the number"),
                                    ("error", "Unexpected error"),
                                ],
                                default="",
                                max_length=20,
                            ),
                        ),
                        ("status_changed_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "desired",
                            models.CharField(
                                choices=[
                                    ("online", "Connected"),
                                    ("offline", "Disconnected, login kept"),
                                    ("logged_out", "Logged out"),
                                ],
                                default="offline",
                                max_length=12,
                            ),
                        ),
                        (
                            "session_data",
                            core.security.crypto.EncryptedTextField(
                                blank=True, default="", help_text="What the driver needs to log in again."
                            ),
                        ),
                        ("session_generation", models.IntegerField(default=0)),
                        (
                            "qr_code",
                            core.security.crypto.EncryptedTextField(
                                blank=True, default="", help_text="Content of the QR code on show."
                            ),
                        ),
                        ("qr_expires_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "qr_count",
                            models.SmallIntegerField(
                                default=0, help_text="QR codes shown since somebody asked; it ends after 5."
                            ),
                        ),
                        (
                            "pairing_phone",
                            models.CharField(
                                blank=True, help_text="Set when a pairing code was asked for.", max_length=20
                            ),
                        ),
                        ("pairing_code", core.security.crypto.EncryptedTextField(blank=True, default="")),
                        ("push_name", models.CharField(blank=True, max_length=255)),
                        ("last_connected_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "last_proof_at",
                            models.DateTimeField(
                                blank=True,
                                help_text="Last verified round trip with WhatsApp (proof of life).",
                                null=True,
                            ),
                        ),
                        ("inbound_cursor", models.JSONField(blank=True, default=dict)),
                        (
                            "gap_since",
                            models.DateTimeField(
                                blank=True,
                                help_text="Messages from then on may be missing; null once every chat was read.",
                                null=True,
                            ),
                        ),
                        (
                            "gap_reason",
                            models.CharField(
                                blank=True,
                                default="",
                                help_text="Why the gap could not be healed when it was last tried.",
                                max_length=40,
                            ),
                        ),
                        (
                            "gap_chats",
                            models.IntegerField(default=0, help_text="Chats that could not be read then."),
                        ),
                        (
                            "backfilled_count",
                            models.IntegerField(default=0, help_text="Messages healed after a gap."),
                        ),
                        (
                            "skipped_count",
                            models.IntegerField(
                                default=0, help_text="Group, status and newsletter messages left out."
                            ),
                        ),
                        ("settings", models.JSONField(blank=True, default=dict)),
                        ("lease_owner", models.CharField(blank=True, default="", max_length=64)),
                        ("lease_epoch", models.BigIntegerField(default=0)),
                        ("lease_expires_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "held_since",
                            models.DateTimeField(
                                blank=True,
                                help_text="Nothing leaves from then on until a person decides: what waits may have left already.",
                                null=True,
                            ),
                        ),
                        (
                            "limited_until",
                            models.DateTimeField(
                                blank=True,
                                help_text="WhatsApp lets this number start no new chats until then.",
                                null=True,
                            ),
                        ),
                        (
                            "vitals",
                            models.JSONField(
                                blank=True,
                                default=dict,
                                help_text="What the session takes of its machine, and how its login is kept.",
                            ),
                        ),
                        (
                            "restart_not_before",
                            models.DateTimeField(
                                blank=True,
                                help_text="A crashed session waits until then, longer each time.",
                                null=True,
                            ),
                        ),
                        ("restart_count", models.SmallIntegerField(default=0)),
                        (
                            "start_requested_at",
                            models.DateTimeField(
                                blank=True,
                                help_text="When a worker was last asked to take the number; not asked again at once.",
                                null=True,
                            ),
                        ),
                        (
                            "business_profile",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="connections",
                                to="accounts.businessprofile",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "whatsapp_connections",
                        "indexes": [
                            models.Index(
                                fields=["business_profile", "created_at"], name="connections_business"
                            ),
                            models.Index(fields=["desired", "lease_expires_at"], name="connections_due"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SandboxPhone",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        ("seed", models.IntegerField(default=connections.models.numbers._seed)),
                        ("number", models.CharField(max_length=20, unique=True)),
                        ("push_name", models.CharField(default="My sandbox phone", max_length=100)),
                        (
                            "linked_secret",
                            models.CharField(
                                blank=True, help_text="The linked device's login; empty: none.", max_length=64
                            ),
                        ),
                        (
                            "qr_secret",
                            models.CharField(
                                blank=True, help_text="The QR code that may be scanned now.", max_length=64
                            ),
                        ),
                        ("qr_expires_at", models.DateTimeField(blank=True, null=True)),
                        ("pairing_code", models.CharField(blank=True, max_length=16)),
                        ("pairing_phone", models.CharField(blank=True, max_length=20)),
                        (
                            "unlink_reason",
                            models.CharField(
                                blank=True, help_text="Why the last login ended.", max_length=20
                            ),
                        ),
                        ("online", models.BooleanField(default=True)),
                        (
                            "speed",
                            models.FloatField(
                                default=1.0, help_text="Factor on every simulated delay; 0 is at once."
                            ),
                        ),
                        (
                            "cast_started",
                            models.BooleanField(
                                default=False, help_text="The customers have begun to write."
                            ),
                        ),
                        ("faults", models.JSONField(blank=True, default=dict)),
                        (
                            "connection",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="sandbox_phone",
                                to="connections.whatsappconnection",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "sandbox_phones",
                    },
                ),
                migrations.CreateModel(
                    name="SandboxCustomer",
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
                        (
                            "number",
                            models.CharField(
                                blank=True, help_text="E.164 in +999; what WhatsApp knows.", max_length=20
                            ),
                        ),
                        ("lid", models.CharField(blank=True, max_length=32)),
                        (
                            "hides_number",
                            models.BooleanField(
                                default=False, help_text="Writes from a LID; WhatsApp tells no number."
                            ),
                        ),
                        ("persona", models.CharField(max_length=20)),
                        (
                            "step",
                            models.IntegerField(
                                default=0, help_text="How far the persona's script has come."
                            ),
                        ),
                        ("blocked", models.BooleanField(default=False)),
                        (
                            "sees_typing_until",
                            models.DateTimeField(
                                blank=True,
                                help_text="The business is typing, as this person sees it.",
                                null=True,
                            ),
                        ),
                        (
                            "phone",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="customers",
                                to="connections.sandboxphone",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "sandbox_customers",
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("phone", "number"), name="sandbox_customers_number_unique"
                            ),
                            models.UniqueConstraint(
                                fields=("phone", "lid"), name="sandbox_customers_lid_unique"
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SitePulse",
                    fields=[
                        ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                        ("beat_at", models.DateTimeField()),
                    ],
                    options={
                        "db_table": "site_pulse",
                        "constraints": [
                            models.CheckConstraint(condition=models.Q(("id", 1)), name="site_pulse_one_row")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="UnstoredEvent",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        ("mode", models.CharField(help_text="The driver that told it.", max_length=20)),
                        ("kind", models.CharField(max_length=20)),
                        ("key", models.CharField(max_length=64)),
                        ("event", models.TextField(blank=True)),
                        (
                            "error",
                            models.CharField(
                                help_text="Why it cannot be stored: a reason or an error's class.",
                                max_length=64,
                            ),
                        ),
                        ("attempts", models.IntegerField(default=1)),
                        ("tried_at", models.DateTimeField(default=django.utils.timezone.now)),
                        ("phone", models.CharField(blank=True, max_length=20)),
                        ("lid", models.CharField(blank=True, max_length=64)),
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
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="unstored_events",
                                to="connections.whatsappconnection",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "unstored_events",
                        "indexes": [
                            models.Index(fields=["business_profile"], name="unstored_events_business")
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("connection", "kind", "key"), name="unstored_events_unique"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ConnectionStateChange",
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
                                    ("disconnected", "Not connected"),
                                    ("starting", "Starting"),
                                    ("qr_pending", "Waiting to be scanned"),
                                    ("syncing", "Syncing"),
                                    ("connected", "Connected"),
                                    ("degraded", "Not answering"),
                                ],
                                max_length=20,
                            ),
                        ),
                        ("status_reason", models.CharField(blank=True, max_length=20)),
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
                            "connection",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="state_changes",
                                to="connections.whatsappconnection",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "connection_state_changes",
                        "indexes": [
                            models.Index(
                                fields=["connection", "-created_at"], name="connection_states_latest"
                            ),
                            models.Index(fields=["business_profile"], name="connection_states_business"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SandboxMessage",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        ("wa_id", models.CharField(max_length=255)),
                        ("from_me", models.BooleanField(help_text="Sent by the business.")),
                        ("kind", models.CharField(default="text", max_length=20)),
                        ("body", models.TextField(blank=True)),
                        ("quoted_wa_id", models.CharField(blank=True, max_length=255)),
                        ("media_name", models.CharField(blank=True, max_length=255)),
                        ("media_mime", models.CharField(blank=True, max_length=100)),
                        (
                            "media_key",
                            models.CharField(
                                blank=True,
                                help_text="Where the bytes are in the media storage.",
                                max_length=255,
                            ),
                        ),
                        (
                            "ack",
                            models.SmallIntegerField(default=connections.drivers.base.AckLevel["PENDING"]),
                        ),
                        (
                            "attempts",
                            models.IntegerField(
                                default=1,
                                help_text="How often the business sent this id; more than 1 is a bug.",
                            ),
                        ),
                        (
                            "customer",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="messages",
                                to="connections.sandboxcustomer",
                            ),
                        ),
                        (
                            "phone",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="messages",
                                to="connections.sandboxphone",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "sandbox_messages",
                        "indexes": [
                            models.Index(fields=["customer", "created_at"], name="sandbox_messages_customer")
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("phone", "wa_id"), name="sandbox_messages_wa_id_unique"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="SandboxEvent",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("due_at", models.DateTimeField()),
                        ("kind", models.CharField(max_length=20)),
                        ("payload", models.JSONField(default=dict)),
                        ("taken_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "phone",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="events",
                                to="connections.sandboxphone",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "sandbox_events",
                        "indexes": [
                            models.Index(
                                condition=models.Q(("taken_at", None)),
                                fields=["phone", "due_at", "id"],
                                name="sandbox_events_due",
                            )
                        ],
                    },
                ),
            ]
        ),
    ]

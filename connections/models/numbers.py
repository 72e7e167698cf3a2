"""Numbers of a business, and the simulated phones of its sandbox numbers."""

from __future__ import annotations

import secrets

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import BusinessProfile
from connections.drivers.base import AckLevel
from core.db.models import TimestampedModel, UuidModel
from core.phone import phone
from core.security.crypto import EncryptedTextField


class WhatsAppConnection(TimestampedModel):
    """WhatsApp number of a business, with its desired state, its status and its lease."""

    class Mode(models.TextChoices):
        WHATSAPP_WEB = "whatsapp-web", "WhatsApp Web"
        SANDBOX = "sandbox", "Sandbox"

    class Status(models.TextChoices):
        DISCONNECTED = "disconnected", "Not connected"
        STARTING = "starting", "Starting"
        QR_PENDING = "qr_pending", "Waiting to be scanned"
        SYNCING = "syncing", "Syncing"
        CONNECTED = "connected", "Connected"
        DEGRADED = "degraded", "Not answering"

    class Desired(models.TextChoices):
        """State requested by a person; the runner works towards it."""

        ONLINE = "online", "Connected"
        OFFLINE = "offline", "Disconnected, login kept"
        LOGGED_OUT = "logged_out", "Logged out"

    class Reason(models.TextChoices):
        """Reason of a status. Each has an explanation in `connections.state_texts`."""

        NONE = "", ""
        USER = "user", "Disconnected here"
        UNLINKED = "unlinked", "Unlinked on the phone"
        REPLACED = "replaced", "Opened elsewhere"
        PHONE_OFFLINE = "phone_offline", "Phone offline"
        QR_EXPIRED = "qr_expired", "Nobody scanned the QR code"
        NUMBER_TAKEN = "number_taken", "The number is linked in another place"
        WRONG_NUMBER = "wrong_number", "Another number was scanned"
        BROWSER_DIED = "browser_died", "Browser ended"
        NO_BROWSER = "no_browser", "No browser on the server"
        NOT_READY = "not_ready", "WhatsApp Web did not become ready"
        OUTDATED = "outdated", "WhatsApp Web wants another version"
        LOGIN_LOST = "login_lost", "The login is gone"
        PAGE_CHANGED = "page_changed", "WhatsApp Web changed"
        LIMITED = "limited", "Limited by WhatsApp"
        BANNED = "banned", "Banned by WhatsApp"
        NO_ACKS = "no_acks", "Sends are not confirmed"
        DISK_FULL = "disk_full", "The server's disk is full"
        NO_ANSWER = "no_answer", "WhatsApp Web does not answer"
        NO_WORKER = "no_worker", "No worker has taken the number"
        ERROR = "error", "Unexpected error"

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="connections"
    )
    name = models.CharField(max_length=100, blank=True, help_text="What the team calls this number.")
    phone_number = models.CharField(
        max_length=20, unique=True, null=True, blank=True, help_text="E.164; unknown until the first scan."
    )
    connection_mode = models.CharField(max_length=20, choices=Mode.choices, default=Mode.WHATSAPP_WEB)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.DISCONNECTED)
    status_reason = models.CharField(max_length=20, choices=Reason.choices, default=Reason.NONE, blank=True)
    status_changed_at = models.DateTimeField(null=True, blank=True)
    desired = models.CharField(max_length=12, choices=Desired.choices, default=Desired.OFFLINE)
    session_data = EncryptedTextField(
        blank=True, default="", help_text="What the driver needs to log in again."
    )
    session_generation = models.IntegerField(default=0)
    qr_code = EncryptedTextField(blank=True, default="", help_text="Content of the QR code on show.")
    qr_expires_at = models.DateTimeField(null=True, blank=True)
    qr_count = models.SmallIntegerField(
        default=0, help_text="QR codes shown since somebody asked; it ends after 5."
    )
    pairing_phone = models.CharField(
        max_length=20, blank=True, help_text="Set when a pairing code was asked for."
    )
    pairing_code = EncryptedTextField(blank=True, default="")
    push_name = models.CharField(max_length=255, blank=True)
    last_connected_at = models.DateTimeField(null=True, blank=True)
    last_proof_at = models.DateTimeField(
        null=True, blank=True, help_text="Last verified round trip with WhatsApp (proof of life)."
    )
    inbound_cursor = models.JSONField(default=dict, blank=True)
    gap_since = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Messages from then on may be missing; null once every chat was read.",
    )
    gap_reason = models.CharField(
        max_length=40,
        blank=True,
        default="",
        help_text="Why the gap could not be healed when it was last tried.",
    )
    gap_chats = models.IntegerField(default=0, help_text="Chats that could not be read then.")
    backfilled_count = models.IntegerField(default=0, help_text="Messages healed after a gap.")
    skipped_count = models.IntegerField(
        default=0, help_text="Group, status and newsletter messages left out."
    )
    settings = models.JSONField(default=dict, blank=True)
    lease_owner = models.CharField(max_length=64, blank=True, default="")
    lease_epoch = models.BigIntegerField(default=0)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    held_since = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Nothing leaves from then on until a person decides: what waits may have left already.",
    )
    limited_until = models.DateTimeField(
        null=True, blank=True, help_text="WhatsApp lets this number start no new chats until then."
    )
    vitals = models.JSONField(
        default=dict,
        blank=True,
        help_text="What the session takes of its machine, and how its login is kept.",
    )
    restart_not_before = models.DateTimeField(
        null=True, blank=True, help_text="A crashed session waits until then, longer each time."
    )
    restart_count = models.SmallIntegerField(default=0)
    start_requested_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When a worker was last asked to take the number; not asked again at once.",
    )

    class Meta:
        db_table = "whatsapp_connections"
        indexes = [
            models.Index(fields=["business_profile", "created_at"], name="connections_business"),
            models.Index(fields=["desired", "lease_expires_at"], name="connections_due"),
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        return self.name or phone.display(self.phone_number) or "New number"

    @property
    def display_phone(self) -> str:
        return phone.display(self.phone_number)

    @property
    def is_sandbox(self) -> bool:
        return self.connection_mode == self.Mode.SANDBOX

    @property
    def is_connected(self) -> bool:
        return self.status in (self.Status.CONNECTED, self.Status.DEGRADED)


class SitePulse(models.Model):
    """Single row with the time at which this database was last in use; detects a restored backup."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    beat_at = models.DateTimeField()

    class Meta:
        db_table = "site_pulse"
        constraints = [models.CheckConstraint(condition=Q(id=1), name="site_pulse_one_row")]


class ConnectionStateChange(UuidModel):
    """Change of a number's status or reason. Immutable; deleted after the retention period."""

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    connection = models.ForeignKey(
        WhatsAppConnection, on_delete=models.CASCADE, related_name="state_changes", db_index=False
    )
    status = models.CharField(max_length=20, choices=WhatsAppConnection.Status.choices)
    status_reason = models.CharField(max_length=20, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        db_table = "connection_state_changes"
        indexes = [
            models.Index(fields=["connection", "-created_at"], name="connection_states_latest"),
            models.Index(fields=["business_profile"], name="connection_states_business"),
        ]


class UnstoredEvent(TimestampedModel):
    """Event of a number that could not be stored, kept for a retry for up to 30 days.

    event: ASCII JSON for a retry, or "" if it is too large. key: fingerprint that identifies a repeated event.
    phone, lid: the contact with whose data the event is deleted.
    """

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    connection = models.ForeignKey(
        WhatsAppConnection, on_delete=models.CASCADE, related_name="unstored_events", db_index=False
    )
    mode = models.CharField(max_length=20, help_text="The driver that told it.")
    kind = models.CharField(max_length=20)
    key = models.CharField(max_length=64)
    event = models.TextField(blank=True)
    error = models.CharField(
        max_length=64, help_text="Why it cannot be stored: a reason or an error's class."
    )
    attempts = models.IntegerField(default=1)
    tried_at = models.DateTimeField(default=timezone.now)
    phone = models.CharField(max_length=20, blank=True)
    lid = models.CharField(max_length=64, blank=True)

    class Meta:
        db_table = "unstored_events"
        constraints = [
            models.UniqueConstraint(fields=["connection", "kind", "key"], name="unstored_events_unique")
        ]
        indexes = [models.Index(fields=["business_profile"], name="unstored_events_business")]


def _seed() -> int:
    return secrets.randbelow(2**31)


class SandboxPhone(TimestampedModel):
    """Simulated phone and WhatsApp server of a sandbox number.

    faults: injected faults by name; see connections/drivers/sandbox/faults.py.
    """

    connection = models.OneToOneField(
        WhatsAppConnection, on_delete=models.CASCADE, related_name="sandbox_phone"
    )
    seed = models.IntegerField(default=_seed)
    number = models.CharField(max_length=20, unique=True)
    push_name = models.CharField(max_length=100, default="My sandbox phone")
    linked_secret = models.CharField(
        max_length=64, blank=True, help_text="The linked device's login; empty: none."
    )
    qr_secret = models.CharField(max_length=64, blank=True, help_text="The QR code that may be scanned now.")
    qr_expires_at = models.DateTimeField(null=True, blank=True)
    pairing_code = models.CharField(max_length=16, blank=True)
    pairing_phone = models.CharField(max_length=20, blank=True)
    unlink_reason = models.CharField(max_length=20, blank=True, help_text="Why the last login ended.")
    online = models.BooleanField(default=True)
    speed = models.FloatField(default=1.0, help_text="Factor on every simulated delay; 0 is at once.")
    cast_started = models.BooleanField(default=False, help_text="The customers have begun to write.")
    faults = models.JSONField(default=dict, blank=True)

    class Meta:
        db_table = "sandbox_phones"


class SandboxCustomer(TimestampedModel):
    """Simulated customer of a sandbox number."""

    phone = models.ForeignKey(SandboxPhone, on_delete=models.CASCADE, related_name="customers")
    name = models.CharField(max_length=100)
    number = models.CharField(max_length=20, blank=True, help_text="E.164 in +999; what WhatsApp knows.")
    lid = models.CharField(max_length=32, blank=True)
    hides_number = models.BooleanField(
        default=False, help_text="Writes from a LID; WhatsApp tells no number."
    )
    persona = models.CharField(max_length=20)
    step = models.IntegerField(default=0, help_text="How far the persona's script has come.")
    blocked = models.BooleanField(default=False)
    sees_typing_until = models.DateTimeField(
        null=True, blank=True, help_text="The business is typing, as this person sees it."
    )

    class Meta:
        db_table = "sandbox_customers"
        constraints = [
            models.UniqueConstraint(fields=["phone", "number"], name="sandbox_customers_number_unique"),
            models.UniqueConstraint(fields=["phone", "lid"], name="sandbox_customers_lid_unique"),
        ]


class SandboxMessage(TimestampedModel):
    """Message on the simulated WhatsApp server, as the customer sees it."""

    phone = models.ForeignKey(SandboxPhone, on_delete=models.CASCADE, related_name="messages")
    customer = models.ForeignKey(SandboxCustomer, on_delete=models.CASCADE, related_name="messages")
    wa_id = models.CharField(max_length=255)
    from_me = models.BooleanField(help_text="Sent by the business.")
    kind = models.CharField(max_length=20, default="text")
    body = models.TextField(blank=True)
    quoted_wa_id = models.CharField(max_length=255, blank=True)
    media_name = models.CharField(max_length=255, blank=True)
    media_mime = models.CharField(max_length=100, blank=True)
    media_key = models.CharField(
        max_length=255, blank=True, help_text="Where the bytes are in the media storage."
    )
    ack = models.SmallIntegerField(default=AckLevel.PENDING)
    attempts = models.IntegerField(
        default=1, help_text="How often the business sent this id; more than 1 is a bug."
    )

    class Meta:
        db_table = "sandbox_messages"
        constraints = [
            models.UniqueConstraint(fields=["phone", "wa_id"], name="sandbox_messages_wa_id_unique")
        ]
        indexes = [models.Index(fields=["customer", "created_at"], name="sandbox_messages_customer")]


class SandboxEvent(UuidModel):
    """Scheduled event of the simulation that the linked device has not received yet."""

    phone = models.ForeignKey(SandboxPhone, on_delete=models.CASCADE, related_name="events")
    due_at = models.DateTimeField()
    kind = models.CharField(max_length=20)
    payload = models.JSONField(default=dict)
    taken_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "sandbox_events"
        indexes = [
            models.Index(
                fields=["phone", "due_at", "id"], name="sandbox_events_due", condition=Q(taken_at=None)
            )
        ]

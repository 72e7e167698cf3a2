"""Receipts and changes that arrived before their message."""

from __future__ import annotations

from django.db import models

from connections.models import WhatsAppConnection
from core.db.models import UuidModel


class ParkedAck(UuidModel):
    """Receipt for a message that is not stored yet; applied when it is."""

    connection = models.ForeignKey(WhatsAppConnection, on_delete=models.CASCADE, related_name="+")
    whatsapp_message_id = models.CharField(max_length=255)
    level = models.SmallIntegerField()
    at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "parked_acks"
        constraints = [
            models.UniqueConstraint(fields=["connection", "whatsapp_message_id"], name="parked_acks_unique")
        ]


class ParkedChange(UuidModel):
    """Edit, deletion or reaction for a message that is not stored yet; applied when it is."""

    class Kind(models.TextChoices):
        EDITED = "edited", "Edited"
        REVOKED = "revoked", "Deleted"
        REACTED = "inbound", "The customer reacted"
        WE_REACTED = "outbound", "We reacted"

    connection = models.ForeignKey(
        WhatsAppConnection, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    whatsapp_message_id = models.CharField(max_length=255)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    from_me = models.BooleanField(default=False, help_text="We made the change, on the phone.")
    body = models.TextField(blank=True, help_text="The text after an edit, or the emoji.")
    source_id = models.CharField(max_length=255, blank=True, help_text="The reaction's own WhatsApp id.")
    at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "parked_changes"
        constraints = [
            models.UniqueConstraint(
                fields=["connection", "whatsapp_message_id", "kind", "from_me"], name="parked_changes_unique"
            )
        ]
        indexes = [models.Index(fields=["connection", "created_at"], name="parked_changes_oldest")]

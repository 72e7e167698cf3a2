"""Files of messages and profile pictures."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from accounts.models import BusinessProfile, User
from connections.models import WhatsAppConnection
from contacts.models import Contact
from core.db.models import TimestampedModel
from messaging import file_errors


def media_path(instance: MediaFile, filename: str) -> str:
    """Return the storage key: business and our own id, never a name chosen by a sender."""
    return f"media/{instance.business_profile_id}/{instance.pk}"


def thumbnail_path(instance: MediaFile, filename: str) -> str:
    return f"media/{instance.business_profile_id}/{instance.pk}.thumb"


THUMBNAIL_MIME = "image/jpeg"


class MediaFile(TimestampedModel):
    """File of a message, uploaded or received."""

    class State(models.TextChoices):
        WANTED = "wanted", "To be fetched"
        READY = "ready", "Ready"
        FAILED = "failed", "Not available"

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="media_files"
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.READY)
    kind = models.CharField(
        max_length=20, help_text="A message type: image, video, document, audio, sticker."
    )
    mime = models.CharField(max_length=100)
    name = models.CharField(max_length=255, blank=True)
    size = models.BigIntegerField(default=0, help_text="Bytes.")
    sha256 = models.CharField(max_length=64, blank=True)
    width = models.IntegerField(null=True, blank=True)
    height = models.IntegerField(null=True, blank=True)
    file = models.FileField(upload_to=media_path, max_length=255, blank=True)
    thumbnail = models.FileField(upload_to=thumbnail_path, max_length=255, blank=True)
    source = models.JSONField(
        default=dict, blank=True, help_text="The driver's reference, while it is to be fetched."
    )
    connection = models.ForeignKey(
        WhatsAppConnection,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
        help_text="The number that fetches it; empty for uploads.",
    )
    attempts = models.SmallIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=64, blank=True)
    uploaded_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    kept = models.BooleanField(
        default=False, help_text="A campaign or template has it: it stays although no message does."
    )

    class Meta:
        db_table = "media_files"
        indexes = [
            models.Index(fields=["business_profile", "created_at"], name="media_files_business"),
            models.Index(
                F("connection"), F("id").desc(), condition=Q(state="wanted"), name="media_files_due"
            ),
        ]

    @property
    def error_message(self) -> str:
        """Why the file is not available (yet); "" without an error."""
        return file_errors.error_text(self.error_code, final=self.state == self.State.FAILED)


class ContactPicture(TimestampedModel):
    """Last known profile picture of a contact. media: None if the contact shows none."""

    contact = models.OneToOneField(Contact, on_delete=models.CASCADE, related_name="picture")
    media = models.ForeignKey(
        MediaFile, null=True, blank=True, on_delete=models.SET_NULL, related_name="pictures"
    )
    check_at = models.DateTimeField(help_text="Not asked for again before.")

    class Meta:
        db_table = "contact_pictures"

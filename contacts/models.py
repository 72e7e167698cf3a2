"""Contacts and the identities by which WhatsApp knows them."""

from __future__ import annotations

from django.db import models
from django.db.models import F

from accounts.models import BusinessProfile
from whatsflow.core import phone
from whatsflow.core.db import TimestampedModel


class Contact(TimestampedModel):
    """A person who talks, or may talk, with a business."""

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="contacts", db_index=False
    )
    phone_number = models.CharField(  # noqa: DJ001 - unique where set
        max_length=20, null=True, blank=True, help_text="E.164; empty while WhatsApp tells only a LID."
    )
    name = models.CharField(max_length=255, blank=True)
    push_name = models.CharField(max_length=255, blank=True, help_text="The name the person gave themselves.")
    profile_pic_url = models.CharField(max_length=500, blank=True)
    is_business = models.BooleanField(default=False)
    metadata = models.JSONField(default=dict, blank=True)
    first_message_at = models.DateTimeField(null=True, blank=True)
    last_message_at = models.DateTimeField(null=True, blank=True)
    total_messages = models.IntegerField(default=0)

    class Meta:
        db_table = "contacts"
        constraints = [
            models.UniqueConstraint(
                fields=["business_profile", "phone_number"], name="contacts_business_phone_unique"
            )
        ]
        indexes = [
            models.Index(fields=["business_profile"], name="idx_contacts_business"),
            models.Index(F("last_message_at").desc(), name="idx_contacts_last_message"),
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        """What to call them: the name we gave, theirs, the number, or that nothing is known."""
        return self.name or self.push_name or self.display_phone or "Unknown person"

    @property
    def display_phone(self) -> str:
        return phone.display(self.phone_number)

    @property
    def initials(self) -> str:
        """One or two letters for an avatar; empty when only a number is known."""
        words = [word for word in (self.name or self.push_name).split() if word[0].isalpha()]
        return "".join(word[0] for word in words[:2]).upper()


class ContactIdentity(TimestampedModel):
    """One way in which WhatsApp names a contact: a phone number (canonical E.164) or a LID (bare digits)."""

    class Kind(models.TextChoices):
        PHONE = "phone", "Phone number"
        LID = "lid", "LID"

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="identities")
    kind = models.CharField(max_length=5, choices=Kind.choices)
    value = models.CharField(max_length=64)

    class Meta:
        db_table = "contact_identities"
        constraints = [
            models.UniqueConstraint(
                fields=["business_profile", "kind", "value"], name="contact_identities_value_unique"
            )
        ]

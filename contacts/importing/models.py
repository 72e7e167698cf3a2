"""An import on its way from the uploaded file to the finished job, and the rows that could not be taken in."""

from __future__ import annotations

from django.db import models

from accounts.models import BusinessProfile, User
from contacts.models import Contact
from core.db.models import TimestampedModel
from jobs.models import Job


class ContactImport(TimestampedModel):
    """A file that somebody uploaded, how it is read and what is done with it. The file goes when the job is over."""

    class Duplicates(models.TextChoices):
        UPDATE = "update", "Fill in and correct"
        SKIP = "skip", "Leave as they are"

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    job = models.OneToOneField(
        Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="contact_import"
    )
    file = models.CharField(max_length=255, blank=True, help_text="Where it lies in the storage.")
    file_name = models.CharField(max_length=255)
    size = models.BigIntegerField()
    format = models.CharField(max_length=10)
    encoding = models.CharField(max_length=40, blank=True)
    delimiter = models.CharField(max_length=1, blank=True)
    has_header = models.BooleanField(default=True)
    columns = models.JSONField(default=list)
    origin = models.CharField(max_length=10, blank=True, help_text="The program that wrote it, if known.")
    notes = models.JSONField(default=list)
    rows = models.IntegerField(default=0, help_text="About how many there are.")
    mapping = models.JSONField(default=list)
    country = models.CharField(max_length=2, blank=True)
    full_numbers = models.BooleanField(
        null=True,
        help_text="Whether numbers without + are complete without it. NULL: the file does not look so.",
    )
    duplicates = models.CharField(max_length=6, choices=Duplicates.choices, default=Duplicates.UPDATE)
    tag = models.CharField(max_length=100, blank=True, help_text="Name of a tag for everybody in the file.")
    began_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When it was started, and created_at of every contact who came by it.",
    )

    class Meta:
        db_table = "contact_imports"
        indexes = [models.Index(fields=["business_profile", "-id"], name="contact_imports_business")]

    def __str__(self) -> str:
        return self.file_name


class ImportRejects(models.Model):
    """The rejects of one chunk of an import, kept until they are written into the file that the person gets."""

    pk = models.CompositePrimaryKey("job_id", "first_row")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="+", db_index=False)
    first_row = models.IntegerField()
    rows = models.JSONField(help_text="[number of the row, reason, cells] of each.")

    class Meta:
        db_table = "contact_import_rejects"


class ImportedContact(models.Model):
    """An import changed this contact, who was there before.

    Without constraints in the database: checking two keys a row would cost an import a fifth of its time. Contacts are
    deleted with what hangs on them, and imports that were started stay.
    """

    pk = models.CompositePrimaryKey("contact_id", "source_id")
    contact = models.ForeignKey(
        Contact, on_delete=models.CASCADE, related_name="imported", db_index=False, db_constraint=False
    )
    source = models.ForeignKey(
        ContactImport, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    created_at = models.DateTimeField()

    class Meta:
        db_table = "imported_contacts"


class BulkChange(models.Model):
    """A bulk job did this to this contact: what undoing the job takes back.

    target_id: the tag, the proof of the opt-out, the campaign. No foreign keys: a contact that is deleted in between
    is simply not there any more.
    """

    pk = models.CompositePrimaryKey("job_id", "contact_id", "target_id")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="+", db_index=False)
    contact_id = models.UUIDField()
    target_id = models.UUIDField()

    class Meta:
        db_table = "contact_bulk_changes"

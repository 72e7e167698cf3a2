"""Contacts, and what a business keeps about them."""

from __future__ import annotations

from collections.abc import Iterator

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q

from accounts.models import BusinessProfile, User
from contacts import search_text
from contacts.expressions import SortName
from core.db.models import TimestampedModel, UuidModel
from core.db.search import Searched
from core.phone import phone
from core.text import initials
from jobs.models import Job


class Contact(Searched, TimestampedModel):
    """A person who talks, or may talk, with a business."""

    SEARCHED = frozenset({"name", "push_name", "phone_number", "email", "metadata"})

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="contacts", db_index=False
    )
    phone_number = models.CharField(  # noqa: DJ001 - unique where set
        max_length=20, null=True, blank=True, help_text="E.164; empty while WhatsApp tells only a LID."
    )
    name = models.CharField(max_length=255, blank=True)
    push_name = models.CharField(max_length=255, blank=True, help_text="The name the person gave themselves.")
    email = models.CharField(max_length=254, blank=True)
    country = models.CharField(
        max_length=2, blank=True, help_text="ISO 3166, from the number; empty if unknown."
    )
    profile_pic_url = models.CharField(max_length=500, blank=True)
    is_business = models.BooleanField(default=False)
    metadata = models.JSONField(default=dict, blank=True, help_text="Values of custom fields, by their keys.")
    opted_out_at = models.DateTimeField(
        null=True, blank=True, help_text="Wants no campaigns since; the proof is in contact_consents."
    )
    blocked_at = models.DateTimeField(
        null=True, blank=True, help_text="Muted and kept out of campaigns since."
    )
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
            models.Index(
                F("business_profile"), F("last_message_at").desc(), F("id").desc(), name="contacts_recent"
            ),
            models.Index(F("business_profile"), F("id").desc(), name="contacts_newest"),
            models.Index(fields=["business_profile", "created_at"], name="contacts_created"),
            models.Index(F("business_profile"), SortName(), F("id"), name="contacts_by_name"),
            models.Index(
                F("business_profile"),
                F("last_message_at").desc(),
                F("id").desc(),
                condition=Q(opted_out_at__isnull=False),
                name="contacts_opted_out",
            ),
            models.Index(
                F("business_profile"),
                F("last_message_at").desc(),
                F("id").desc(),
                condition=Q(blocked_at__isnull=False),
                name="contacts_blocked",
            ),
        ]

    def __str__(self) -> str:
        return self.display_name

    def searched(self) -> Iterator[str]:
        """Return the texts by which a search finds the contact."""
        return search_text.searchable_texts(
            self.name, self.push_name, self.phone_number, self.email, self.metadata
        )

    @property
    def display_name(self) -> str:
        """Return the name, push name or number, or "Unknown person"."""
        return self.name or self.push_name or self.display_phone or "Unknown person"

    @property
    def display_phone(self) -> str:
        return phone.display(self.phone_number)

    @property
    def state(self) -> str:
        """Return "blocked", "opted_out" or ""."""
        return "blocked" if self.blocked_at else "opted_out" if self.opted_out_at else ""

    @property
    def initials(self) -> str:
        """Return the letters of an avatar; "" when only a number is known."""
        return initials(self.name or self.push_name)


class ContactIdentity(TimestampedModel):
    """An identifier by which WhatsApp knows a contact.

    A phone number (canonical E.164) or a LID (bare digits).
    """

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


COLOR = RegexValidator(r"^#[0-9a-fA-F]{6}$", "Write the colour as # and six digits, like #1c7ed6.")


class Tag(UuidModel):
    """A label of contacts."""

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="tags", db_index=False
    )
    name = models.CharField(max_length=100)
    color = models.CharField(max_length=7, blank=True, validators=[COLOR])
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "tags"
        constraints = [
            models.UniqueConstraint(fields=["business_profile", "name"], name="tags_business_name_unique")
        ]

    def __str__(self) -> str:
        return self.name


class ContactTag(models.Model):
    """A tag of a contact."""

    pk = models.CompositePrimaryKey("contact_id", "tag_id")
    contact = models.ForeignKey(
        Contact, on_delete=models.CASCADE, related_name="contact_tags", db_index=False
    )
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="contact_tags")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "contact_tags"


class ContactGroup(models.Model):
    """The RFM group of a contact; assigned every night (analytics.services.rfm).

    A table of its own, because hundreds of rows change every night and a contact carries search indexes. Contacts who
    never wrote have no row.
    """

    class Group(models.TextChoices):
        NEW = "new", "New"
        ACTIVE = "active", "Active"
        LOYAL = "loyal", "Loyal"
        COOLING = "cooling", "Cooling"
        LOST = "lost", "Lost"

    contact = models.OneToOneField(
        Contact, primary_key=True, on_delete=models.CASCADE, related_name="grouped", db_index=False
    )
    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    group = models.CharField(max_length=10, choices=Group.choices)
    since = models.DateField(help_text="The business's date on which it came into this group.")

    class Meta:
        db_table = "contact_groups"
        indexes = [models.Index(fields=["business_profile", "group"], name="contact_groups_group")]


class ContactNote(TimestampedModel):
    """A note of the team about a contact."""

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="notes", db_index=False)
    author = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    body = models.TextField()

    class Meta:
        db_table = "contact_notes"
        indexes = [
            models.Index(F("contact"), F("id").desc(), name="contact_notes_of"),
            models.Index(fields=["business_profile"], name="contact_notes_business"),
        ]


FIELD_KEY = RegexValidator(r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$", "Small letters and digits, joined by _.")


class CustomField(TimestampedModel):
    """The definition of a custom field. Values are in `Contact.metadata[key]`.

    text and choice: a string; number: a JSON number; date: "2026-01-31"; boolean: true or false.
    """

    class Kind(models.TextChoices):
        TEXT = "text", "Text"
        NUMBER = "number", "Number"
        DATE = "date", "Date"
        CHOICE = "choice", "Choice"
        BOOLEAN = "boolean", "Yes or no"

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="custom_fields", db_index=False
    )
    key = models.CharField(max_length=40, validators=[FIELD_KEY])
    label = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.TEXT)
    choices = models.JSONField(default=list, blank=True, help_text="The values of a choice, in their order.")
    position = models.SmallIntegerField(default=0)

    class Meta:
        db_table = "custom_fields"
        constraints = [
            models.UniqueConstraint(fields=["business_profile", "key"], name="custom_fields_key_unique")
        ]

    def __str__(self) -> str:
        return self.label


class Segment(TimestampedModel):
    """A named filter of contacts. Members are computed on use."""

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="segments", db_index=False
    )
    name = models.CharField(max_length=100)
    filter = models.JSONField(default=dict, help_text="ContactFilter.to_dict().")
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        db_table = "segments"
        constraints = [
            models.UniqueConstraint(fields=["business_profile", "name"], name="segments_name_unique")
        ]

    def __str__(self) -> str:
        return self.name


class ListColumns(TimestampedModel):
    """The columns of the contact list that a member has chosen."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    business_profile = models.ForeignKey(BusinessProfile, on_delete=models.CASCADE, related_name="+")
    columns = models.JSONField(default=list)

    class Meta:
        db_table = "contact_list_columns"
        constraints = [
            models.UniqueConstraint(fields=["user", "business_profile"], name="contact_list_columns_unique")
        ]


class TagRule(TimestampedModel):
    """A rule that tags contacts automatically."""

    class Kind(models.TextChoices):
        KEYWORD = "keyword", "A word in their message"
        FIRST_CONTACT = "first_contact", "Their first message"
        NO_ANSWER = "no_answer", "No answer for some days"

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="tag_rules", db_index=False
    )
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="rules")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    keywords = models.JSONField(default=list, blank=True, help_text="Of a keyword rule: any of them will do.")
    days = models.SmallIntegerField(
        default=0, help_text="Of a no-answer rule: days since our last message, to which nothing came."
    )
    is_active = models.BooleanField(default=True)
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    tagged_count = models.IntegerField(default=0)
    last_tagged_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "tag_rules"
        indexes = [models.Index(fields=["business_profile", "id"], name="tag_rules_business")]


class ConsentProof(UuidModel):
    """Proof of an opt-out or opt-in: when, how, by which message or member.

    Immutable while the contact exists. The proof of an opt-out outlives the contact: it waits, without one, until their
    number comes back.
    """

    class Kind(models.TextChoices):
        OPT_OUT = "opt_out", "Opted out"
        AGAIN = "again", "Said so again"
        OPT_IN = "opt_in", "Opted in"

    class How(models.TextChoices):
        MESSAGE = "message", "By a message"
        TEAM = "team", "By the team"
        IMPORT = "import", "By an import"
        API = "api", "By the API"
        MERGE = "merge", "By a merge of two contacts"
        SUPPRESSION = "suppression", "The number had opted out before"

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    contact = models.ForeignKey(
        Contact, null=True, on_delete=models.CASCADE, related_name="consents", db_index=False
    )
    gone_contact_id = models.UUIDField(
        null=True, help_text="Whose it was, when that contact is deleted: Suppression.contact_id."
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    how = models.CharField(max_length=12, choices=How.choices)
    actor = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    message_id = models.UUIDField(null=True, blank=True, help_text="The message that said so.")
    note = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "contact_consents"
        indexes = [
            models.Index(F("contact"), F("id").desc(), name="contact_consents_of"),
            models.Index(fields=["business_profile", "created_at"], name="contact_consents_created"),
            models.Index(
                fields=["gone_contact_id"],
                condition=Q(gone_contact_id__isnull=False),
                name="contact_consents_gone",
            ),
        ]


class Suppression(UuidModel):
    """A number (or LID) that opted out.

    Outlives the contact, so that deletion and re-import change nothing.
    """

    business_profile = models.ForeignKey(
        BusinessProfile, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    kind = models.CharField(max_length=5, choices=ContactIdentity.Kind.choices)
    value = models.CharField(max_length=64, help_text="As in contact_identities.")
    contact_id = models.UUIDField(null=True, help_text="Who had it at last; that contact may be deleted.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "suppressions"
        constraints = [
            models.UniqueConstraint(
                fields=["business_profile", "kind", "value"], name="suppressions_value_unique"
            )
        ]


class ConsentWords(TimestampedModel):
    """A business's own keywords that opt contacts out and in."""

    business_profile = models.OneToOneField(
        BusinessProfile, on_delete=models.CASCADE, related_name="consent_words"
    )
    stop = models.JSONField(default=dict, help_text='By language: {"en": ["stop"]}.')
    start = models.JSONField(default=dict)

    class Meta:
        db_table = "consent_words"


class ContactImport(TimestampedModel):
    """An uploaded file, how it is parsed and what is imported.

    The file is deleted when the job is over.
    """

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
    """The rejects of one chunk of an import, until the job writes the file of rejects."""

    pk = models.CompositePrimaryKey("job_id", "first_row")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="+", db_index=False)
    first_row = models.IntegerField()
    rows = models.JSONField(help_text="[number of the row, reason, cells] of each.")

    class Meta:
        db_table = "contact_import_rejects"


class ImportedContact(models.Model):
    """An existing contact that an import changed.

    No constraints in the database: checking two keys a row would take a fifth of an import's time. Contacts are deleted
    with what refers to them, and imports that were started stay.
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
    """A change by a bulk job, which an undo of the job reverts.

    target_id: the tag, the consent proof or the campaign. No foreign keys: an undo ignores contacts that were deleted
    in between.
    """

    pk = models.CompositePrimaryKey("job_id", "contact_id", "target_id")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="+", db_index=False)
    contact_id = models.UUIDField()
    target_id = models.UUIDField()

    class Meta:
        db_table = "contact_bulk_changes"

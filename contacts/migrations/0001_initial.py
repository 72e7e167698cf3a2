import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import contacts.expressions
import core.db.search
import core.ids
from core.db import search
from core.db.migration_operations import CreateModels


def index_search_terms(apps, schema_editor):
    """Create the full-text index of searches."""
    search.create_index(schema_editor, "contacts")


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0001_initial"),
        ("accounts", "__first__"),
        ("jobs", "0001_initial"),
    ]

    operations = [
        CreateModels(
            [
                migrations.CreateModel(
                    name="Contact",
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
                            "search_text",
                            core.db.search.SearchTextField(
                                blank=True, default="", editable=False, help_text="Terms of the search."
                            ),
                        ),
                        (
                            "phone_number",
                            models.CharField(
                                blank=True,
                                help_text="E.164; empty while WhatsApp tells only a LID.",
                                max_length=20,
                                null=True,
                            ),
                        ),
                        ("name", models.CharField(blank=True, max_length=255)),
                        (
                            "push_name",
                            models.CharField(
                                blank=True, help_text="The name the person gave themselves.", max_length=255
                            ),
                        ),
                        ("email", models.CharField(blank=True, max_length=254)),
                        (
                            "country",
                            models.CharField(
                                blank=True,
                                help_text="ISO 3166, from the number; empty if unknown.",
                                max_length=2,
                            ),
                        ),
                        ("profile_pic_url", models.CharField(blank=True, max_length=500)),
                        ("is_business", models.BooleanField(default=False)),
                        (
                            "metadata",
                            models.JSONField(
                                blank=True, default=dict, help_text="Values of custom fields, by their keys."
                            ),
                        ),
                        (
                            "opted_out_at",
                            models.DateTimeField(
                                blank=True,
                                help_text="Wants no campaigns since; the proof is in contact_consents.",
                                null=True,
                            ),
                        ),
                        (
                            "blocked_at",
                            models.DateTimeField(
                                blank=True, help_text="Muted and kept out of campaigns since.", null=True
                            ),
                        ),
                        ("first_message_at", models.DateTimeField(blank=True, null=True)),
                        ("last_message_at", models.DateTimeField(blank=True, null=True)),
                        ("total_messages", models.IntegerField(default=0)),
                        (
                            "business_profile",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="contacts",
                                to="accounts.businessprofile",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "contacts",
                        "indexes": [
                            models.Index(fields=["business_profile"], name="idx_contacts_business"),
                            models.Index(
                                models.OrderBy(models.F("last_message_at"), descending=True),
                                name="idx_contacts_last_message",
                            ),
                            models.Index(
                                models.F("business_profile"),
                                models.OrderBy(models.F("last_message_at"), descending=True),
                                models.OrderBy(models.F("id"), descending=True),
                                name="contacts_recent",
                            ),
                            models.Index(
                                models.F("business_profile"),
                                models.OrderBy(models.F("id"), descending=True),
                                name="contacts_newest",
                            ),
                            models.Index(fields=["business_profile", "created_at"], name="contacts_created"),
                            models.Index(
                                models.F("business_profile"),
                                contacts.expressions.SortName(),
                                models.F("id"),
                                name="contacts_by_name",
                            ),
                            models.Index(
                                models.F("business_profile"),
                                models.OrderBy(models.F("last_message_at"), descending=True),
                                models.OrderBy(models.F("id"), descending=True),
                                condition=models.Q(("opted_out_at__isnull", False)),
                                name="contacts_opted_out",
                            ),
                            models.Index(
                                models.F("business_profile"),
                                models.OrderBy(models.F("last_message_at"), descending=True),
                                models.OrderBy(models.F("id"), descending=True),
                                condition=models.Q(("blocked_at__isnull", False)),
                                name="contacts_blocked",
                            ),
                        ],
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("business_profile", "phone_number"),
                                name="contacts_business_phone_unique",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="BulkChange",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "job_id",
                                "contact_id",
                                "target_id",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("contact_id", models.UUIDField()),
                        ("target_id", models.UUIDField()),
                        (
                            "job",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="jobs.job",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "contact_bulk_changes",
                    },
                ),
                migrations.CreateModel(
                    name="ConsentWords",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        ("stop", models.JSONField(default=dict, help_text='By language: {"en": ["stop"]}.')),
                        ("start", models.JSONField(default=dict)),
                        (
                            "business_profile",
                            models.OneToOneField(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="consent_words",
                                to="accounts.businessprofile",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "consent_words",
                    },
                ),
                migrations.CreateModel(
                    name="ConsentProof",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        (
                            "gone_contact_id",
                            models.UUIDField(
                                help_text="Whose it was, when that contact is deleted: Suppression.contact_id.",
                                null=True,
                            ),
                        ),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("opt_out", "Opted out"),
                                    ("again", "Said so again"),
                                    ("opt_in", "Opted in"),
                                ],
                                max_length=10,
                            ),
                        ),
                        (
                            "how",
                            models.CharField(
                                choices=[
                                    ("message", "By a message"),
                                    ("team", "By the team"),
                                    ("import", "By an import"),
                                    ("api", "By the API"),
                                    ("merge", "By a merge of two contacts"),
                                    ("suppression", "The number had opted out before"),
                                ],
                                max_length=12,
                            ),
                        ),
                        (
                            "message_id",
                            models.UUIDField(blank=True, help_text="The message that said so.", null=True),
                        ),
                        ("note", models.CharField(blank=True, max_length=255)),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
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
                            "contact",
                            models.ForeignKey(
                                db_index=False,
                                null=True,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="consents",
                                to="contacts.contact",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "contact_consents",
                        "indexes": [
                            models.Index(
                                models.F("contact"),
                                models.OrderBy(models.F("id"), descending=True),
                                name="contact_consents_of",
                            ),
                            models.Index(
                                fields=["business_profile", "created_at"], name="contact_consents_created"
                            ),
                            models.Index(
                                condition=models.Q(("gone_contact_id__isnull", False)),
                                fields=["gone_contact_id"],
                                name="contact_consents_gone",
                            ),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ContactIdentity",
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
                            "kind",
                            models.CharField(
                                choices=[("phone", "Phone number"), ("lid", "LID")], max_length=5
                            ),
                        ),
                        ("value", models.CharField(max_length=64)),
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
                            "contact",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="identities",
                                to="contacts.contact",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "contact_identities",
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("business_profile", "kind", "value"),
                                name="contact_identities_value_unique",
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ContactImport",
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
                            "file",
                            models.CharField(
                                blank=True, help_text="Where it lies in the storage.", max_length=255
                            ),
                        ),
                        ("file_name", models.CharField(max_length=255)),
                        ("size", models.BigIntegerField()),
                        ("format", models.CharField(max_length=10)),
                        ("encoding", models.CharField(blank=True, max_length=40)),
                        ("delimiter", models.CharField(blank=True, max_length=1)),
                        ("has_header", models.BooleanField(default=True)),
                        ("columns", models.JSONField(default=list)),
                        (
                            "origin",
                            models.CharField(
                                blank=True, help_text="The program that wrote it, if known.", max_length=10
                            ),
                        ),
                        ("notes", models.JSONField(default=list)),
                        ("rows", models.IntegerField(default=0, help_text="About how many there are.")),
                        ("mapping", models.JSONField(default=list)),
                        ("country", models.CharField(blank=True, max_length=2)),
                        (
                            "full_numbers",
                            models.BooleanField(
                                help_text="Whether numbers without + are complete without it. NULL: the file does not look so.",
                                null=True,
                            ),
                        ),
                        (
                            "duplicates",
                            models.CharField(
                                choices=[("update", "Fill in and correct"), ("skip", "Leave as they are")],
                                default="update",
                                max_length=6,
                            ),
                        ),
                        (
                            "tag",
                            models.CharField(
                                blank=True,
                                help_text="Name of a tag for everybody in the file.",
                                max_length=100,
                            ),
                        ),
                        (
                            "began_at",
                            models.DateTimeField(
                                blank=True,
                                help_text="When it was started, and created_at of every contact who came by it.",
                                null=True,
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
                            "created_by",
                            models.ForeignKey(
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="+",
                                to=settings.AUTH_USER_MODEL,
                            ),
                        ),
                        (
                            "job",
                            models.OneToOneField(
                                blank=True,
                                null=True,
                                on_delete=django.db.models.deletion.SET_NULL,
                                related_name="contact_import",
                                to="jobs.job",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "contact_imports",
                        "indexes": [
                            models.Index(fields=["business_profile", "-id"], name="contact_imports_business")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ContactNote",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        ("body", models.TextField()),
                        (
                            "author",
                            models.ForeignKey(
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
                            "contact",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="notes",
                                to="contacts.contact",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "contact_notes",
                        "indexes": [
                            models.Index(
                                models.F("contact"),
                                models.OrderBy(models.F("id"), descending=True),
                                name="contact_notes_of",
                            ),
                            models.Index(fields=["business_profile"], name="contact_notes_business"),
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="CustomField",
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
                            "key",
                            models.CharField(
                                max_length=40,
                                validators=[
                                    django.core.validators.RegexValidator(
                                        "^[a-z][a-z0-9]*(_[a-z0-9]+)*$",
                                        "Small letters and digits, joined by _.",
                                    )
                                ],
                            ),
                        ),
                        ("label", models.CharField(max_length=100)),
                        (
                            "kind",
                            models.CharField(
                                choices=[
                                    ("text", "Text"),
                                    ("number", "Number"),
                                    ("date", "Date"),
                                    ("choice", "Choice"),
                                    ("boolean", "Yes or no"),
                                ],
                                default="text",
                                max_length=10,
                            ),
                        ),
                        (
                            "choices",
                            models.JSONField(
                                blank=True, default=list, help_text="The values of a choice, in their order."
                            ),
                        ),
                        ("position", models.SmallIntegerField(default=0)),
                        (
                            "business_profile",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="custom_fields",
                                to="accounts.businessprofile",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "custom_fields",
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("business_profile", "key"), name="custom_fields_key_unique"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ImportedContact",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "contact_id",
                                "source_id",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("created_at", models.DateTimeField()),
                        (
                            "contact",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="imported",
                                to="contacts.contact",
                            ),
                        ),
                        (
                            "source",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="contacts.contactimport",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "imported_contacts",
                    },
                ),
                migrations.CreateModel(
                    name="ImportRejects",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "job_id",
                                "first_row",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("first_row", models.IntegerField()),
                        ("rows", models.JSONField(help_text="[number of the row, reason, cells] of each.")),
                        (
                            "job",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="jobs.job",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "contact_import_rejects",
                    },
                ),
                migrations.CreateModel(
                    name="ListColumns",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        ("updated_at", models.DateTimeField(auto_now=True)),
                        ("columns", models.JSONField(default=list)),
                        (
                            "business_profile",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="accounts.businessprofile",
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
                        "db_table": "contact_list_columns",
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("user", "business_profile"), name="contact_list_columns_unique"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Segment",
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
                        ("filter", models.JSONField(default=dict, help_text="ContactFilter.to_dict().")),
                        (
                            "business_profile",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="segments",
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
                        "db_table": "segments",
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("business_profile", "name"), name="segments_name_unique"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Suppression",
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
                                choices=[("phone", "Phone number"), ("lid", "LID")], max_length=5
                            ),
                        ),
                        ("value", models.CharField(help_text="As in contact_identities.", max_length=64)),
                        (
                            "contact_id",
                            models.UUIDField(
                                help_text="Who had it at last; that contact may be deleted.", null=True
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "business_profile",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="+",
                                to="accounts.businessprofile",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "suppressions",
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("business_profile", "kind", "value"), name="suppressions_value_unique"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="Tag",
                    fields=[
                        (
                            "id",
                            models.UUIDField(
                                default=core.ids.uuid7, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("name", models.CharField(max_length=100)),
                        (
                            "color",
                            models.CharField(
                                blank=True,
                                max_length=7,
                                validators=[
                                    django.core.validators.RegexValidator(
                                        "^#[0-9a-fA-F]{6}$",
                                        "Write the colour as # and six digits, like #1c7ed6.",
                                    )
                                ],
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "business_profile",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="tags",
                                to="accounts.businessprofile",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "tags",
                        "constraints": [
                            models.UniqueConstraint(
                                fields=("business_profile", "name"), name="tags_business_name_unique"
                            )
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ContactTag",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "contact_id",
                                "tag_id",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("created_at", models.DateTimeField(auto_now_add=True)),
                        (
                            "contact",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="contact_tags",
                                to="contacts.contact",
                            ),
                        ),
                        (
                            "tag",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="contact_tags",
                                to="contacts.tag",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "contact_tags",
                    },
                ),
                migrations.CreateModel(
                    name="TagRule",
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
                            "kind",
                            models.CharField(
                                choices=[
                                    ("keyword", "A word in their message"),
                                    ("first_contact", "Their first message"),
                                    ("no_answer", "No answer for some days"),
                                ],
                                max_length=20,
                            ),
                        ),
                        (
                            "keywords",
                            models.JSONField(
                                blank=True, default=list, help_text="Of a keyword rule: any of them will do."
                            ),
                        ),
                        (
                            "days",
                            models.SmallIntegerField(
                                default=0,
                                help_text="Of a no-answer rule: days since our last message, to which nothing came.",
                            ),
                        ),
                        ("is_active", models.BooleanField(default=True)),
                        ("tagged_count", models.IntegerField(default=0)),
                        ("last_tagged_at", models.DateTimeField(blank=True, null=True)),
                        (
                            "business_profile",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="tag_rules",
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
                        (
                            "tag",
                            models.ForeignKey(
                                on_delete=django.db.models.deletion.CASCADE,
                                related_name="rules",
                                to="contacts.tag",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "tag_rules",
                        "indexes": [
                            models.Index(fields=["business_profile", "id"], name="tag_rules_business")
                        ],
                    },
                ),
                migrations.CreateModel(
                    name="ContactGroup",
                    fields=[
                        (
                            "contact",
                            models.OneToOneField(
                                db_index=False,
                                on_delete=django.db.models.deletion.CASCADE,
                                primary_key=True,
                                related_name="grouped",
                                serialize=False,
                                to="contacts.contact",
                            ),
                        ),
                        (
                            "group",
                            models.CharField(
                                choices=[
                                    ("new", "New"),
                                    ("active", "Active"),
                                    ("loyal", "Loyal"),
                                    ("cooling", "Cooling"),
                                    ("lost", "Lost"),
                                ],
                                max_length=10,
                            ),
                        ),
                        (
                            "since",
                            models.DateField(
                                help_text="The business's date on which it came into this group."
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
                    ],
                    options={
                        "db_table": "contact_groups",
                        "indexes": [
                            models.Index(fields=["business_profile", "group"], name="contact_groups_group")
                        ],
                    },
                ),
            ]
        ),
        migrations.RunPython(index_search_terms, migrations.RunPython.noop),
    ]

"""How a business sorts its contacts; their search covers e-mail addresses and custom fields too.

SQLite makes a table anew to add a column that may not be NULL, and its triggers go with the old one: the full-text table
is therefore taken away first and made again at the end.
"""

from importlib import import_module

import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import contacts.expressions
import whatsflow.core.ids
from whatsflow.core import phone

POSTGRES = [
    "DROP INDEX IF EXISTS contacts_phone_trigrams",
    "DROP INDEX IF EXISTS contacts_push_name_trigrams",
    "DROP INDEX IF EXISTS contacts_name_trigrams",
    "CREATE INDEX contacts_search ON contacts USING gin (UPPER(name || ' ' || push_name || ' ' || "
    "COALESCE(phone_number, '') || ' ' || email || ' ' || (jsonb_path_query_array(metadata, '$.*'))::text) gin_trgm_ops)",
]
POSTGRES_BACK = [
    "DROP INDEX IF EXISTS contacts_search",
    "CREATE INDEX contacts_name_trigrams ON contacts USING gin (UPPER(name) gin_trgm_ops)",
    "CREATE INDEX contacts_push_name_trigrams ON contacts USING gin (UPPER(push_name) gin_trgm_ops)",
    "CREATE INDEX contacts_phone_trigrams ON contacts USING gin (phone_number gin_trgm_ops)",
]

SQLITE_TAKE_AWAY = [
    "DROP TRIGGER IF EXISTS contacts_fts_delete",
    "DROP TRIGGER IF EXISTS contacts_fts_update",
    "DROP TRIGGER IF EXISTS contacts_fts_insert",
    "DROP TABLE IF EXISTS contacts_fts",
    "DROP TABLE IF EXISTS contacts_fts_map",
]


TEXT = (
    "ROW.name || ' ' || ROW.push_name || ' ' || coalesce(ROW.phone_number, '') || ' ' || ROW.email || ' ' || "
    "coalesce((SELECT group_concat(value, ' ') FROM json_each(ROW.metadata) WHERE atom IS NOT NULL), '')"
)
NEW = TEXT.replace("ROW", "new")


SQLITE = [
    "CREATE TABLE contacts_fts_map (id INTEGER PRIMARY KEY, contact_id char(32) NOT NULL UNIQUE)",
    "CREATE VIRTUAL TABLE contacts_fts USING fts5(body, tokenize='trigram')",
    "INSERT INTO contacts_fts_map (contact_id) SELECT id FROM contacts",
    "INSERT INTO contacts_fts (rowid, body) SELECT m.id, " + TEXT.replace("ROW", "c") + " "
    "FROM contacts c JOIN contacts_fts_map m ON m.contact_id = c.id",
    """
    CREATE TRIGGER contacts_fts_insert AFTER INSERT ON contacts BEGIN
        INSERT INTO contacts_fts_map (contact_id) VALUES (new.id);
        INSERT INTO contacts_fts (rowid, body) SELECT id, NEW_TEXT FROM contacts_fts_map WHERE contact_id = new.id;
    END
    """,
    """
    CREATE TRIGGER contacts_fts_update AFTER UPDATE OF name, push_name, phone_number, email, metadata ON contacts
    WHEN old.name IS NOT new.name OR old.push_name IS NOT new.push_name OR old.phone_number IS NOT new.phone_number
        OR old.email IS NOT new.email OR old.metadata IS NOT new.metadata
    BEGIN
        UPDATE contacts_fts SET body = NEW_TEXT
            WHERE rowid = (SELECT id FROM contacts_fts_map WHERE contact_id = new.id);
    END
    """,
    """
    CREATE TRIGGER contacts_fts_delete AFTER DELETE ON contacts BEGIN
        DELETE FROM contacts_fts WHERE rowid = (SELECT id FROM contacts_fts_map WHERE contact_id = old.id);
        DELETE FROM contacts_fts_map WHERE contact_id = old.id;
    END
    """,
]


SQLITE = [statement.replace("NEW_TEXT", NEW) for statement in SQLITE]


def prepare(apps, schema_editor):
    """SQLite: without triggers until the table has its columns."""
    _run(schema_editor, SQLITE_TAKE_AWAY, [])


def index(apps, schema_editor):
    _run(schema_editor, SQLITE, POSTGRES)


def take_away(apps, schema_editor):
    _run(schema_editor, SQLITE_TAKE_AWAY, POSTGRES_BACK)


def index_as_before(apps, schema_editor):
    """SQLite: what 0002 made."""
    if schema_editor.connection.vendor == "sqlite":
        before = import_module("contacts.migrations.0002_search")
        _run(schema_editor, before.SQLITE, [])


def _run(schema_editor, sqlite, postgres):
    for statement in sqlite if schema_editor.connection.vendor == "sqlite" else postgres:
        schema_editor.execute(statement)


def find_countries(apps, schema_editor):
    """The countries of the numbers that are here already."""
    Contact = apps.get_model("contacts", "Contact")
    numbers = Contact.objects.exclude(phone_number=None).only("id", "phone_number")
    found = []
    for contact in numbers.iterator(chunk_size=2000):
        contact.country = phone.country(contact.phone_number)
        if contact.country:
            found.append(contact)
        if len(found) == 2000:
            Contact.objects.bulk_update(found, ["country"])
            found = []
    Contact.objects.bulk_update(found, ["country"])


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_audit_log_is_final"),
        ("contacts", "0002_search"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(prepare, index_as_before),
        migrations.AddField(
            model_name="contact",
            name="blocked_at",
            field=models.DateTimeField(
                blank=True, help_text="Muted and kept out of campaigns since.", null=True
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="country",
            field=models.CharField(
                blank=True, help_text="ISO 3166, from the number; empty if unknown.", max_length=2
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="email",
            field=models.CharField(blank=True, max_length=254),
        ),
        migrations.AddField(
            model_name="contact",
            name="opted_out_at",
            field=models.DateTimeField(
                blank=True, help_text="Wants no campaigns since; the proof is in contact_consents.", null=True
            ),
        ),
        migrations.AlterField(
            model_name="contact",
            name="metadata",
            field=models.JSONField(
                blank=True, default=dict, help_text="Values of custom fields, by their keys."
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                models.F("business_profile"),
                models.OrderBy(models.F("last_message_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                name="contacts_recent",
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                models.F("business_profile"),
                models.OrderBy(models.F("id"), descending=True),
                name="contacts_newest",
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                models.F("business_profile"),
                contacts.expressions.SortName(),
                models.F("id"),
                name="contacts_by_name",
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                models.F("business_profile"),
                models.OrderBy(models.F("last_message_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("opted_out_at__isnull", False)),
                name="contacts_opted_out",
            ),
        ),
        migrations.AddIndex(
            model_name="contact",
            index=models.Index(
                models.F("business_profile"),
                models.OrderBy(models.F("last_message_at"), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                condition=models.Q(("blocked_at__isnull", False)),
                name="contacts_blocked",
            ),
        ),
        migrations.CreateModel(
            name="Tag",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=whatsflow.core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "business_profile",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tags",
                        to="accounts.businessprofile",
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
                                "^#[0-9a-fA-F]{6}$", "Write the colour as # and six digits, like #1c7ed6."
                            )
                        ],
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
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
                        "contact_id", "tag_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
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
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "db_table": "contact_tags",
            },
        ),
        migrations.CreateModel(
            name="ContactNote",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=whatsflow.core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
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
                (
                    "author",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("body", models.TextField()),
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
                        default=whatsflow.core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "business_profile",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="custom_fields",
                        to="accounts.businessprofile",
                    ),
                ),
                (
                    "key",
                    models.CharField(
                        max_length=40,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z][a-z0-9]*(_[a-z0-9]+)*$", "Small letters and digits, joined by _."
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
            name="Segment",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=whatsflow.core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "business_profile",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="segments",
                        to="accounts.businessprofile",
                    ),
                ),
                ("name", models.CharField(max_length=100)),
                ("filter", models.JSONField(default=dict, help_text="ContactFilter.to_dict().")),
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
                    models.UniqueConstraint(fields=("business_profile", "name"), name="segments_name_unique")
                ],
            },
        ),
        migrations.CreateModel(
            name="ListColumns",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=whatsflow.core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "business_profile",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.businessprofile",
                    ),
                ),
                ("columns", models.JSONField(default=list)),
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
            name="TagRule",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=whatsflow.core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
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
                    "tag",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="rules", to="contacts.tag"
                    ),
                ),
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
                ("tagged_count", models.IntegerField(default=0)),
                ("last_tagged_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "db_table": "tag_rules",
                "indexes": [models.Index(fields=["business_profile", "id"], name="tag_rules_business")],
            },
        ),
        migrations.CreateModel(
            name="ConsentProof",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=whatsflow.core.ids.uuid7, editable=False, primary_key=True, serialize=False
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
                        related_name="consents",
                        to="contacts.contact",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("opt_out", "Opted out"), ("opt_in", "Opted in")], max_length=10
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
                    "message_id",
                    models.UUIDField(blank=True, help_text="The message that said so.", null=True),
                ),
                ("note", models.CharField(blank=True, max_length=255)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "db_table": "contact_consents",
                "indexes": [
                    models.Index(
                        models.F("contact"),
                        models.OrderBy(models.F("id"), descending=True),
                        name="contact_consents_of",
                    ),
                    models.Index(fields=["business_profile"], name="contact_consents_business"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Suppression",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=whatsflow.core.ids.uuid7, editable=False, primary_key=True, serialize=False
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
                ("kind", models.CharField(choices=[("phone", "Phone number"), ("lid", "LID")], max_length=5)),
                ("value", models.CharField(help_text="As in contact_identities.", max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
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
            name="ConsentWords",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=whatsflow.core.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "business_profile",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="consent_words",
                        to="accounts.businessprofile",
                    ),
                ),
                ("stop", models.JSONField(default=dict, help_text='By language: {"en": ["stop"]}.')),
                ("start", models.JSONField(default=dict)),
            ],
            options={
                "db_table": "consent_words",
            },
        ),
        migrations.RunPython(find_countries, migrations.RunPython.noop),
        migrations.RunPython(index, take_away),
    ]

"""Contacts are found by terms that are the same on both databases, instead of trigrams.

As messaging's migration of this name does it for messages.
"""

from importlib import import_module

from django.db import migrations

import whatsflow.core.search
from contacts.searched import texts
from whatsflow.core import bulk, search
from whatsflow.core.search_text import search_text

BATCH = 5000


def drop_old(apps, schema_editor):
    _run(schema_editor, "SQLITE_TAKE_AWAY", ["DROP INDEX IF EXISTS contacts_search"])


def create_old(apps, schema_editor):
    _run(schema_editor, "SQLITE", [_before().POSTGRES[-1]])


def _before():
    return import_module("contacts.migrations.0003_sorting")


def _run(schema_editor, sqlite, postgres):
    for statement in getattr(_before(), sqlite) if schema_editor.connection.vendor == "sqlite" else postgres:
        schema_editor.execute(statement)


def write_terms(apps, schema_editor):
    """In the order of their keys."""
    rows, last = apps.get_model("contacts", "Contact").objects.filter(search_text="").order_by("pk"), None
    while batch := list((rows.filter(pk__gt=last) if last else rows)[:BATCH]):
        bulk.update_each(
            {"key": "uuid", "terms": "text"},
            [(bulk.value(row.pk), search_text(*texts(row))) for row in batch],
            "UPDATE contacts SET search_text = v.terms FROM v WHERE contacts.id = v.key",
        )
        last = batch[-1].pk


def create_new(apps, schema_editor):
    search.create_index(schema_editor, "contacts")


def drop_new(apps, schema_editor):
    search.drop_index(schema_editor, "contacts")


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("contacts", "0007_proofs_and_imports_remembered")]

    operations = [
        migrations.RunPython(drop_old, create_old, atomic=True),
        migrations.SeparateDatabaseAndState(
            [
                migrations.RunSQL(
                    "ALTER TABLE contacts ADD COLUMN search_text text NOT NULL DEFAULT ''",
                    "ALTER TABLE contacts DROP COLUMN search_text",
                )
            ],
            [
                migrations.AddField(
                    "contact",
                    "search_text",
                    whatsflow.core.search.SearchTextField(
                        blank=True, default="", editable=False, help_text="Terms of the search."
                    ),
                )
            ],
        ),
        migrations.RunPython(write_terms, migrations.RunPython.noop),
        migrations.RunPython(create_new, drop_new, atomic=True),
    ]

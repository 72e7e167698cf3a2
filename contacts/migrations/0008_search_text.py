"""Contacts are found by terms that are the same on both databases, instead of trigrams.

As messaging's migrations of these names do it for messages.
"""

from importlib import import_module

from django.db import migrations

import whatsflow.core.search


def drop_old(apps, schema_editor):
    _run(schema_editor, "SQLITE_TAKE_AWAY", ["DROP INDEX IF EXISTS contacts_search"])


def create_old(apps, schema_editor):
    _run(schema_editor, "SQLITE", [_before().POSTGRES[-1]])


def _before():
    return import_module("contacts.migrations.0003_sorting")


def _run(schema_editor, sqlite, postgres):
    for statement in getattr(_before(), sqlite) if schema_editor.connection.vendor == "sqlite" else postgres:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("contacts", "0007_proofs_and_imports_remembered")]

    operations = [
        migrations.RunPython(drop_old, create_old),
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
    ]

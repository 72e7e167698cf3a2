"""Messages are found by terms that are the same on both databases, instead of PostgreSQL's words and SQLite's trigrams.

This adds the column, the next migration writes the terms of messages that are here already, and the one after it
creates the index. The column is added by SQL: Django would rebuild the table on SQLite, without triggers.
"""

from importlib import import_module

from django.db import migrations

import whatsflow.core.search


def drop_old(apps, schema_editor):
    _run(schema_editor, "SQLITE_BACK", "POSTGRES_BACK")


def create_old(apps, schema_editor):
    _run(schema_editor, "SQLITE", "POSTGRES")


def _run(schema_editor, sqlite, postgres):
    before = import_module("messaging.migrations.0003_search")
    for statement in getattr(before, sqlite if schema_editor.connection.vendor == "sqlite" else postgres):
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("messaging", "0008_quick_replies")]

    operations = [
        migrations.RunPython(drop_old, create_old),
        migrations.SeparateDatabaseAndState(
            [
                migrations.RunSQL(
                    "ALTER TABLE messages ADD COLUMN search_text text NOT NULL DEFAULT ''",
                    "ALTER TABLE messages DROP COLUMN search_text",
                )
            ],
            [
                migrations.AddField(
                    "message",
                    "search_text",
                    whatsflow.core.search.SearchTextField(
                        blank=True, default="", editable=False, help_text="Terms of the search."
                    ),
                )
            ],
        ),
    ]

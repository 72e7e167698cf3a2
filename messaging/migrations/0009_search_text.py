"""Messages are found by terms that are the same on both databases, instead of PostgreSQL's words and SQLite's trigrams.

The terms of messages that are here already are written batch by batch, each committed by itself. If it is stopped, it
goes on where terms are missing. The column is added by SQL: Django would rebuild the table on SQLite, without triggers.
"""

from importlib import import_module

from django.db import migrations

import whatsflow.core.search
from whatsflow.core import bulk, search
from whatsflow.core.search_text import search_text

BATCH = 5000


def drop_old(apps, schema_editor):
    _run(schema_editor, "SQLITE_BACK", "POSTGRES_BACK")


def create_old(apps, schema_editor):
    _run(schema_editor, "SQLITE", "POSTGRES")


def _run(schema_editor, sqlite, postgres):
    before = import_module("messaging.migrations.0003_search")
    for statement in getattr(before, sqlite if schema_editor.connection.vendor == "sqlite" else postgres):
        schema_editor.execute(statement)


def write_terms(apps, schema_editor):
    """In the order of their keys."""
    rows = apps.get_model("messaging", "Message").objects.exclude(content="").filter(search_text="")
    rows, last = rows.order_by("pk").values_list("pk", "content"), None
    while batch := list((rows.filter(pk__gt=last) if last else rows)[:BATCH]):
        bulk.update_each(
            {"key": "uuid", "terms": "text"},
            [(bulk.value(key), search_text(content)) for key, content in batch],
            "UPDATE messages SET search_text = v.terms FROM v WHERE messages.id = v.key",
        )
        last = batch[-1][0]


def create_new(apps, schema_editor):
    search.create_index(schema_editor, "messages")


def drop_new(apps, schema_editor):
    search.drop_index(schema_editor, "messages")


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("messaging", "0008_quick_replies")]

    operations = [
        migrations.RunPython(drop_old, create_old, atomic=True),
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
        migrations.RunPython(write_terms, migrations.RunPython.noop),
        migrations.RunPython(create_new, drop_new, atomic=True),
    ]

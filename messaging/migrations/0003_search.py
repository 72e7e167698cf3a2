"""Indexes for the search of message texts: words on PostgreSQL, a full-text table of trigrams on SQLite.

On PostgreSQL a message's business is one of its words, so that a search never walks through other businesses' hits.
SQLite drops a table's triggers when Django rebuilds the table: a later migration that alters messages or contacts must
run these statements again (a test looks for the triggers).
"""

from django.db import migrations

POSTGRES = [
    "CREATE INDEX messages_words ON messages USING gin (("
    "to_tsvector('simple', coalesce(content, '')) || array_to_tsvector(ARRAY[business_profile_id::text])))",
]
POSTGRES_BACK = ["DROP INDEX IF EXISTS messages_words"]

SQLITE = [
    "CREATE TABLE messages_fts_map (id INTEGER PRIMARY KEY, message_id char(32) NOT NULL UNIQUE)",
    "CREATE VIRTUAL TABLE messages_fts USING fts5(content, tokenize='trigram')",
    "INSERT INTO messages_fts_map (message_id) SELECT id FROM messages WHERE content <> '' ORDER BY created_at",
    "INSERT INTO messages_fts (rowid, content) "
    "SELECT k.id, m.content FROM messages_fts_map k JOIN messages m ON m.id = k.message_id",
    """
    CREATE TRIGGER messages_fts_insert AFTER INSERT ON messages WHEN new.content <> '' BEGIN
        INSERT INTO messages_fts_map (message_id) VALUES (new.id);
        INSERT INTO messages_fts (rowid, content)
            SELECT id, new.content FROM messages_fts_map WHERE message_id = new.id;
    END
    """,
    """
    CREATE TRIGGER messages_fts_update AFTER UPDATE OF content ON messages WHEN old.content IS NOT new.content BEGIN
        DELETE FROM messages_fts WHERE rowid = (SELECT id FROM messages_fts_map WHERE message_id = old.id);
        DELETE FROM messages_fts_map WHERE message_id = old.id;
        INSERT INTO messages_fts_map (message_id) SELECT new.id WHERE new.content <> '';
        INSERT INTO messages_fts (rowid, content)
            SELECT id, new.content FROM messages_fts_map WHERE message_id = new.id;
    END
    """,
    """
    CREATE TRIGGER messages_fts_delete AFTER DELETE ON messages WHEN old.content <> '' BEGIN
        DELETE FROM messages_fts WHERE rowid = (SELECT id FROM messages_fts_map WHERE message_id = old.id);
        DELETE FROM messages_fts_map WHERE message_id = old.id;
    END
    """,
]
SQLITE_BACK = [
    "DROP TRIGGER IF EXISTS messages_fts_delete",
    "DROP TRIGGER IF EXISTS messages_fts_update",
    "DROP TRIGGER IF EXISTS messages_fts_insert",
    "DROP TABLE IF EXISTS messages_fts",
    "DROP TABLE IF EXISTS messages_fts_map",
]


def create(apps, schema_editor):
    for statement in SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRES:
        schema_editor.execute(statement)


def remove(apps, schema_editor):
    for statement in SQLITE_BACK if schema_editor.connection.vendor == "sqlite" else POSTGRES_BACK:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("messaging", "0002_outbox_indexes")]

    operations = [migrations.RunPython(create, remove)]

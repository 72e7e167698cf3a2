"""Indexes for the search of people: trigrams on PostgreSQL, a full-text table of trigrams on SQLite."""

from django.db import DatabaseError, migrations, transaction

EXTENSION_MISSING = (
    "The PostgreSQL extension pg_trgm is needed for searching and this database role may not create it. "
    "Connect to the database as its owner or as a superuser, run: CREATE EXTENSION pg_trgm; and migrate again."
)

POSTGRES = [
    "CREATE INDEX contacts_name_trigrams ON contacts USING gin (UPPER(name) gin_trgm_ops)",
    "CREATE INDEX contacts_push_name_trigrams ON contacts USING gin (UPPER(push_name) gin_trgm_ops)",
    "CREATE INDEX contacts_phone_trigrams ON contacts USING gin (phone_number gin_trgm_ops)",
]
POSTGRES_BACK = [
    "DROP INDEX IF EXISTS contacts_phone_trigrams",
    "DROP INDEX IF EXISTS contacts_push_name_trigrams",
    "DROP INDEX IF EXISTS contacts_name_trigrams",
]

SQLITE = [
    "CREATE TABLE contacts_fts_map (id INTEGER PRIMARY KEY, contact_id char(32) NOT NULL UNIQUE)",
    "CREATE VIRTUAL TABLE contacts_fts USING fts5(name, push_name, phone_number, tokenize='trigram')",
    "INSERT INTO contacts_fts_map (contact_id) SELECT id FROM contacts",
    "INSERT INTO contacts_fts (rowid, name, push_name, phone_number) "
    "SELECT m.id, c.name, c.push_name, coalesce(c.phone_number, '') "
    "FROM contacts c JOIN contacts_fts_map m ON m.contact_id = c.id",
    """
    CREATE TRIGGER contacts_fts_insert AFTER INSERT ON contacts BEGIN
        INSERT INTO contacts_fts_map (contact_id) VALUES (new.id);
        INSERT INTO contacts_fts (rowid, name, push_name, phone_number)
            SELECT id, new.name, new.push_name, coalesce(new.phone_number, '')
            FROM contacts_fts_map WHERE contact_id = new.id;
    END
    """,
    """
    CREATE TRIGGER contacts_fts_update AFTER UPDATE OF name, push_name, phone_number ON contacts
    WHEN old.name IS NOT new.name OR old.push_name IS NOT new.push_name OR old.phone_number IS NOT new.phone_number
    BEGIN
        UPDATE contacts_fts
            SET name = new.name, push_name = new.push_name, phone_number = coalesce(new.phone_number, '')
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
SQLITE_BACK = [
    "DROP TRIGGER IF EXISTS contacts_fts_delete",
    "DROP TRIGGER IF EXISTS contacts_fts_update",
    "DROP TRIGGER IF EXISTS contacts_fts_insert",
    "DROP TABLE IF EXISTS contacts_fts",
    "DROP TABLE IF EXISTS contacts_fts_map",
]


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        statements = SQLITE
    else:
        _create_extension(schema_editor)
        statements = POSTGRES
    for statement in statements:
        schema_editor.execute(statement)


def _create_extension(schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'")
        if cursor.fetchone():
            return
    try:
        with transaction.atomic(using=schema_editor.connection.alias):
            schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError as error:
        raise RuntimeError(EXTENSION_MISSING) from error


def remove(apps, schema_editor):
    sqlite = schema_editor.connection.vendor == "sqlite"
    for statement in SQLITE_BACK if sqlite else POSTGRES_BACK:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("contacts", "0001_initial")]

    operations = [migrations.RunPython(create, remove)]

"""Numbers are read from the index alone: a day looks two thousand of them up, one by one."""

from django.db import migrations

INDEX = "CREATE INDEX stats_numbers_with_number ON stats_numbers (id) INCLUDE (number)"


def make(apps, schema_editor):
    """SQLite's key has no room for another column; its tables are small."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(INDEX)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS stats_numbers_with_number")


class Migration(migrations.Migration):
    dependencies = [("analytics", "0003_bitmaps")]

    operations = [migrations.RunPython(make, drop)]

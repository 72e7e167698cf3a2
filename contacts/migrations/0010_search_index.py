"""Create the index of the terms of contacts."""

from django.db import migrations

from whatsflow.core import search


def create(apps, schema_editor):
    search.create_index(schema_editor, "contacts")


def drop(apps, schema_editor):
    search.drop_index(schema_editor, "contacts")


class Migration(migrations.Migration):
    dependencies = [("contacts", "0009_search_terms")]

    operations = [migrations.RunPython(create, drop)]

"""Create the index of the terms of messages."""

from django.db import migrations

from whatsflow.core import search


def create(apps, schema_editor):
    search.create_index(schema_editor, "messages")


def drop(apps, schema_editor):
    search.drop_index(schema_editor, "messages")


class Migration(migrations.Migration):
    dependencies = [("messaging", "0010_search_terms")]

    operations = [migrations.RunPython(create, drop)]

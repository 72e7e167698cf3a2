"""Write the terms of the contacts that are here already, batch by batch, each committed by itself.

If it is stopped, it goes on where terms are missing.
"""

from django.db import migrations

from contacts.searched import texts
from whatsflow.core import bulk
from whatsflow.core.search_text import search_text

BATCH = 5000


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


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("contacts", "0008_search_text")]

    operations = [migrations.RunPython(write_terms, migrations.RunPython.noop)]

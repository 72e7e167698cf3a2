"""Write the terms of the messages that are here already, batch by batch, each committed by itself.

If it is stopped, it goes on where terms are missing.
"""

from django.db import migrations

from whatsflow.core import bulk
from whatsflow.core.search_text import search_text

BATCH = 5000


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


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("messaging", "0009_search_text")]

    operations = [migrations.RunPython(write_terms, migrations.RunPython.noop)]

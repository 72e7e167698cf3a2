"""Register the job kinds and bulk actions of contacts."""

from __future__ import annotations

from contacts.bulk import actions
from contacts.bulk import job as bulk_job
from contacts.exporting import job as exporting
from contacts.importing import job as importing
from contacts.services import privacy
from jobs import registry


def register() -> None:
    """Register the kinds and actions; called once, in ready()."""
    registry.register(
        importing.KIND,
        importing.run,
        label="Import of contacts",
        icon="upload",
        words=importing.WORDS,
        ended=importing.ended,
    )
    registry.register(
        exporting.KIND, exporting.run, label="Export of contacts", icon="download", words=exporting.WORDS
    )
    registry.register(
        bulk_job.KIND,
        bulk_job.run,
        label="Many contacts at once",
        icon="users",
        words=bulk_job.WORDS,
        undo=bulk_job.undo,
        ended=bulk_job.ended,
        leads_to=bulk_job.leads_to,
    )
    registry.register(
        privacy.KIND,
        privacy.run,
        label="What is stored about a contact",
        icon="shield-lock",
        words=privacy.WORDS,
    )
    actions.register()

"""Celery tasks run by beat."""

from celery import shared_task

from contacts.bulk import job
from contacts.importing import imports
from contacts.services import rules


@shared_task
def tag_the_silent() -> None:
    """Run the no-answer tag rules."""
    rules.run_due()


@shared_task
def prune_imports() -> None:
    """Delete files of abandoned imports, and bulk changes that can no longer be undone."""
    imports.prune()
    job.prune()

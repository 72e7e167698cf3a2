"""Doorbells of the clock."""

from celery import shared_task

from contacts.bulk import job
from contacts.services import imports, rules


@shared_task
def tag_the_silent() -> None:
    """Tag those who have not answered for as long as a rule says."""
    rules.run_due()


@shared_task
def prune_imports() -> None:
    """Forget files that were uploaded and never taken in, and what undoing many at once would have needed."""
    imports.prune()
    job.prune()

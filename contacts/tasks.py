"""Doorbells of the clock."""

from celery import shared_task

from contacts.services import rules


@shared_task
def tag_the_silent() -> None:
    """Tag those who have not answered for as long as a rule says."""
    rules.run_due()

"""Doorbells of the clock."""

from celery import shared_task

from messaging.services import housekeeping


@shared_task
def sweep_outbox() -> None:
    """Ring for every number with due messages: makes up for doorbells that got lost."""
    housekeeping.ring_for_due_messages()


@shared_task
def prune() -> None:
    """Remove what nobody needs any more."""
    housekeeping.prune()

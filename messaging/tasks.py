"""Celery tasks of messaging: the session runner, and what beat runs."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from messaging.runner import run_here
from messaging.services import maintenance


@shared_task(name="connections.tasks.run_session")
def run_session(connection_id: str) -> None:
    """Drive the number as long as this worker holds its lease.

    A second run of the same number returns at once.
    """
    run_here(UUID(connection_id))


@shared_task
def sweep_outbox() -> None:
    """Wake the runners of all numbers with due messages, in case a wake-up was lost."""
    maintenance.wake_due_runners()


@shared_task
def prune() -> None:
    """Delete expired rows and files of messaging."""
    maintenance.prune()

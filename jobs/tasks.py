"""Celery tasks of jobs. They take no arguments: the rows are the queue."""

from __future__ import annotations

from celery import shared_task

from jobs import runner, services


@shared_task(name="jobs.tasks.work_off")
def work_off() -> None:
    """Run due jobs. A concurrent run takes other jobs, or returns at once."""
    runner.run_due()


@shared_task(name="jobs.tasks.sweep")
def sweep() -> None:
    """Repeat the wake-up if a job is due.

    For jobs whose wake-up was lost, whose wait is over, or whose worker died.
    """
    if services.anything_due():
        work_off.delay()


@shared_task(name="jobs.tasks.prune")
def prune() -> None:
    """Delete expired results and old jobs."""
    services.prune()

"""Celery tasks of jobs. They take no arguments: the rows are the queue."""

from __future__ import annotations

from celery import shared_task

from jobs import runner, services


@shared_task(name="jobs.tasks.work_off")
def work_off() -> None:
    """Run due jobs. A concurrent run takes others, or returns at once."""
    runner.run_due()


@shared_task(name="jobs.tasks.sweep")
def sweep() -> None:
    """Wake a worker if a job is due.

    Its wake-up was lost, its wait is over, or its worker died.
    """
    if services.anything_due():
        work_off.delay()


@shared_task(name="jobs.tasks.prune")
def prune() -> None:
    """Delete expired results and old jobs."""
    services.prune()

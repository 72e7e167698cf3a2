"""Doorbells: the jobs' rows say whether anything is to be done."""

from __future__ import annotations

from celery import shared_task

from jobs import runner, services


@shared_task(name="jobs.tasks.work_off")
def work_off() -> None:
    """Do the jobs that are due. Another one at the same time does others, or returns at once."""
    runner.work_off()


@shared_task(name="jobs.tasks.sweep")
def sweep() -> None:
    """Wake a worker if a job waits: its wake-up was lost, its wait is over, or whoever had it died."""
    if services.anything_due():
        work_off.delay()


@shared_task(name="jobs.tasks.prune")
def prune() -> None:
    """Remove old results and old jobs."""
    services.prune()

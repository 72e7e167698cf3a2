"""Doorbells of the clock."""

from celery import shared_task

from analytics.services import nightly, reports


@shared_task
def roll_up() -> None:
    """Count the days that are over, and those that were changed late; then put contacts into groups."""
    nightly.run()


@shared_task
def send_reports() -> None:
    """Mail the weekly reports that are due."""
    reports.send_due()

"""Celery tasks run by beat."""

from celery import shared_task

from analytics.services import nightly, weekly_report


@shared_task
def roll_up() -> None:
    """Count days that are over or were changed late; then regroup contacts."""
    nightly.run()


@shared_task
def send_reports() -> None:
    """Send the weekly reports that are due."""
    weekly_report.send_due()

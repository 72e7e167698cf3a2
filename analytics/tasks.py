"""Doorbells of the clock."""

from celery import shared_task

from analytics.services import rollups


@shared_task
def roll_up() -> None:
    """Count the days that are over, and those that were changed late."""
    rollups.run()

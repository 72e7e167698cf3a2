"""Doorbells of campaigns: the rows say what there is to do."""

from uuid import UUID

from celery import shared_task

from campaigns.services import outbox_feeder, scheduling, transitions


@shared_task
def start_due() -> None:
    """Start what is due by the clock."""
    for campaign in scheduling.start_due():
        outbox_feeder.feed(campaign.pk)


@shared_task
def tend() -> None:
    """Make up for lost wake-ups."""
    scheduling.tend()


@shared_task
def feed(campaign_id: str) -> None:
    """Top up the outbox."""
    outbox_feeder.feed(UUID(campaign_id))


@shared_task
def close(campaign_id: str) -> None:
    """Bring the rest of a cancelled campaign to its end."""
    transitions.close(UUID(campaign_id))

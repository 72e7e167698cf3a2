"""Celery tasks of campaigns. Idempotent: the rows say what there is to do."""

from uuid import UUID

from celery import shared_task

from campaigns.services import outbox_feeder, scheduling, transitions


@shared_task
def start_due() -> None:
    """Start the scheduled campaigns that are due; run by beat."""
    for campaign in scheduling.start_due():
        outbox_feeder.feed(campaign.pk)


@shared_task
def tend() -> None:
    """Sync, recover and feed running campaigns; run by beat."""
    scheduling.maintain_running()


@shared_task
def feed(campaign_id: str) -> None:
    """Top up the outbox with messages of the campaign."""
    outbox_feeder.feed(UUID(campaign_id))


@shared_task
def close(campaign_id: str) -> None:
    """Mark all pending recipients of a cancelled campaign CANCELLED."""
    transitions.cancel_pending(UUID(campaign_id))

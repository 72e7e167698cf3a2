"""After a restored backup: campaigns that run or are due may have reached people of whom the ledger knows nothing."""

from __future__ import annotations

from collections.abc import Sequence

from campaigns.models import Campaign
from campaigns.services import scheduling, transitions
from connections.events import DataMayBeOld
from core.clock import now

Status = Campaign.Status


def on_old_data(batch: Sequence[DataMayBeOld]) -> None:
    """What is sending is paused; what is overdue starts only when a person says so, or at its next time."""
    moment, reason = now(), Campaign.Reason.OLD_DATA
    ours = Campaign.objects.filter(business_profile__in={event.business_id for event in batch})
    for campaign in ours.filter(status=Status.SENDING).order_by("pk"):
        transitions.pause_by_rule(campaign, reason)
    for campaign in ours.filter(status=Status.SCHEDULED, scheduled_at__lte=moment).order_by("pk"):
        if campaign.is_pattern:
            scheduling.skip(campaign, moment)
        else:
            transitions.move(
                campaign,
                [Status.SCHEDULED],
                Status.DRAFT,
                step="unscheduled",
                reason=reason,
                scheduled_at=None,
            )

"""Guard after a restored backup: hold campaigns that may have reached recipients unknown to the data."""

from __future__ import annotations

from collections.abc import Sequence

from campaigns.models import Campaign
from campaigns.services import scheduling, transitions
from connections.events import DataMayBeOld
from core.clock import now

Status = Campaign.Status


def on_old_data(batch: Sequence[DataMayBeOld]) -> None:
    """Pause sending campaigns; turn overdue ones into drafts, and skip the slots of repeated ones."""
    moment, reason = now(), Campaign.Reason.OLD_DATA
    ours = Campaign.objects.filter(business_profile__in={event.business_id for event in batch})
    for campaign in ours.filter(status=Status.SENDING).order_by("pk"):
        transitions.pause_by_rule(campaign, reason)
    for campaign in ours.filter(status=Status.SCHEDULED, scheduled_at__lte=moment).order_by("pk"):
        if campaign.is_pattern:
            scheduling.skip_slot(campaign, moment)
        else:
            transitions.change_status(
                campaign,
                [Status.SCHEDULED],
                Status.DRAFT,
                step="unscheduled",
                reason=reason,
                scheduled_at=None,
            )

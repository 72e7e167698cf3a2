"""Status transitions of campaigns, by compare-and-set, and their effect on queued messages.

    draft | scheduled -> sending <-> paused -> completed | cancelled       draft | scheduled -> failed

Messages in the outbox follow right after the commit (`sync_outbox`), and again by beat if the process died in between,
so that a runner which has locked messages need not wait for the campaign's row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from campaigns.events import CampaignStatusChanged
from campaigns.models import Campaign, CampaignRecipient
from campaigns.services import recipient_states
from core.clock import now
from core.events import publish
from messaging.outbox import broadcasts

Status = Campaign.Status
STEPS: dict[str, str] = {
    Status.SENDING: "started",
    Status.PAUSED: "paused",
    Status.COMPLETED: "completed",
    Status.CANCELLED: "cancelled",
    Status.FAILED: "failed",
}
CANCEL_BATCH = 5000
"""Recipients cancelled per transaction."""


def change_status(
    campaign: Campaign,
    allowed: Iterable[str],
    status: str,
    *,
    step: str = "",
    reason: str = "",
    **fields: Any,
) -> bool:
    """Compare-and-set the status and publish the change. Returns False if a concurrent caller won.

    fields: further columns to set. Updates the given object too. Must be called in a transaction.
    """
    changes = {"status": status, "status_reason": reason, **fields}
    rows = Campaign.objects.filter(pk=campaign.pk, status__in=list(allowed))
    if not rows.update(**changes, updated_at=now()):
        return False
    for name, value in changes.items():
        setattr(campaign, name, value)
    publish(
        CampaignStatusChanged(
            business_id=campaign.business_profile_id,
            campaign_id=campaign.pk,
            step=step or STEPS[status],
            reason=reason,
        )
    )
    return True


def pause_by_rule(campaign: Campaign, reason: str) -> bool:
    """Pause a sending campaign by a health rule."""
    return change_status(campaign, [Status.SENDING], Status.PAUSED, reason=reason, paused_at=now())


def complete_drained(campaign_ids: Iterable[UUID]) -> None:
    """Complete those of these campaigns that are sending and have no open recipient."""
    drained = Campaign.objects.filter(pk__in=list(campaign_ids), status=Status.SENDING, open_count__lte=0)
    for campaign in drained.order_by("pk"):
        change_status(campaign, [Status.SENDING], Status.COMPLETED, completed_at=now())


def sync_outbox(campaign_id: UUID) -> None:
    """Hold, release or cancel queued messages to match campaign.status."""
    campaign = Campaign.objects.filter(pk=campaign_id).only("status").first()
    if campaign is None or campaign.status not in (Status.SENDING, Status.PAUSED, Status.CANCELLED):
        return
    waiting = CampaignRecipient.objects.filter(campaign_id=campaign_id, status=recipient_states.Status.QUEUED)
    message_ids = [key for key in waiting.values_list("message_id", flat=True) if key]
    if message_ids:
        _sync_messages(campaign.status, message_ids)


def hold_requeued(rows: Sequence[CampaignRecipient]) -> None:
    """Hold or cancel requeued messages whose campaign was paused or cancelled meanwhile.

    In the same transaction, so that they cannot be sent from the outbox.
    """
    by_campaign: dict[UUID, list[UUID]] = {}
    for row in rows:
        if row.message_id:
            by_campaign.setdefault(row.campaign_id, []).append(row.message_id)
    stopped = Campaign.objects.filter(pk__in=by_campaign, status__in=[Status.PAUSED, Status.CANCELLED])
    for key, status in stopped.order_by("pk").values_list("pk", "status") if by_campaign else ():
        _sync_messages(status, by_campaign[key])


def _sync_messages(status: str, message_ids: Sequence[UUID]) -> None:
    if status == Status.PAUSED:
        broadcasts.hold(message_ids)
    elif status == Status.SENDING:
        broadcasts.resume(message_ids)
    else:
        broadcasts.cancel_automatic(message_ids)


def cancel_pending(campaign_id: UUID) -> int:
    """Mark all pending recipients of a cancelled campaign CANCELLED. Returns the count."""
    cancelled = 0
    while True:
        with transaction.atomic():
            if not Campaign.objects.filter(pk=campaign_id, status=Status.CANCELLED).exists():
                return cancelled
            waiting = CampaignRecipient.objects.select_for_update(no_key=True).filter(
                campaign_id=campaign_id, status=recipient_states.Status.PENDING
            )
            locked = list(waiting.order_by("pk").values_list("pk", "connection_id", "variant")[:CANCEL_BATCH])
            if not locked:
                return cancelled
            rows = CampaignRecipient.objects.filter(pk__in=[key for key, _, _ in locked])
            rows.update(status=recipient_states.Status.CANCELLED, settled_at=now())
            recipient_states.add_to_counters(
                _deltas("cancelled_count", Counter(row[1:] for row in locked), campaign_id)
            )
            cancelled += len(locked)


def _deltas(
    name: str, counts: Mapping[tuple[UUID | None, str], int], campaign_id: UUID
) -> dict[recipient_states.TallyKey, list[int]]:
    """Build counter differences by number and variant for open recipients that move to another state."""
    return {
        (campaign_id, *key): [
            count if counter == name else -count if counter == "open_count" else 0
            for counter in recipient_states.COUNTERS
        ]
        for key, count in counts.items()
    }

"""A campaign's states: who may follow whom, written by compare-and-set, and told.

    draft | scheduled -> sending <-> paused -> completed | cancelled       draft | scheduled -> failed

What a new state means for the messages in the outbox is done right after the commit (`align`), and again by the sweeper
if the process died in between: a runner then holds its messages and is not made to wait for this campaign's row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from campaigns.events import CampaignMoved
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
CLOSE_AT_ONCE = 5000
"""Waiting recipients of a cancelled campaign that get their final state in one transaction."""


def move(
    campaign: Campaign,
    allowed: Iterable[str],
    status: str,
    *,
    step: str = "",
    reason: str = "",
    **fields: Any,
) -> bool:
    """Bring the campaign to `status` if it is in one of `allowed`. False: somebody else was first.

    Must be called inside a transaction. The given object follows.
    """
    changes = {"status": status, "status_reason": reason, **fields}
    rows = Campaign.objects.filter(pk=campaign.pk, status__in=list(allowed))
    if not rows.update(**changes, updated_at=now()):
        return False
    for name, value in changes.items():
        setattr(campaign, name, value)
    publish(
        CampaignMoved(
            business_id=campaign.business_profile_id,
            campaign_id=campaign.pk,
            step=step or STEPS[status],
            reason=reason,
        )
    )
    return True


def pause_by_rule(campaign: Campaign, reason: str) -> bool:
    """A health rule stops it; people see why and how to go on."""
    return move(campaign, [Status.SENDING], Status.PAUSED, reason=reason, paused_at=now())


def finish(campaign_ids: Iterable[UUID]) -> None:
    """Those of these that are sending and of which no recipient is open any more are completed."""
    wanted = Campaign.objects.filter(pk__in=list(campaign_ids), status=Status.SENDING, open_count__lte=0)
    for campaign in wanted.order_by("pk"):
        move(campaign, [Status.SENDING], Status.COMPLETED, completed_at=now())


def align(campaign_id: UUID) -> None:
    """Make the messages in the outbox follow the campaign's state: held, let go or taken back."""
    campaign = Campaign.objects.filter(pk=campaign_id).only("status").first()
    if campaign is None or campaign.status not in (Status.SENDING, Status.PAUSED, Status.CANCELLED):
        return
    waiting = CampaignRecipient.objects.filter(campaign_id=campaign_id, status=recipient_states.Status.QUEUED)
    message_ids = [key for key in waiting.values_list("message_id", flat=True) if key]
    if message_ids:
        _follow(campaign.status, message_ids)


def keep_back(rows: Sequence[CampaignRecipient]) -> None:
    """These lines' messages went back into the outbox. Where the campaign was paused or cancelled meanwhile they must
    not leave from there: they are held or taken back in the same transaction.
    """
    by_campaign: dict[UUID, list[UUID]] = {}
    for row in rows:
        if row.message_id:
            by_campaign.setdefault(row.campaign_id, []).append(row.message_id)
    stopped = Campaign.objects.filter(pk__in=by_campaign, status__in=[Status.PAUSED, Status.CANCELLED])
    for key, status in stopped.order_by("pk").values_list("pk", "status") if by_campaign else ():
        _follow(status, by_campaign[key])


def _follow(status: str, message_ids: Sequence[UUID]) -> None:
    if status == Status.PAUSED:
        broadcasts.hold(message_ids)
    elif status == Status.SENDING:
        broadcasts.resume(message_ids)
    else:
        broadcasts.cancel_automatic(message_ids)


def close(campaign_id: UUID) -> int:
    """Give everybody who still waits of a cancelled campaign their final state. Returns how many were closed."""
    closed = 0
    while True:
        with transaction.atomic():
            if not Campaign.objects.filter(pk=campaign_id, status=Status.CANCELLED).exists():
                return closed
            waiting = CampaignRecipient.objects.select_for_update(no_key=True).filter(
                campaign_id=campaign_id, status=recipient_states.Status.PENDING
            )
            lines = list(waiting.order_by("pk").values_list("pk", "connection_id", "variant")[:CLOSE_AT_ONCE])
            if not lines:
                return closed
            rows = CampaignRecipient.objects.filter(pk__in=[key for key, _, _ in lines])
            rows.update(status=recipient_states.Status.CANCELLED, settled_at=now())
            recipient_states.count(
                _moved("cancelled_count", Counter(line[1:] for line in lines), campaign_id)
            )
            closed += len(lines)


def _moved(
    name: str, lines: Mapping[tuple[UUID | None, str], int], campaign_id: UUID
) -> dict[recipient_states.Key, list[int]]:
    """What the counters of each number and variant change by when so many open lines come to another state."""
    return {
        (campaign_id, *place): [
            count if counter == name else -count if counter == "open_count" else 0
            for counter in recipient_states.COUNTERS
        ]
        for place, count in lines.items()
    }

"""Work of the beat: start due campaigns once, mark those that are too late, maintain running ones."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import structlog
from django.db import IntegrityError, transaction

from campaigns import schedule
from campaigns.models import Campaign
from campaigns.services import drafts, lifecycle, outbox_feeder, transitions
from core.clock import now
from core.errors import DomainError

log = structlog.get_logger(__name__)

Status = Campaign.Status


def start_due() -> list[Campaign]:
    """Start every scheduled campaign that is due. Returns the started ones. Safe to run concurrently."""
    moment = now()
    due = Campaign.objects.filter(
        status=Status.SCHEDULED, scheduled_at__lte=moment, business_profile__deleted_at=None
    )
    started = []
    for campaign in due.select_related("business_profile").order_by("scheduled_at", "pk"):
        try:
            run = _start_run(campaign, moment) if campaign.is_pattern else _start(campaign, campaign, moment)
        except Exception:  # a failure must not keep the others from starting
            log.exception("campaign_not_started", campaign_id=str(campaign.pk))
            continue
        if run:
            started.append(run)
    return started


def _start_run(pattern: Campaign, moment: datetime) -> Campaign | None:
    """Create and start the run of the latest slot, unique by (series, slot), and advance the pattern.

    Of several missed slots only the first creates a run, marked as missed.
    """
    slot = pattern.scheduled_at
    assert slot is not None
    latest = schedule.last_slot(pattern, moment)
    try:
        with transaction.atomic():
            run = drafts.create_run(pattern, latest)
            if latest > slot:
                lifecycle.mark_missed(drafts.create_run(pattern, slot), moment)
            _advance(pattern, slot, moment)
    except IntegrityError:
        with transaction.atomic():
            _advance(pattern, slot, moment)
        return None
    return _start(run, pattern, moment)


def skip_slot(pattern: Campaign, moment: datetime) -> None:
    """Advance a pattern past its current slot without a run."""
    assert pattern.scheduled_at is not None
    _advance(pattern, pattern.scheduled_at, moment)


def _advance(pattern: Campaign, slot: datetime, moment: datetime) -> None:
    """Set the pattern's next slot after now; missed slots are not made up for."""
    following = schedule.next_slot(pattern, max(slot, moment))
    Campaign.objects.filter(pk=pattern.pk, scheduled_at=slot).update(scheduled_at=following)


def _start(campaign: Campaign, plan: Campaign, moment: datetime) -> Campaign | None:
    slot = campaign.slot or campaign.scheduled_at
    if campaign.timing != Campaign.Timing.LOCAL and slot and lifecycle.too_late(plan, slot, moment):
        lifecycle.mark_missed(campaign, moment)
        return None
    try:
        return lifecycle.launch(campaign.business_profile, campaign, None)
    except DomainError as error:
        if error.code == "already_started":
            return None
        log.warning("campaign_not_started", campaign_id=str(campaign.pk), code=error.code)
        reason = _REASONS.get(error.code, Campaign.Reason.INCOMPLETE)
        with transaction.atomic():
            transitions.change_status(
                campaign, [Status.SCHEDULED], Status.FAILED, reason=reason, completed_at=moment
            )
        return None


_REASONS = {
    "nobody": Campaign.Reason.NOBODY,
    "no_audience": Campaign.Reason.NOBODY,
    "no_number": Campaign.Reason.NO_NUMBER,
}


def maintain_running() -> None:
    """Sync, close, recover and feed all running campaigns."""
    running = Campaign.objects.filter(
        status__in=[Status.SENDING, Status.PAUSED, Status.CANCELLED], business_profile__deleted_at=None
    ).exclude(status=Status.CANCELLED, open_count=0)
    for key, status in list(running.values_list("pk", "status")):
        try:
            _maintain(key, status)
        except Exception:  # a failure must not hold up the others
            log.exception("campaign_not_tended", campaign_id=str(key))


def _maintain(campaign_id: UUID, status: str) -> None:
    transitions.sync_outbox(campaign_id)
    if status == Status.CANCELLED:
        transitions.cancel_pending(campaign_id)
    outbox_feeder.recover(campaign_id)
    if status == Status.SENDING:
        outbox_feeder.feed(campaign_id)

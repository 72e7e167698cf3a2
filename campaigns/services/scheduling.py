"""The clock's side: what is due starts once, what is too late does not start and says so."""

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
    """Start, or give up, every scheduled campaign whose time has come. Two at once start each of them once."""
    moment = now()
    due = Campaign.objects.filter(
        status=Status.SCHEDULED, scheduled_at__lte=moment, business_profile__deleted_at=None
    )
    started = []
    for campaign in due.select_related("business_profile").order_by("scheduled_at", "pk"):
        try:
            one = (
                _fire_repeated(campaign, moment) if campaign.is_pattern else _fire(campaign, campaign, moment)
            )
        except Exception:  # one that breaks must not keep the others from starting
            log.exception("campaign_not_started", campaign_id=str(campaign.pk))
            continue
        if one:
            started.append(one)
    return started


def _fire_repeated(pattern: Campaign, moment: datetime) -> Campaign | None:
    """Make the run of the latest slot, unique by (series, slot), and set the next time.

    Of slots that were slept through only the first makes a run: one that was missed and says so.
    """
    slot = pattern.scheduled_at
    assert slot is not None
    latest = schedule.last_slot(pattern, moment)
    try:
        with transaction.atomic():
            run = drafts.run_of(pattern, latest)
            if latest > slot:
                lifecycle.miss(drafts.run_of(pattern, slot), moment)
            _advance(pattern, slot, moment)
    except IntegrityError:
        with transaction.atomic():
            _advance(pattern, slot, moment)
        return None
    return _fire(run, pattern, moment)


def skip(pattern: Campaign, moment: datetime) -> None:
    """Let the slot that has come go by; it waits for the next one."""
    assert pattern.scheduled_at is not None
    _advance(pattern, pattern.scheduled_at, moment)


def _advance(pattern: Campaign, slot: datetime, moment: datetime) -> None:
    """The pattern waits for its next slot after now; slots that a machine slept through are not made up for."""
    following = schedule.next_slot(pattern, max(slot, moment))
    Campaign.objects.filter(pk=pattern.pk, scheduled_at=slot).update(scheduled_at=following)


def _fire(campaign: Campaign, plan: Campaign, moment: datetime) -> Campaign | None:
    slot = campaign.slot or campaign.scheduled_at
    if campaign.timing != Campaign.Timing.LOCAL and slot and lifecycle.too_late(plan, slot, moment):
        lifecycle.miss(campaign, moment)
        return None
    try:
        return lifecycle.launch(campaign.business_profile, campaign, None)
    except DomainError as error:
        if error.code == "already_started":
            return None
        log.warning("campaign_not_started", campaign_id=str(campaign.pk), code=error.code)
        reason = _REASONS.get(error.code, Campaign.Reason.INCOMPLETE)
        with transaction.atomic():
            transitions.move(campaign, [Status.SCHEDULED], Status.FAILED, reason=reason, completed_at=moment)
        return None


_REASONS = {
    "nobody": Campaign.Reason.NOBODY,
    "no_audience": Campaign.Reason.NOBODY,
    "no_number": Campaign.Reason.NO_NUMBER,
}


def tend() -> None:
    """Everything that the clock does for running campaigns: bring outbox and state together, close, mend, feed."""
    running = Campaign.objects.filter(
        status__in=[Status.SENDING, Status.PAUSED, Status.CANCELLED], business_profile__deleted_at=None
    ).exclude(status=Status.CANCELLED, open_count=0)
    for key, status in list(running.values_list("pk", "status")):
        try:
            _tend(key, status)
        except Exception:  # one that breaks must not hold up the others
            log.exception("campaign_not_tended", campaign_id=str(key))


def _tend(campaign_id: UUID, status: str) -> None:
    transitions.align(campaign_id)
    if status == Status.CANCELLED:
        transitions.close(campaign_id)
    outbox_feeder.mend(campaign_id)
    if status == Status.SENDING:
        outbox_feeder.feed(campaign_id)

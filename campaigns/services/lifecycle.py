"""Launch, schedule, pause, resume, cancel and retry campaigns."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.models import BusinessProfile, User
from accounts.services import audit
from campaigns import audience
from campaigns.models import Campaign, CampaignRecipient
from campaigns.schedule import first_start
from campaigns.services import audience_snapshot, auto_pause, transitions
from connections.models import WhatsAppConnection
from core.clock import now
from core.errors import Conflict, InvalidInput, NotFound
from messaging.outbox import broadcasts

Status = Campaign.Status
Timing = Campaign.Timing


def send(business: BusinessProfile, campaign: Campaign, actor: User | None) -> Campaign:
    """Launch or schedule the campaign, as its timing says. Raises what `launch` and `schedule` raise."""
    if campaign.timing == Timing.NOW:
        return launch(business, campaign, actor)
    return schedule(business, campaign, actor)


def launch(business: BusinessProfile, campaign: Campaign, actor: User | None) -> Campaign:
    """Take the audience snapshot and start sending. Of two concurrent callers one gets Conflict.

    Raises Conflict("already_started"), InvalidInput for a campaign that cannot be sent (see `check`) and
    InvalidInput("nobody").
    """
    check(business, campaign)
    moment = now()
    with transaction.atomic():
        started = transitions.change_status(
            campaign, [Status.DRAFT, Status.SCHEDULED], Status.SENDING, started_at=moment, scheduled_at=None
        )
        if not started:
            raise Conflict("already_started", "This campaign has already been started.")
        counts = audience_snapshot.take(campaign, moment)
        if not counts.get(""):
            raise InvalidInput("nobody", "Nobody is left to send it to. Look at the dry run for the reasons.")
        _set_recipient_counts(campaign, counts)
        audit.record(business, actor, "campaign.started", campaign, recipients=counts[""])
    return campaign


def _set_recipient_counts(campaign: Campaign, counts: dict[str, int]) -> None:
    campaign.total_recipients = campaign.open_count = counts.get("", 0)
    campaign.skipped_count = sum(count for reason, count in counts.items() if reason)
    campaign.save(update_fields=["total_recipients", "open_count", "skipped_count"])


def check(business: BusinessProfile, campaign: Campaign) -> None:
    """Check that a campaign can be sent. Raises InvalidInput, and NotFound for another business's."""
    if campaign.business_profile_id != business.pk:
        raise NotFound("This campaign")
    contents = [str(variant["content"]) for variant in campaign.variants] or [campaign.message_content]
    if not campaign.media_id and not all(text.strip() for text in contents):
        raise InvalidInput(
            "empty_message", "Write a text for every variant, or add a file.", field="message_content"
        )
    numbers = audience.numbers_of(campaign)
    if not numbers:
        raise InvalidInput("no_number", "Choose the number that sends it.", field="connections")
    if all(number.status_reason == WhatsAppConnection.Reason.BANNED for number in numbers):
        raise InvalidInput(
            "no_number", "WhatsApp has banned this number. Choose another one.", field="connections"
        )
    if campaign.target_type == Campaign.Target.TAGS and not (
        campaign.target_tags or campaign.target_tags_all
    ):
        raise InvalidInput("no_audience", "Choose at least one tag.", field="target_tags")
    if campaign.target_type == Campaign.Target.SEGMENT and not campaign.segment_id:
        raise InvalidInput("no_audience", "Choose a segment.", field="segment_id")
    if campaign.target_type == Campaign.Target.NO_REPLY and not campaign.earlier_id:
        raise InvalidInput("no_audience", "Choose the earlier campaign.", field="earlier")


def schedule(business: BusinessProfile, campaign: Campaign, actor: User | None) -> Campaign:
    """Schedule a campaign. Raises InvalidInput for a time that has passed or a plan that never comes."""
    check(business, campaign)
    start = first_start(campaign, now())
    with transaction.atomic():
        if not transitions.change_status(
            campaign,
            [Status.DRAFT, Status.SCHEDULED],
            Status.SCHEDULED,
            step="scheduled",
            scheduled_at=start,
        ):
            raise Conflict("already_started", "This campaign has already been started.")
        audit.record(business, actor, "campaign.scheduled", campaign, at=start.isoformat())
    return campaign


def unschedule(business: BusinessProfile, campaign: Campaign, actor: User | None) -> Campaign:
    """Turn a scheduled campaign into a draft. Raises Conflict("not_scheduled")."""
    with transaction.atomic():
        _require_owned(business, campaign)
        if not transitions.change_status(
            campaign, [Status.SCHEDULED], Status.DRAFT, step="unscheduled", scheduled_at=None
        ):
            raise Conflict("not_scheduled", "This campaign is not on the schedule any more.")
        audit.record(business, actor, "campaign.unscheduled", campaign)
    return campaign


def pause(business: BusinessProfile, campaign: Campaign, actor: User | None) -> Campaign:
    """Pause from the next message on. Raises Conflict("not_sending")."""
    with transaction.atomic():
        _require_owned(business, campaign)
        reason = Campaign.Reason.PERSON
        if not transitions.change_status(
            campaign, [Status.SENDING], Status.PAUSED, reason=reason, paused_at=now()
        ):
            raise Conflict("not_sending", "Only a campaign that is being sent can be paused.")
        audit.record(business, actor, "campaign.paused", campaign)
    return campaign


def resume(business: BusinessProfile, campaign: Campaign, actor: User | None) -> Campaign:
    """Resume a paused campaign and restart the health rules. Raises Conflict("not_paused")."""
    _require_owned(business, campaign)
    if campaign.status == Status.PAUSED:
        check(business, campaign)
    with transaction.atomic():
        if not transitions.change_status(
            campaign, [Status.PAUSED], Status.SENDING, step="resumed", **_resume_fields(campaign)
        ):
            raise Conflict("not_paused", "Only a paused campaign can be resumed.")
        audit.record(business, actor, "campaign.resumed", campaign)
    return campaign


def _resume_fields(campaign: Campaign) -> dict[str, Any]:
    """Return the fields of a resumed campaign, with a new baseline of the health rules."""
    return {"resumed_at": now(), "paused_at": None, "health_base": auto_pause.baseline(campaign)}


def cancel(business: BusinessProfile, campaign: Campaign, actor: User | None) -> Campaign:
    """Cancel for good: pending messages are cancelled, those on their way arrive. Raises Conflict("not_running")."""
    with transaction.atomic():
        _require_owned(business, campaign)
        allowed = [Status.SENDING, Status.PAUSED, Status.SCHEDULED]
        if not transitions.change_status(
            campaign, allowed, Status.CANCELLED, completed_at=now(), scheduled_at=None
        ):
            raise Conflict("not_running", "This campaign is not running, so there is nothing to cancel.")
        audit.record(business, actor, "campaign.cancelled", campaign)
    return campaign


def retry_failed(business: BusinessProfile, campaign: Campaign, actor: User | None) -> int:
    """Resend failed messages under the same ids, except those that may have arrived.

    Returns the number of messages. Raises Conflict("not_running", "nothing_failed").
    """
    _require_owned(business, campaign)
    failed = CampaignRecipient.objects.filter(
        campaign=campaign, status=CampaignRecipient.Status.FAILED, message_id__isnull=False
    ).exclude(reason="not_on_whatsapp")
    with transaction.atomic():
        moved = transitions.change_status(
            campaign,
            [Status.COMPLETED, Status.PAUSED],
            Status.SENDING,
            step="resumed",
            completed_at=None,
            **_resume_fields(campaign),
        )
        if not moved and not Campaign.objects.filter(pk=campaign.pk, status=Status.SENDING).exists():
            raise Conflict(
                "not_running", "A cancelled campaign is over. Make a new one for those who missed it."
            )
        count = broadcasts.retry([key for key in failed.values_list("message_id", flat=True) if key])
        if not count:
            raise Conflict("nothing_failed", "There is no failed message that could be sent again.")
        audit.record(business, actor, "campaign.retried", campaign, messages=count)
    return count


def mark_missed(campaign: Campaign, moment: datetime) -> bool:
    """Mark a scheduled campaign FAILED because its time has passed. Returns False if a concurrent caller won."""
    with transaction.atomic():
        return transitions.change_status(
            campaign, [Status.SCHEDULED], Status.FAILED, reason=Campaign.Reason.MISSED, completed_at=moment
        )


def too_late(campaign: Campaign, slot: datetime, moment: datetime) -> bool:
    """Return whether `slot` is more than `expire_hours` ago."""
    return moment - slot > timedelta(hours=campaign.expire_hours)


def _require_owned(business: BusinessProfile, campaign: Campaign) -> None:
    if campaign.business_profile_id != business.pk:
        raise NotFound("This campaign")

"""What people and programs do with a campaign: launch, schedule, pause, resume, cancel, retry."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts.models import BusinessProfile, User
from accounts.services import audit
from campaigns import audience
from campaigns import schedule as timing
from campaigns.models import Campaign, CampaignRecipient
from campaigns.services import auto_pause, transitions
from campaigns.services.audience_snapshot import freeze
from connections.models import WhatsAppConnection
from core.clock import now
from core.errors import Conflict, InvalidInput, NotFound
from messaging.outbox import broadcasts

Status = Campaign.Status
Timing = Campaign.Timing


def send(business: BusinessProfile, campaign: Campaign, actor: User | None) -> Campaign:
    """Do what its timing says: launch it now, or put it on the schedule. Raises what `launch` and `schedule` raise."""
    if campaign.timing == Timing.NOW:
        return launch(business, campaign, actor)
    return schedule(business, campaign, actor)


def launch(business: BusinessProfile, campaign: Campaign, actor: User | None) -> Campaign:
    """Freeze the audience and begin to send. Of two who launch it at once, one does and the other is told so.

    Raises Conflict("already_started"), InvalidInput for a campaign that cannot be sent (see `check`) and
    InvalidInput("nobody").
    """
    check(business, campaign)
    moment = now()
    with transaction.atomic():
        begun = transitions.move(
            campaign, [Status.DRAFT, Status.SCHEDULED], Status.SENDING, started_at=moment, scheduled_at=None
        )
        if not begun:
            raise Conflict("already_started", "This campaign has already been started.")
        found = freeze(campaign, moment)
        if not found.get(""):
            raise InvalidInput("nobody", "Nobody is left to send it to. Look at the dry run for the reasons.")
        _count_frozen(campaign, found)
        audit.record(business, actor, "campaign.started", campaign, recipients=found[""])
    return campaign


def _count_frozen(campaign: Campaign, found: dict[str, int]) -> None:
    campaign.total_recipients = campaign.open_count = found.get("", 0)
    campaign.skipped_count = sum(count for reason, count in found.items() if reason)
    campaign.save(update_fields=["total_recipients", "open_count", "skipped_count"])


def check(business: BusinessProfile, campaign: Campaign) -> None:
    """Raises InvalidInput for what keeps a campaign from being sent, NotFound for another business's."""
    if campaign.business_profile_id != business.pk:
        raise NotFound("This campaign")
    contents = [str(one["content"]) for one in campaign.variants] or [campaign.message_content]
    if not campaign.media_id and not all(text.strip() for text in contents):
        raise InvalidInput(
            "empty_message", "Write a text for every variant, or add a file.", field="message_content"
        )
    numbers = audience.numbers_of(campaign)
    if not numbers:
        raise InvalidInput("no_number", "Choose the number that sends it.", field="connections")
    if all(one.status_reason == WhatsAppConnection.Reason.BANNED for one in numbers):
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
    """Put it on the schedule. Raises InvalidInput for a time that has passed or a plan that never comes."""
    check(business, campaign)
    begins = timing.first_start(campaign, now())
    with transaction.atomic():
        if not transitions.move(
            campaign,
            [Status.DRAFT, Status.SCHEDULED],
            Status.SCHEDULED,
            step="scheduled",
            scheduled_at=begins,
        ):
            raise Conflict("already_started", "This campaign has already been started.")
        audit.record(business, actor, "campaign.scheduled", campaign, at=begins.isoformat())
    return campaign


def unschedule(business: BusinessProfile, campaign: Campaign, actor: User | None) -> Campaign:
    """Take it off the schedule; it is a draft again."""
    with transaction.atomic():
        _owned(business, campaign)
        if not transitions.move(
            campaign, [Status.SCHEDULED], Status.DRAFT, step="unscheduled", scheduled_at=None
        ):
            raise Conflict("not_scheduled", "This campaign is not on the schedule any more.")
        audit.record(business, actor, "campaign.unscheduled", campaign)
    return campaign


def pause(business: BusinessProfile, campaign: Campaign, actor: User | None) -> Campaign:
    """Stop with the next message. Raises Conflict("not_sending")."""
    with transaction.atomic():
        _owned(business, campaign)
        reason = Campaign.Reason.PERSON
        if not transitions.move(campaign, [Status.SENDING], Status.PAUSED, reason=reason, paused_at=now()):
            raise Conflict("not_sending", "Only a campaign that is being sent can be paused.")
        audit.record(business, actor, "campaign.paused", campaign)
    return campaign


def resume(business: BusinessProfile, campaign: Campaign, actor: User | None) -> Campaign:
    """Go on where it stopped; the health rules look at what happens from now on. Raises Conflict("not_paused")."""
    _owned(business, campaign)
    if campaign.status == Status.PAUSED:
        check(business, campaign)
    with transaction.atomic():
        if not transitions.move(
            campaign, [Status.PAUSED], Status.SENDING, step="resumed", **_afresh(campaign)
        ):
            raise Conflict("not_paused", "Only a paused campaign can be resumed.")
        audit.record(business, actor, "campaign.resumed", campaign)
    return campaign


def _afresh(campaign: Campaign) -> dict[str, Any]:
    """A person lets it go on: the health rules look at what happens from now on."""
    return {"resumed_at": now(), "paused_at": None, "health_base": auto_pause.base_of(campaign)}


def cancel(business: BusinessProfile, campaign: Campaign, actor: User | None) -> Campaign:
    """End it for good: what waits is taken back, what is on its way arrives. Raises Conflict("not_running")."""
    with transaction.atomic():
        _owned(business, campaign)
        allowed = [Status.SENDING, Status.PAUSED, Status.SCHEDULED]
        if not transitions.move(campaign, allowed, Status.CANCELLED, completed_at=now(), scheduled_at=None):
            raise Conflict("not_running", "This campaign is not running, so there is nothing to cancel.")
        audit.record(business, actor, "campaign.cancelled", campaign)
    return campaign


def retry_failed(business: BusinessProfile, campaign: Campaign, actor: User | None) -> int:
    """Send again what surely did not arrive, under the same ids. What may have arrived is left to people.

    Returns how many. Raises Conflict("not_running", "nothing_failed").
    """
    _owned(business, campaign)
    lines = CampaignRecipient.objects.filter(
        campaign=campaign, status=CampaignRecipient.Status.FAILED, message_id__isnull=False
    ).exclude(reason="not_on_whatsapp")
    with transaction.atomic():
        moved = transitions.move(
            campaign,
            [Status.COMPLETED, Status.PAUSED],
            Status.SENDING,
            step="resumed",
            completed_at=None,
            **_afresh(campaign),
        )
        if not moved and not Campaign.objects.filter(pk=campaign.pk, status=Status.SENDING).exists():
            raise Conflict(
                "not_running", "A cancelled campaign is over. Make a new one for those who missed it."
            )
        count = broadcasts.retry([key for key in lines.values_list("message_id", flat=True) if key])
        if not count:
            raise Conflict("nothing_failed", "There is no failed message that could be sent again.")
        audit.record(business, actor, "campaign.retried", campaign, messages=count)
    return count


def miss(campaign: Campaign, moment: datetime) -> bool:
    """Its time came while nobody could send: it is not sent late, and says so. True when it was this call."""
    with transaction.atomic():
        return transitions.move(
            campaign, [Status.SCHEDULED], Status.FAILED, reason=Campaign.Reason.MISSED, completed_at=moment
        )


def too_late(campaign: Campaign, slot: datetime, moment: datetime) -> bool:
    """Whether `slot` is so long ago that it must not be sent any more."""
    return moment - slot > timedelta(hours=campaign.expire_hours)


def _owned(business: BusinessProfile, campaign: Campaign) -> None:
    if campaign.business_profile_id != business.pk:
        raise NotFound("This campaign")

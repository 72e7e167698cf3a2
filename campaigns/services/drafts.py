"""Create, update, copy and delete campaigns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.models import BusinessProfile, User
from accounts.services import audit
from campaigns import schedule
from campaigns.models import Campaign
from campaigns.services import recipient_lists
from connections.models import WhatsAppConnection
from contacts.models import Segment, Tag
from core.db import bulk
from core.errors import Conflict, InvalidInput, NotFound
from core.text import printable
from messaging.media import media_files as files
from messaging.models import MediaFile

Status = Campaign.Status
MAX_VARIANTS = 4
_VARIANT_KEYS = "ABCD"

PLAIN_FIELDS = (
    "name", "message_content", "variants", "target_type", "target_tags", "target_tags_all", "segment_id", "exclusions",
    "timing", "scheduled_at", "local_at", "time_zone", "cron", "expire_hours",
)  # fmt: skip
"""Fields set from plain values after validation; media, connections and earlier are rows."""


def create(business: BusinessProfile, actor: User | None, values: Mapping[str, Any]) -> Campaign:
    """Create a draft. values: PLAIN_FIELDS and media, earlier, connections (rows), numbers (lines of a list).

    Raises InvalidInput with the field at fault; NotFound for rows of another business.
    """
    campaign = Campaign(business_profile=business, created_by=actor, time_zone=business.time_zone)
    with transaction.atomic():
        _assign(campaign, values)
        campaign.save(force_insert=True)
        _set_relations(campaign, values)
        audit.record(business, actor, "campaign.created", campaign)
    return campaign


def update(
    business: BusinessProfile, campaign: Campaign, actor: User | None, values: Mapping[str, Any]
) -> Campaign:
    """Update a draft; a scheduled one becomes a draft again, so that nothing half changed is sent.

    Raises Conflict("not_editable") once it was started.
    """
    with transaction.atomic():
        row = _lock(business, campaign)
        if not row.is_editable:
            raise Conflict("not_editable", "A campaign that was started cannot be changed. Duplicate it.")
        _assign(row, values)
        if row.status == Status.SCHEDULED:
            row.status = Status.DRAFT
        row.save()
        _set_relations(row, values)
        audit.record(business, actor, "campaign.changed", row, fields=sorted(values))
    return row


def delete(business: BusinessProfile, campaign: Campaign, actor: User | None) -> None:
    """Delete a campaign with its recipients; messages stay. Raises Conflict("still_running")."""
    with transaction.atomic():
        row = _lock(business, campaign)
        if row.is_running or (row.status == Status.CANCELLED and row.open_count):
            raise Conflict("still_running", "Cancel this campaign first; then it can be deleted.")
        audit.record(business, actor, "campaign.deleted", row)
        bulk.delete_rows(row.recipients.all())
        row.delete()


def duplicate(business: BusinessProfile, campaign: Campaign, actor: User | None) -> Campaign:
    """Copy text, audience and numbers to a new draft."""
    _require_owned(business, campaign)
    with transaction.atomic():
        copy = _copy(campaign, f"{campaign.name[:240]} (copy)")
        copy.timing, copy.created_by = Campaign.Timing.NOW, actor
        _save_copy(campaign, copy)
        audit.record(business, actor, "campaign.created", copy, copied_from=str(campaign.pk))
    return copy


def create_run(pattern: Campaign, slot: datetime) -> Campaign:
    """Create the run of a repeated campaign for `slot`, in a transaction. Raises IntegrityError if it exists."""
    local = slot.astimezone(schedule.zone(pattern.time_zone or "UTC"))
    run = _copy(pattern, f"{pattern.name[:230]} · {local.day} {local:%b %Y, %H:%M}")
    run.series, run.slot, run.scheduled_at = pattern, slot, slot
    run.timing, run.status, run.created_by = Campaign.Timing.AT, Status.SCHEDULED, pattern.created_by
    _save_copy(pattern, run)
    return run


def create_for_contacts(
    business: BusinessProfile, campaign: Campaign, actor: User | None, contact_ids: Iterable[UUID]
) -> Campaign:
    """Create a draft with the campaign's text for these contacts, such as failed recipients."""
    _require_owned(business, campaign)
    with transaction.atomic():
        copy = _copy(campaign, f"{campaign.name[:230]} (who missed it)")
        copy.timing, copy.created_by = Campaign.Timing.NOW, actor
        copy.save(force_insert=True)
        copy.connections.set(campaign.connections.all())
        recipient_lists.replace(copy, contact_ids)
        audit.record(business, actor, "campaign.created", copy, copied_from=str(campaign.pk))
    return copy


def _copy(campaign: Campaign, name: str) -> Campaign:
    kept = {
        field: getattr(campaign, field)
        for field in PLAIN_FIELDS
        if field not in ("scheduled_at", "timing", "cron")
    }
    return Campaign(
        business_profile=campaign.business_profile,
        media=campaign.media,
        media_url=campaign.media_url,
        earlier_id=campaign.earlier_id,
        list_summary=campaign.list_summary,
        **{**kept, "name": name},
    )


def _save_copy(original: Campaign, copy: Campaign) -> None:
    copy.save(force_insert=True)
    copy.connections.set(original.connections.all())
    if original.target_type == Campaign.Target.CUSTOM:
        recipient_lists.add(copy, original.people.values_list("contact_id", flat=True))


# -- checking ----------------------------------------------------------------------------------------------------------


def _assign(campaign: Campaign, values: Mapping[str, Any]) -> None:
    """Validate and set the given PLAIN_FIELDS and media. Raises InvalidInput, NotFound."""
    for field in PLAIN_FIELDS:
        if field in values:
            setattr(campaign, field, values[field])
    campaign.name = printable(campaign.name)
    if not campaign.name:
        raise InvalidInput("name_missing", "Give the campaign a name.", field="name")
    if len(campaign.name) > 255:
        raise InvalidInput("name_too_long", "A name has at most 255 characters.", field="name")
    campaign.message_content = _validate_text(campaign.message_content, "message_content")
    campaign.variants = _validate_variants(campaign.variants)
    if campaign.variants:
        campaign.message_content = campaign.variants[0]["content"]
    schedule.zone(campaign.time_zone or "UTC")
    if campaign.timing == Campaign.Timing.REPEAT and campaign.cron:
        schedule.check_cron(campaign.cron)
    if not 1 <= campaign.expire_hours <= 168:
        raise InvalidInput("out_of_range", "Between 1 and 168 hours, please.", field="expire_hours")
    if "media" in values:
        _set_media(campaign, values["media"])


def _validate_text(text: str, field: str) -> str:
    text = text.replace("\x00", "").replace("\r\n", "\n").rstrip()
    if len(text) > settings.MESSAGE_MAX_LENGTH // 2:
        raise InvalidInput("message_too_long", "This text is too long for a message.", field=field)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidInput(
            "invalid_text", "This text holds half a character that cannot be sent.", field=field
        ) from None
    return text


def _validate_variants(variants: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Validate [{"content", "share"}] and add keys A, B, ...; shares need not add up to 100."""
    if not variants:
        return []
    if not 2 <= len(variants) <= MAX_VARIANTS:
        raise InvalidInput("bad_variants", f"Two to {MAX_VARIANTS} variants, or none.", field="variants")
    validated = []
    for key, variant in zip(_VARIANT_KEYS, variants, strict=False):
        try:
            share = int(variant.get("share", 0))
        except (TypeError, ValueError):
            share = -1
        if not 0 < share <= 100:
            raise InvalidInput("bad_variants", "A variant's share is between 1 and 100.", field="variants")
        validated.append(
            {
                "key": key,
                "content": _validate_text(str(variant.get("content", "")), "variants"),
                "share": share,
            }
        )
    return validated


def _set_media(campaign: Campaign, media: MediaFile | None) -> None:
    if media is not None and media.business_profile_id != campaign.business_profile_id:
        raise NotFound("This file")
    campaign.media = media
    campaign.media_url = files.url_of(media) if media else ""
    if media is not None:
        files.retain(media)


def _set_relations(campaign: Campaign, values: Mapping[str, Any]) -> None:
    """Set numbers, earlier campaign and list, and check tags and segment. Raises NotFound, InvalidInput."""
    business_id = campaign.business_profile_id
    if "connections" in values:
        numbers: Sequence[WhatsAppConnection] = list(values["connections"])
        if any(number.business_profile_id != business_id for number in numbers):
            raise NotFound("This number")
        campaign.connections.set(numbers)
    if "earlier" in values:
        earlier = values["earlier"]
        if earlier is not None and earlier.business_profile_id != business_id:
            raise NotFound("This campaign")
        Campaign.objects.filter(pk=campaign.pk).update(earlier=earlier)
        campaign.earlier = earlier
    _check_tags(
        business_id, [*campaign.target_tags, *campaign.target_tags_all, *campaign.exclusions.get("tags", [])]
    )
    if (
        campaign.segment_id
        and not Segment.objects.filter(business_profile_id=business_id, pk=campaign.segment_id).exists()
    ):
        raise NotFound("This segment")
    if values.get("numbers"):
        recipient_lists.set_numbers(campaign, values["numbers"])


def _check_tags(business_id: UUID, tags: Sequence[str]) -> None:
    tag_ids = set(tags)
    if tag_ids and Tag.objects.filter(business_profile_id=business_id, pk__in=tag_ids).count() != len(
        tag_ids
    ):
        raise InvalidInput(
            "unknown_tag", "One of these tags was not found. It may have been deleted.", field="target_tags"
        )


def replace_tag(business_id: UUID, lost_id: UUID, tag_id: UUID) -> None:
    """Replace a tag that was merged into another one, in campaigns that are not over."""
    old, new = str(lost_id), str(tag_id)

    def replaced(tags: Sequence[str]) -> list[str]:
        return list(dict.fromkeys(new if tag == old else tag for tag in tags))

    over = (Status.COMPLETED, Status.CANCELLED, Status.FAILED)
    rows = Campaign.objects.select_for_update(no_key=True, of=("self",))
    for campaign in rows.filter(business_profile_id=business_id).exclude(status__in=over).order_by("pk"):
        excluded = campaign.exclusions.get("tags", [])
        if old in (*campaign.target_tags, *campaign.target_tags_all, *excluded):
            campaign.target_tags = replaced(campaign.target_tags)
            campaign.target_tags_all = replaced(campaign.target_tags_all)
            campaign.exclusions = {
                **campaign.exclusions,
                **({"tags": replaced(excluded)} if excluded else {}),
            }
            campaign.save(update_fields=["target_tags", "target_tags_all", "exclusions", "updated_at"])


def _lock(business: BusinessProfile, campaign: Campaign) -> Campaign:
    row = (
        Campaign.objects.select_for_update(no_key=True, of=("self",))
        .select_related("business_profile", "media")
        .filter(pk=campaign.pk, business_profile=business)
        .first()
    )
    if row is None:
        raise NotFound("This campaign")
    return row


def _require_owned(business: BusinessProfile, campaign: Campaign) -> None:
    if campaign.business_profile_id != business.pk:
        raise NotFound("This campaign")

"""Assign number, variant and earliest time to the recipients of an audience snapshot.

Recipients are assigned in batches, in the order of their contacts. An assignment is kept: only recipients of numbers
that cannot send any more are reassigned.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from django.db.models import F, Q, QuerySet

from campaigns import texts
from campaigns.models import Campaign, CampaignRecipient, CampaignTally
from campaigns.services import recipient_states
from connections.models import WhatsAppConnection
from core.db import bulk
from messaging.models import Conversation
from messaging.outbox import pacing, pacing_settings
from messaging.outbox.pacing import Pacing
from messaging.outbox.time_zones import zones_of

Status = CampaignRecipient.Status
BATCH = 1000
_ASSIGN = """
UPDATE campaign_recipients AS r SET connection_id = v.connection, due_at = v.due, cold = v.cold, variant = v.variant
FROM v WHERE r.id = v.key AND r.status = 'pending' AND {before} RETURNING id
"""
_COLUMNS = {"key": "uuid", "connection": "uuid", "due": "timestamptz", "cold": "boolean", "variant": "text"}


def usable(number: WhatsAppConnection) -> bool:
    """Return whether a number may be assigned: it is not banned. An offline number keeps its recipients."""
    return number.status_reason != WhatsAppConnection.Reason.BANNED


def assign_next(campaign: Campaign, numbers: Sequence[WhatsAppConnection], moment: datetime) -> bool:
    """Assign the next batch of recipients. Returns whether there may be more. Must be called in a transaction."""
    rows = _lock_recipients(campaign)
    if campaign.placed_until:
        rows = rows.filter(contact_id__gt=campaign.placed_until)
    batch = list(rows.order_by("contact_id")[:BATCH])
    if not batch:
        return False
    waiting = [row for row in batch if row.status == Status.PENDING]
    _assign(campaign, numbers, waiting, moment, "r.connection_id IS NULL")
    Campaign.objects.filter(pk=campaign.pk).update(placed_until=batch[-1].contact_id)
    return len(batch) == BATCH


def reassign(campaign: Campaign, numbers: Sequence[WhatsAppConnection], moment: datetime) -> int:
    """Reassign up to BATCH pending recipients of unusable numbers (banned, deleted). Returns the count.

    Call until it returns 0, each time in a transaction. Each query is a range of the index of next recipients.
    """
    for condition in _outside([number.pk for number in numbers]):
        rows = _lock_recipients(campaign).filter(condition, status=Status.PENDING, due_at=None)
        recipients = list(rows.order_by("connection_id", "cold", "contact_id")[:BATCH])
        if recipients:
            _remove_from_tallies(recipients)
            return len(_assign(campaign, numbers, recipients, moment, "r.connection_id IS NOT NULL"))
    return 0


def _outside(number_ids: Iterable[UUID]) -> list[Q]:
    """Build conditions that together match every number except these."""
    ids = sorted(number_ids)
    inner = [Q(connection_id__gt=low, connection_id__lt=high) for low, high in pairwise(ids)]
    return [Q(connection_id__lt=ids[0]), *inner, Q(connection_id__gt=ids[-1])]


def _remove_from_tallies(rows: Sequence[CampaignRecipient]) -> None:
    """Subtract recipients from the tallies of their former numbers."""
    deltas: dict[recipient_states.TallyKey, list[int]] = defaultdict(
        lambda: [0] * len(recipient_states.COUNTERS)
    )
    for row in rows:
        deltas[(row.campaign_id, row.connection_id, row.variant)][recipient_states.OPEN_COUNT] -= 1
    recipient_states.add_to_tallies(deltas)
    deleted_numbers = CampaignTally.objects.filter(campaign_id=rows[0].campaign_id, connection=None)
    deleted_numbers.update(open_count=0)


def _lock_recipients(campaign: Campaign) -> QuerySet[CampaignRecipient]:
    rows = CampaignRecipient.objects.select_for_update(no_key=True).prefetch_related("contact")
    return rows.filter(campaign=campaign)


def _assign(
    campaign: Campaign,
    numbers: Sequence[WhatsAppConnection],
    rows: Sequence[CampaignRecipient],
    moment: datetime,
    before: str,
) -> list[UUID]:
    """Write number, time and variant of recipients and update the tallies. Returns the ids that were written."""
    contact_ids = [row.contact_id for row in rows if row.contact_id]
    number_ids = choose_numbers(numbers, contact_ids)
    by_id = {number.pk: number for number in numbers}
    cold = pacing_settings.cold_contacts(contact_ids)
    values: dict[UUID, tuple[Any, ...]] = {}
    for row in rows:
        assert row.contact_id is not None
        number = by_id[number_ids[row.contact_id]]
        phone = row.contact.phone_number if row.contact else None
        due = first_due_at(campaign, pacing_settings.settings_of(number), phone, moment)
        variant = texts.pick_variant(campaign.variants, row.pk)
        values[row.pk] = (row.pk, number.pk, due, row.contact_id in cold, str((variant or {}).get("key", "")))
    sorted_values = [values[key] for key in sorted(values)]
    written = [
        bulk.as_uuid(key)
        for (key,) in bulk.update_each(_COLUMNS, sorted_values, _ASSIGN.format(before=before))
    ]
    deltas: dict[recipient_states.TallyKey, list[int]] = defaultdict(
        lambda: [0] * len(recipient_states.COUNTERS)
    )
    for key in written:
        _, number_id, _, _, variant_key = values[key]
        deltas[(campaign.pk, number_id, variant_key)][recipient_states.OPEN_COUNT] += 1
    recipient_states.ensure_tallies(
        (campaign.pk, number.pk, variant_key) for number in numbers for variant_key in variants_of(campaign)
    )
    recipient_states.add_to_tallies(deltas)
    return written


def variants_of(campaign: Campaign) -> list[str]:
    """List the keys of the campaign's variants; one empty key if there are none."""
    return [str(variant["key"]) for variant in campaign.variants] or [""]


def choose_numbers(numbers: Sequence[WhatsAppConnection], contact_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Choose a number per contact: that of their latest conversation, else a stable random one."""
    ids = [number.pk for number in numbers]
    chosen = {contact: ids[texts.stable_index(contact, len(ids))] for contact in contact_ids}
    if len(ids) > 1:
        chosen |= last_numbers(numbers, contact_ids)
    return chosen


def last_numbers(numbers: Sequence[WhatsAppConnection], contact_ids: Any) -> dict[UUID, UUID]:
    """Map contacts to the number, of these, of their latest conversation. contact_ids: ids or a query."""
    conversations = Conversation.objects.filter(
        contact_id__in=contact_ids, connection_id__in=[number.pk for number in numbers]
    )
    latest_last = conversations.order_by(F("last_message_at").asc(nulls_first=True), "id")
    return dict(latest_last.values_list("contact_id", "connection_id"))


# -- times -------------------------------------------------------------------------------------------------------------


def first_due_at(
    campaign: Campaign, settings: Pacing, phone: str | None, moment: datetime
) -> datetime | None:
    """Return the earliest time of a recipient; None: now (the feeder then checks whether it is too late)."""
    zones = zones_of(phone, campaign.business_profile.time_zone)
    begin, last = local_window(campaign, settings, zones)
    begin = max(begin or moment, moment)
    due = pacing.next_open(settings, begin, zones) if settings.has_window else begin
    return None if due <= moment or (last is not None and due >= last) else due


def local_window(
    campaign: Campaign, settings: Pacing, zones: tuple[str, ...]
) -> tuple[datetime, datetime] | tuple[None, None]:
    """Return begin and end of the time window of a local-time campaign; (None, None) for others."""
    if campaign.timing != Campaign.Timing.LOCAL or campaign.local_at is None:
        return None, None
    wall = campaign.local_at
    begin = pacing.local_moment(wall.date(), wall.hour * 60 + wall.minute, zones[0])
    if settings.has_window:
        begin = pacing.next_open(settings, begin, zones)
    return begin, begin + timedelta(hours=campaign.expire_hours)

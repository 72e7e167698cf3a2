"""Who of a frozen audience hears from which number, with which variant, and from when on.

Lines are placed a stretch at a time, in the order of the ledger. A place is kept: only lines whose number cannot send
any more are given to another one.
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
AT_ONCE = 1000
_PLACE = """
UPDATE campaign_recipients AS r SET connection_id = v.connection, due_at = v.due, cold = v.cold, variant = v.variant
FROM v WHERE r.id = v.key AND r.status = 'pending' AND {before} RETURNING id
"""
_COLUMNS = {"key": "uuid", "connection": "uuid", "due": "timestamptz", "cold": "boolean", "variant": "text"}


def usable(number: WhatsAppConnection) -> bool:
    """Whether a number may be given campaign messages: not banned. One that is offline keeps them until it is back."""
    return number.status_reason != WhatsAppConnection.Reason.BANNED


def place(campaign: Campaign, numbers: Sequence[WhatsAppConnection], moment: datetime) -> bool:
    """Place the next stretch of the ledger. True: there is more of it. In a transaction."""
    rows = _locked(campaign)
    if campaign.placed_until:
        rows = rows.filter(contact_id__gt=campaign.placed_until)
    stretch = list(rows.order_by("contact_id")[:AT_ONCE])
    if not stretch:
        return False
    waiting = [row for row in stretch if row.status == Status.PENDING]
    _write(campaign, numbers, waiting, moment, "r.connection_id IS NULL")
    Campaign.objects.filter(pk=campaign.pk).update(placed_until=stretch[-1].contact_id)
    return len(stretch) == AT_ONCE


def take_over(campaign: Campaign, numbers: Sequence[WhatsAppConnection], moment: datetime) -> int:
    """Give the lines of numbers that cannot send any more (banned, deleted) to the others. Returns how many.

    A stretch at most; call it until it returns 0. Each look is a range of an index that holds what is next.
    """
    for between in _gaps([one.pk for one in numbers]):
        rows = _locked(campaign).filter(between, status=Status.PENDING, due_at=None)
        strays = list(rows.order_by("connection_id", "cold", "contact_id")[:AT_ONCE])
        if strays:
            _forget(strays)
            return len(_write(campaign, numbers, strays, moment, "r.connection_id IS NOT NULL"))
    return 0


def _gaps(keys: Iterable[UUID]) -> list[Q]:
    """Conditions that together hold for every number but these."""
    ends = sorted(keys)
    inner = [Q(connection_id__gt=low, connection_id__lt=high) for low, high in pairwise(ends)]
    return [Q(connection_id__lt=ends[0]), *inner, Q(connection_id__gt=ends[-1])]


def _forget(rows: Sequence[CampaignRecipient]) -> None:
    """Their former numbers do not count them any more."""
    deltas: dict[recipient_states.Key, list[int]] = defaultdict(lambda: [0] * len(recipient_states.COUNTERS))
    for row in rows:
        deltas[(row.campaign_id, row.connection_id, row.variant)][recipient_states.OPEN_COUNT] -= 1
    recipient_states.add_to_tallies(deltas)
    gone = CampaignTally.objects.filter(campaign_id=rows[0].campaign_id, connection=None)
    gone.update(open_count=0)  # a deleted number's tallies are nobody's


def _locked(campaign: Campaign) -> QuerySet[CampaignRecipient]:
    rows = CampaignRecipient.objects.select_for_update(no_key=True).prefetch_related("contact")
    return rows.filter(campaign=campaign)


def _write(
    campaign: Campaign,
    numbers: Sequence[WhatsAppConnection],
    rows: Sequence[CampaignRecipient],
    moment: datetime,
    before: str,
) -> list[UUID]:
    """Give these lines number, time and variant, and count them there. Returns those that were not placed meanwhile."""
    contact_ids = [row.contact_id for row in rows if row.contact_id]
    sender, by_key = senders(numbers, contact_ids), {one.pk: one for one in numbers}
    cold = pacing_settings.cold_contacts(contact_ids)
    placed: dict[UUID, tuple[Any, ...]] = {}
    for row in rows:
        assert row.contact_id is not None
        number, phone = by_key[sender[row.contact_id]], row.contact.phone_number if row.contact else None
        due = first_turn(campaign, pacing_settings.settings_of(number), phone, moment)
        variant = texts.pick(campaign.variants, row.pk)
        placed[row.pk] = (row.pk, number.pk, due, row.contact_id in cold, str((variant or {}).get("key", "")))
    values = [placed[key] for key in sorted(placed)]
    written = [
        bulk.as_uuid(key) for (key,) in bulk.update_each(_COLUMNS, values, _PLACE.format(before=before))
    ]
    deltas: dict[recipient_states.Key, list[int]] = defaultdict(lambda: [0] * len(recipient_states.COUNTERS))
    for key in written:
        _, number_id, _, _, letter = placed[key]
        deltas[(campaign.pk, number_id, letter)][recipient_states.OPEN_COUNT] += 1
    recipient_states.ensure_tallies(
        (campaign.pk, one.pk, letter) for one in numbers for letter in variants_of(campaign)
    )
    recipient_states.add_to_tallies(deltas)
    return written


def variants_of(campaign: Campaign) -> list[str]:
    """The keys of its variants; one empty key without any."""
    return [str(one["key"]) for one in campaign.variants] or [""]


def senders(numbers: Sequence[WhatsAppConnection], contact_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Who writes to whom: the number with which they talked last, else one of them by chance, always the same."""
    keys = [one.pk for one in numbers]
    chosen = {contact: keys[texts.chance(contact, len(keys))] for contact in contact_ids}
    if len(keys) > 1:
        chosen |= known_by(numbers, contact_ids)
    return chosen


def known_by(numbers: Sequence[WhatsAppConnection], contact_ids: Any) -> dict[UUID, UUID]:
    """contact -> the number, of these, with which they talked last. contact_ids: keys, or a query that gives them."""
    talks = Conversation.objects.filter(
        contact_id__in=contact_ids, connection_id__in=[one.pk for one in numbers]
    )
    latest_last = talks.order_by(F("last_message_at").asc(nulls_first=True), "id")
    return dict(latest_last.values_list("contact_id", "connection_id"))


# -- times -------------------------------------------------------------------------------------------------------------


def first_turn(campaign: Campaign, settings: Pacing, phone: str | None, moment: datetime) -> datetime | None:
    """From when on somebody's turn may come; None: now (the feeder then looks whether it is too late)."""
    zones = zones_of(phone, campaign.business_profile.time_zone)
    begin, last = span(campaign, settings, zones)
    begin = max(begin or moment, moment)
    opens = pacing.next_open(settings, begin, zones) if settings.has_window else begin
    return None if opens <= moment or (last is not None and opens >= last) else opens


def span(
    campaign: Campaign, settings: Pacing, zones: tuple[str, ...]
) -> tuple[datetime, datetime] | tuple[None, None]:
    """When a message for a local time is to leave, and when it is too late for it. Other messages have no such time."""
    if campaign.timing != Campaign.Timing.LOCAL or campaign.local_at is None:
        return None, None
    wall = campaign.local_at
    begin = pacing.local_moment(wall.date(), wall.hour * 60 + wall.minute, zones[0])
    if settings.has_window:
        begin = pacing.next_open(settings, begin, zones)
    return begin, begin + timedelta(hours=campaign.expire_hours)

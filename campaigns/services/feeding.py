"""From the ledger into the outbox, a little at a time: the message row is the queue, and only a short stretch is in it.

`feed` may run in several processes at once and be repeated: lines are taken with SKIP LOCKED, and a line makes one
message whatever happens, because its key is the message's token. Whether the campaign still sends is looked at last,
with its row locked: a pause that comes meanwhile either sees these messages or is seen here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import connection as database
from django.db import transaction
from django.db.models import QuerySet

from campaigns import audience, texts
from campaigns.models import Campaign, CampaignRecipient
from campaigns.services import ledger, states
from campaigns.services.answers import MARK
from connections.models import WhatsAppConnection
from contacts.models import CustomField
from messaging import pacing
from messaging.models import Conversation, Message
from messaging.pacing import Pacing
from messaging.services import broadcasts, pace
from messaging.zones import zones_of
from whatsflow.core import bulk
from whatsflow.core.clock import now

log = structlog.get_logger(__name__)

Status = CampaignRecipient.Status
PLACED_AT_ONCE = 1000
AHEAD = 6
"""Messages of one campaign that wait in the outbox of one number that has pacing."""
AHEAD_UNPACED = 600
"""The same for a number without pacing: enough to keep it busy until this runs again."""
ROUNDS = 20


def feed(campaign_id: UUID) -> int:
    """Top up the outbox of every number of a sending campaign. Returns how many messages were queued."""
    queued = 0
    for _ in range(ROUNDS):
        with transaction.atomic():
            some, more = _round(campaign_id)
        queued += some
        if not more:
            break
    return queued


def _round(campaign_id: UUID) -> tuple[int, bool]:
    """One transaction. Returns how many were queued, and whether another round has something to do."""
    campaign = Campaign.objects.select_related("business_profile", "media").filter(pk=campaign_id).first()
    if campaign is None or campaign.status != Campaign.Status.SENDING:
        return 0, False
    numbers = [one for one in audience.numbers_of(campaign) if usable(one)]
    if not numbers:
        states.pause_by_rule(campaign, Campaign.Reason.NO_NUMBER)
        return 0, False
    moment = now()
    _turn_due(campaign, moment)
    rooms = {one.pk: _room(campaign, one) for one in numbers}
    unplaced = _place(campaign, numbers, moment) if any(rooms.values()) else False
    queued, put_off = 0, 0
    for number in numbers:
        if rooms[number.pk] > 0:
            some, later = _top_up(campaign, number, rooms[number.pk], moment)
            queued, put_off = queued + some, put_off + later
    full = all(queued >= room for room in rooms.values()) if queued else False
    if queued == 0:
        states.finish([campaign.pk])
    return queued, (unplaced or put_off > 0) and not full


def usable(number: WhatsAppConnection) -> bool:
    """Whether a number may be given campaign messages: not banned. One that is offline keeps them until it is back."""
    return number.status_reason != WhatsAppConnection.Reason.BANNED


def _room(campaign: Campaign, number: WhatsAppConnection) -> int:
    waiting = CampaignRecipient.objects.filter(campaign=campaign, connection=number, status=Status.QUEUED)
    ahead = AHEAD if pace.settings_of(number).enabled else AHEAD_UNPACED
    return ahead - waiting.order_by().count()


def _turn_due(campaign: Campaign, moment: datetime) -> None:
    """Those whose time has come are next again; those whose time has passed for too long are not sent any more."""
    waiting = CampaignRecipient.objects.filter(campaign=campaign, status=Status.PENDING, due_at__lte=moment)
    if campaign.timing == Campaign.Timing.LOCAL:
        late = moment - timedelta(hours=campaign.expire_hours)
        locked = waiting.select_for_update(no_key=True).filter(due_at__lt=late)
        _expire(list(locked.order_by("pk")[:PLACED_AT_ONCE]))
    waiting.update(due_at=None)


def _expire(rows: Sequence[CampaignRecipient]) -> None:
    if rows:
        states.finish(ledger.settle(rows, Status.EXPIRED, "too_late").emptied)


# -- who gets it from which number, and when ---------------------------------------------------------------------------


def _place(campaign: Campaign, numbers: Sequence[WhatsAppConnection], moment: datetime) -> bool:
    """Give the next stretch of the ledger its numbers and times. True: there is more of it."""
    rows = CampaignRecipient.objects.select_for_update(no_key=True, of=("self",)).filter(
        campaign=campaign, contact_id__isnull=False
    )
    if campaign.placed_until:
        rows = rows.filter(contact_id__gt=campaign.placed_until)
    stretch = list(
        rows.order_by("contact_id").values_list("pk", "contact_id", "status", "contact__phone_number")[
            :PLACED_AT_ONCE
        ]
    )
    if not stretch:
        return False
    waiting = [(key, contact, number) for key, contact, status, number in stretch if status == Status.PENDING]
    sender = _senders(numbers, [contact for _, contact, _ in waiting])
    by_key = {one.pk: one for one in numbers}
    placed = sorted(
        (key, sender[contact], _due(campaign, by_key[sender[contact]], number, moment))
        for key, contact, number in waiting
    )
    bulk.update_each(
        {"key": "uuid", "connection": "uuid", "due": "timestamptz"},
        placed,
        "UPDATE campaign_recipients AS r SET connection_id = v.connection, due_at = v.due "
        "FROM v WHERE r.id = v.key AND r.status = 'pending'",
    )
    ledger.ensure_tallies(
        (campaign.pk, number.pk, variant) for number in numbers for variant in variants_of(campaign)
    )
    Campaign.objects.filter(pk=campaign.pk).update(placed_until=stretch[-1][1])
    return len(stretch) == PLACED_AT_ONCE


def variants_of(campaign: Campaign) -> list[str]:
    """The keys of its variants; one empty key without any."""
    return [str(one["key"]) for one in campaign.variants] or [""]


def _senders(numbers: Sequence[WhatsAppConnection], contact_ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Who writes to whom: the number with which they talked last, else one of them by chance, always the same."""
    keys = [one.pk for one in numbers]
    chosen = {contact: keys[_spread(contact) % len(keys)] for contact in contact_ids}
    if len(keys) > 1:
        talks = Conversation.objects.filter(contact_id__in=list(contact_ids), connection_id__in=keys)
        chosen |= dict(talks.order_by("last_message_at", "id").values_list("contact_id", "connection_id"))
    return chosen


def _spread(key: UUID) -> int:
    return (key.int * 0x9E3779B97F4A7C15) >> 64 & 0xFFFFFFFF


def _due(
    campaign: Campaign, number: WhatsAppConnection, phone: str | None, moment: datetime
) -> datetime | None:
    """From when on their turn may come; None: now."""
    settings = pace.settings_of(number)
    zones = zones_of(phone, campaign.business_profile.time_zone)
    begin = moment
    if campaign.timing == Campaign.Timing.LOCAL and campaign.local_at:
        wall = campaign.local_at
        begin = pacing.local_moment(wall.date(), wall.hour * 60 + wall.minute, zones[0])
    opens = (
        pacing.next_open(settings, max(begin, moment), zones) if settings.has_window else max(begin, moment)
    )
    if campaign.timing == Campaign.Timing.LOCAL and begin < moment:
        return begin  # late: the next round decides whether too late
    return opens if opens > moment else None


# -- from the ledger into the outbox -----------------------------------------------------------------------------------


def _top_up(campaign: Campaign, number: WhatsAppConnection, room: int, moment: datetime) -> tuple[int, int]:
    """Queue up to `room` messages of one number. Returns how many, and how many must wait for their window."""
    rows = _next(campaign, number, room)
    if not rows:
        return 0, 0
    settings = pace.settings_of(number)
    fit, closed = _by_window(campaign, settings, rows, moment)
    for row, opens in closed:
        CampaignRecipient.objects.filter(pk=row.pk).update(due_at=opens)
    out = [row for row in fit if _reason_against(row)]
    for row in out:
        states.finish(ledger.settle([row], Status.SKIPPED, _reason_against(row)).emptied)
    letters = [row for row in fit if not _reason_against(row)]
    if letters:
        _enqueue(campaign, number, letters, moment)
    return len(letters), len(closed) + len(out)


def _next(campaign: Campaign, number: WhatsAppConnection, room: int) -> list[CampaignRecipient]:
    waiting: QuerySet[CampaignRecipient] = CampaignRecipient.objects.filter(
        campaign=campaign, connection=number, status=Status.PENDING, due_at=None
    )
    free = waiting.select_for_update(
        no_key=True, skip_locked=database.features.has_select_for_update_skip_locked, of=("self",)
    )
    return list(free.select_related("contact").order_by("contact_id")[:room])


def _by_window(
    campaign: Campaign, settings: Pacing, rows: Sequence[CampaignRecipient], moment: datetime
) -> tuple[list[CampaignRecipient], list[tuple[CampaignRecipient, datetime]]]:
    """Those whose window is open now, and the others with when it opens."""
    if not settings.has_window:
        return list(rows), []
    fit, closed = [], []
    for row in rows:
        phone = row.contact.phone_number if row.contact else None
        opens = pacing.next_open(settings, moment, zones_of(phone, campaign.business_profile.time_zone))
        if opens > moment:
            closed.append((row, opens))
        else:
            fit.append(row)
    return fit, closed


def _reason_against(row: CampaignRecipient) -> str:
    """Why this person must not get it after all; "" if they may. Deleted people have nobody to write to."""
    if row.contact is None:
        return CampaignRecipient.Reason.NO_WHATSAPP
    if row.contact.opted_out_at:
        return CampaignRecipient.Reason.OPTED_OUT
    return CampaignRecipient.Reason.BLOCKED if row.contact.blocked_at else ""


def _enqueue(
    campaign: Campaign, number: WhatsAppConnection, rows: Sequence[CampaignRecipient], moment: datetime
) -> None:
    cold = pace.cold_ones([row.contact_id for row in rows if row.contact_id])
    known = known_variables(campaign)
    variant_of = {row.pk: texts.pick(campaign.variants, row.pk) for row in rows}
    letters = [_letter(campaign, row, variant_of[row.pk], known, cold, moment) for row in rows]
    made = broadcasts.enqueue_all(campaign.business_profile, letters, campaign.media)
    changes = sorted(
        (row.pk, made[token_of(row.pk)], str((variant_of[row.pk] or {}).get("key", ""))) for row in rows
    )
    bulk.update_each(
        {"key": "uuid", "message": "uuid", "variant": "text"},
        changes,
        "UPDATE campaign_recipients AS r SET status = 'queued', message_id = v.message, variant = v.variant "
        "FROM v WHERE r.id = v.key",
    )
    _count_queued(campaign, number, [variant for _, _, variant in changes])
    if _no_longer_sending(campaign):
        broadcasts.hold([message for _, message, _ in changes])


def _count_queued(campaign: Campaign, number: WhatsAppConnection, variants: Sequence[str]) -> None:
    """They were counted as open by the campaign when it was frozen; their number and variant count them from now on."""
    by_variant: dict[str, int] = defaultdict(int)
    for variant in variants:
        by_variant[variant] += 1
    place = ledger.COUNTERS.index("open_count")
    ledger.add_to_tallies(
        {
            (campaign.pk, number.pk, variant): [
                count if n == place else 0 for n in range(len(ledger.COUNTERS))
            ]
            for variant, count in by_variant.items()
        }
    )


def _no_longer_sending(campaign: Campaign) -> bool:
    row = Campaign.objects.select_for_update(no_key=True).only("status").get(pk=campaign.pk)
    return row.status != Campaign.Status.SENDING


def token_of(recipient_id: UUID) -> str:
    """The key that makes one message of one line."""
    return f"campaign:{recipient_id.hex}"


def known_variables(campaign: Campaign) -> set[str]:
    """Names of variables in texts of this business: the built-in ones and its custom fields."""
    fields = CustomField.objects.filter(business_profile_id=campaign.business_profile_id)
    return {*texts.BUILT_IN, *fields.values_list("key", flat=True)}


def _letter(
    campaign: Campaign,
    row: CampaignRecipient,
    variant: dict[str, Any] | None,
    known: set[str],
    cold: set[UUID],
    moment: datetime,
) -> broadcasts.Letter:
    assert row.contact is not None
    assert row.contact_id is not None
    assert row.connection_id is not None
    text = str(variant["content"]) if variant else campaign.message_content
    values = texts.values_of(row.contact, campaign.business_profile.business_name)
    mark = {MARK: {"id": str(campaign.pk), "name": campaign.name}}
    return broadcasts.Letter(
        contact_id=row.contact_id,
        connection_id=row.connection_id,
        text=texts.render(text, values, known),
        token=token_of(row.pk),
        expires_at=_expiry(campaign, moment),
        about=mark | ({pace.COLD: True} if row.contact_id in cold else {}),
    )


def _expiry(campaign: Campaign, moment: datetime) -> datetime | None:
    """A message for a local time is not worth sending hours later; others wait for their turn."""
    if campaign.timing != Campaign.Timing.LOCAL:
        return None
    return moment + timedelta(hours=campaign.expire_hours)


def mend(campaign_id: UUID) -> int:
    """Lines whose message is gone, because its number was deleted, get their final state. Returns how many."""
    lines = CampaignRecipient.objects.filter(campaign_id=campaign_id, status=Status.QUEUED)
    known = dict(Message.objects.filter(pk__in=lines.values("message_id")).values_list("pk", "status"))
    with transaction.atomic():
        rows = [
            row for row in lines.select_for_update(no_key=True).order_by("pk") if row.message_id not in known
        ]
        if rows:
            states.finish(ledger.settle(rows, Status.FAILED, "number_deleted").emptied)
    return len(rows)

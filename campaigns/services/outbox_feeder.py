"""From the ledger into the outbox, a little at a time: the message row is the queue, and only a short stretch is in it.

`feed` may run in several processes at once and be repeated: lines are taken with SKIP LOCKED, and a line makes one
message whatever happens, because its key is the message's token. Whether the campaign still sends is looked at last,
with its row locked: a pause that comes meanwhile either sees these messages or is seen here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection as database
from django.db import transaction
from django.db.models import Q, QuerySet

from campaigns import audience, texts
from campaigns.models import Campaign, CampaignRecipient
from campaigns.services import assignment, recipient_states, transitions
from campaigns.services.replies import MARK
from connections.models import WhatsAppConnection
from contacts.models import CustomField
from core.clock import now
from core.db import bulk
from messaging.models import Message
from messaging.outbox import broadcasts, pacing, pacing_settings
from messaging.outbox.pacing import Pacing
from messaging.outbox.time_zones import zones_of

Status = CampaignRecipient.Status
Reason = CampaignRecipient.Reason
AHEAD = 6
"""Messages of one campaign that wait in the outbox of one number that has pacing."""
AHEAD_UNPACED = 600
"""The same for a number without pacing: enough to keep it busy until this runs again."""
PUT_OFF = timedelta(minutes=10)
"""A message that has to wait for longer takes no place in the outbox from those who may be written to now."""
LOOKED_AT = 500
"""Lines that are looked at once the first ones had to be put off."""
ROUNDS = 20


def feed(campaign_id: UUID) -> int:
    """Top up the outbox of every number of a sending campaign. Returns how many messages were queued."""
    queued, look = 0, 0
    for _ in range(ROUNDS):
        with transaction.atomic():
            some, more = _round(campaign_id, look)
        queued, look = queued + some, LOOKED_AT
        if not more:
            break
    return queued


def _round(campaign_id: UUID, look: int) -> tuple[int, bool]:
    """One transaction. Returns how many were queued, and whether another round has something to do."""
    campaign = Campaign.objects.select_related("business_profile", "media").filter(pk=campaign_id).first()
    if campaign is None or campaign.status != Campaign.Status.SENDING:
        return 0, False
    numbers = [one for one in audience.numbers_of(campaign) if assignment.usable(one)]
    if not numbers:
        transitions.pause_by_rule(campaign, Campaign.Reason.NO_NUMBER)
        return 0, False
    moment = now()
    waiting = CampaignRecipient.objects.filter(campaign=campaign, status=Status.PENDING)
    waiting.filter(due_at__lte=moment).update(due_at=None)
    rooms = {one.pk: _room(campaign, one, moment) for one in numbers}
    free = [one for one in numbers if rooms[one.pk] > 0]
    unplaced = assignment.place(campaign, numbers, moment) if free else False
    queued, more = 0, False
    for number in free:
        some, others = _top_up(campaign, number, rooms[number.pk], look, moment)
        queued += some
        more |= some < rooms[number.pk] and (others or unplaced)
    if queued == 0:
        transitions.finish([campaign.pk])
    return queued, more


def _room(campaign: Campaign, number: WhatsAppConnection, moment: datetime) -> int:
    soon = Q(message__not_before=None) | Q(message__not_before__lte=moment + PUT_OFF)
    held = Q(message__not_before__gte=broadcasts.HELD)
    waiting = CampaignRecipient.objects.filter(
        soon | held, campaign=campaign, connection=number, status=Status.QUEUED
    )
    ahead = AHEAD if pacing_settings.settings_of(number).enabled else AHEAD_UNPACED
    return ahead - waiting.order_by().count()


def _top_up(
    campaign: Campaign, number: WhatsAppConnection, room: int, look: int, moment: datetime
) -> tuple[int, bool]:
    """Queue up to `room` messages of one number, of at least `look` lines. Returns how many, and whether others that
    came before them had to be put off or left out.
    """
    settings = pacing_settings.settings_of(number)
    strangers = pacing_settings.new_chats_from(number, settings, moment) <= moment
    rows = _next(campaign, number, max(room, look), strangers=strangers)
    turns = [_turn(campaign, settings, row, moment) for row in rows]
    _put_off([(turn.row.pk, turn.opens) for turn in turns if turn.opens])
    _leave_out([turn for turn in turns if turn.status])
    fit = [turn for turn in turns if not turn.status and not turn.opens][:room]
    if fit:
        _enqueue(campaign, fit)
    return len(fit), any(turn.status or turn.opens for turn in turns)


def _next(
    campaign: Campaign, number: WhatsAppConnection, limit: int, *, strangers: bool
) -> list[CampaignRecipient]:
    """Whose turn it is: those who know us first. strangers: whether people who never wrote may be written to now."""
    waiting: QuerySet[CampaignRecipient] = CampaignRecipient.objects.filter(
        campaign=campaign, connection=number, status=Status.PENDING, due_at=None
    )
    if not strangers:
        waiting = waiting.filter(cold=False)
    free = waiting.select_for_update(
        no_key=True, skip_locked=database.features.has_select_for_update_skip_locked
    )
    return list(free.prefetch_related("contact").order_by("cold", "contact_id")[:limit])


@dataclass(frozen=True, slots=True)
class _Turn:
    """What the moment means for one line: it is put off until `opens`, comes to `status` for good, or may be queued and
    has until `last`.
    """

    row: CampaignRecipient
    opens: datetime | None = None
    status: str = ""
    reason: str = ""
    last: datetime | None = None


def _turn(campaign: Campaign, settings: Pacing, row: CampaignRecipient, moment: datetime) -> _Turn:
    person = row.contact
    if person is None:
        return _Turn(row, status=Status.SKIPPED, reason=Reason.NO_WHATSAPP)
    if person.opted_out_at or person.blocked_at:
        reason = Reason.OPTED_OUT if person.opted_out_at else Reason.BLOCKED
        return _Turn(row, status=Status.SKIPPED, reason=reason)
    zones = zones_of(person.phone_number, campaign.business_profile.time_zone)
    _, last = assignment.span(campaign, settings, zones)
    opens = pacing.next_open(settings, moment, zones) if settings.has_window else moment
    if last is not None and opens >= last:
        return _Turn(row, status=Status.EXPIRED, reason="too_late")
    return _Turn(row, opens=opens if opens > moment else None, last=last)


def _put_off(rows: Sequence[tuple[UUID, datetime]]) -> None:
    bulk.update_each(
        {"key": "uuid", "due": "timestamptz"},
        sorted(rows),
        "UPDATE campaign_recipients AS r SET due_at = v.due FROM v WHERE r.id = v.key",
    )


def _leave_out(turns: Sequence[_Turn]) -> None:
    by_end: dict[tuple[str, str], list[CampaignRecipient]] = defaultdict(list)
    for turn in turns:
        by_end[(turn.status, turn.reason)].append(turn.row)
    for (status, reason), rows in sorted(by_end.items()):
        transitions.finish(
            recipient_states.settle(sorted(rows, key=lambda row: row.pk), status, reason).emptied
        )


# -- messages ----------------------------------------------------------------------------------------------------------


def _enqueue(campaign: Campaign, turns: Sequence[_Turn]) -> None:
    cold = pacing_settings.cold_contacts([turn.row.contact_id for turn in turns if turn.row.contact_id])
    known = known_variables(campaign)
    letters = [_letter(campaign, turn, known, cold) for turn in turns]
    made = broadcasts.enqueue_all(campaign.business_profile, letters, campaign.media)
    changes = sorted((turn.row.pk, made[token_of(turn.row.pk)]) for turn in turns)
    bulk.update_each(
        {"key": "uuid", "message": "uuid"},
        changes,
        "UPDATE campaign_recipients AS r SET status = 'queued', message_id = v.message FROM v WHERE r.id = v.key",
    )
    if _no_longer_sending(campaign):
        broadcasts.hold([message for _, message in changes])


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


def _letter(campaign: Campaign, turn: _Turn, known: set[str], cold: set[UUID]) -> broadcasts.CampaignMessage:
    row = turn.row
    assert row.contact is not None
    assert row.contact_id is not None
    assert row.connection_id is not None
    values = texts.values_of(row.contact, campaign.business_profile.business_name)
    mark = {MARK: {"id": str(campaign.pk), "name": campaign.name}}
    return broadcasts.CampaignMessage(
        contact_id=row.contact_id,
        connection_id=row.connection_id,
        text=texts.render(_text_of(campaign, row.variant), values, known),
        token=token_of(row.pk),
        expires_at=turn.last,
        metadata=mark | ({pacing_settings.COLD: True} if row.contact_id in cold else {}),
    )


def _text_of(campaign: Campaign, letter: str) -> str:
    found = (str(one["content"]) for one in campaign.variants if one["key"] == letter)
    return next(found, campaign.message_content)


# -- what went wrong with a number -------------------------------------------------------------------------------------


def mend(campaign_id: UUID) -> int:
    """Look after what a number that is gone has left behind. Returns how many lines were changed.

    A message that went with its deleted number has failed; what a banned one has in its outbox is taken back; who still
    waits for either is given to the other numbers.
    """
    changed = _settle_lost(campaign_id)
    campaign = Campaign.objects.select_related("business_profile").filter(pk=campaign_id).first()
    if campaign is None or campaign.status != Campaign.Status.SENDING:
        return changed
    numbers = audience.numbers_of(campaign)
    left = [one for one in numbers if assignment.usable(one)]
    banned = CampaignRecipient.objects.filter(
        campaign=campaign, status=Status.QUEUED, connection__in=[one.pk for one in numbers if one not in left]
    )
    changed += broadcasts.cancel(
        [key for key in banned.values_list("message_id", flat=True) if key], "number_banned"
    )
    while left:
        with transaction.atomic():
            some = assignment.take_over(campaign, left, now())
        changed += some
        if not some:
            break
    return changed


def _settle_lost(campaign_id: UUID) -> int:
    lines = CampaignRecipient.objects.filter(campaign_id=campaign_id, status=Status.QUEUED)
    known = set(Message.objects.filter(pk__in=lines.values("message_id")).values_list("pk", flat=True))
    with transaction.atomic():
        rows = [
            row for row in lines.select_for_update(no_key=True).order_by("pk") if row.message_id not in known
        ]
        if rows:
            transitions.finish(recipient_states.settle(rows, Status.FAILED, "number_deleted").emptied)
    return len(rows)

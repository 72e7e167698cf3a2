"""What each figure means, in plain Python over the rows: what analytics/aggregates/queries.py says in SQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from accounts.models import BusinessProfile
from analytics.aggregates import bitmaps
from analytics.aggregates.day import Day, Tally
from analytics.aggregates.ordinals import Ordinals
from analytics.aggregates.reader import days
from analytics.models import StatsNumber
from contacts.models import ConsentProof, Contact
from messaging.models import Conversation, ConversationEvent, Message

GONE = {"sent", "delivered", "read", "played"}
ARRIVED = {"delivered", "read", "played"}
SEEN = {"read", "played"}
Kind = StatsNumber.Kind
People = tuple[set[UUID], set[UUID], set[UUID]]
"""Who wrote, to whom something was sent, which conversations there were."""


def told(
    business: BusinessProfile, first: date, last: date, zone: ZoneInfo | None = None
) -> list[dict[str, Any]]:
    """These dates as the pages get them, to compare with `expected`. A number that is nobody's stays a number."""
    ordinals = Ordinals(business.pk)
    found = days(business, first, last, zone, ordinals=ordinals)
    contacts = _owners(ordinals, Kind.CONTACT, Contact.objects.filter(business_profile=business))
    talks = _owners(ordinals, Kind.CONVERSATION, Conversation.objects.filter(business_profile=business))

    def names(bitmap: int, owners: dict[int, UUID]) -> set[Any]:
        return {owners.get(number, number) for number in bitmaps.to_ordinals(bitmap)}

    return [
        _plain(
            day, (names(day.active, contacts), names(day.reached, contacts), names(day.conversations, talks))
        )
        for day in found
    ]


def _owners(ordinals: Ordinals, kind: Kind, rows: Any) -> dict[int, UUID]:
    keys = list(rows.values_list("pk", flat=True))
    sets = ordinals.bitmaps_of(kind, [[key] for key in keys])
    return {bitmaps.to_ordinals(one)[0]: key for one, key in zip(sets, keys, strict=True)}


def expected(business: BusinessProfile, zone: ZoneInfo, wanted: Iterable[date]) -> list[dict[str, Any]]:
    """These dates of the business, from every row it has."""
    found = {when: Day(when) for when in wanted}
    messages = list(Message.objects.filter(business_profile=business))
    _messages(messages, zone, found)
    people = _people(messages, zone, found)
    _answers(messages, zone, found)
    for event in ConversationEvent.objects.filter(business_profile=business, kind="closed"):
        when = event.created_at.astimezone(zone).date()
        if when in found:
            work = found[when].work_of(event.actor_id)
            work.closed += 1
            if event.begun_at:
                seconds = _clock(event.created_at) - _clock(event.begun_at)
                work.resolutions = [*work.resolutions, seconds]
    for contact in Contact.objects.filter(business_profile=business):
        when = contact.created_at.astimezone(zone).date()
        if when in found:
            found[when].new_contacts += 1
    for proof in ConsentProof.objects.filter(business_profile=business, kind="opt_out"):
        when = proof.created_at.astimezone(zone).date()
        if when in found and proof.how not in ("merge", "suppression"):
            found[when].opt_outs += 1
    for day in found.values():
        for work in day.work.values():
            work.answers, work.resolutions = sorted(work.answers), sorted(work.resolutions)
    return [_plain(day, people[when]) for when, day in found.items()]


def _clock(moment: datetime) -> int:
    return int(moment.timestamp() // 1)


def _messages(messages: list[Message], zone: ZoneInfo, found: dict[date, Day]) -> None:
    for message in messages:
        local = message.created_at.astimezone(zone)
        day = found.get(local.date())
        if day is None:
            continue
        ours = message.direction == "outbound"
        tally = Tally(1)
        if ours:
            tally.sent = int(message.status in GONE)
            tally.delivered = int(message.status in ARRIVED)
            tally.read = int(message.status in SEEN)
            tally.failed = int(message.status == "failed")
        kind = (message.connection_id, message.direction, message.message_type)
        day.messages.setdefault(kind, Tally()).add(tally)
        if not ours:
            day.received_by_hour[local.hour] += 1
        elif message.status in GONE:
            day.sent_by_hour[local.hour] += 1
            if message.origin != "campaign":
                day.work_of(message.sender_id).sent += 1


def _people(messages: list[Message], zone: ZoneInfo, found: Iterable[date]) -> dict[date, People]:
    active: dict[date, set[UUID]] = defaultdict(set)
    reached: dict[date, set[UUID]] = defaultdict(set)
    talks: dict[date, set[UUID]] = defaultdict(set)
    for message in messages:
        when = message.created_at.astimezone(zone).date()
        if message.direction == "inbound":
            active[when].add(message.contact_id)
        elif message.status in GONE:
            reached[when].add(message.contact_id)
        if message.origin != "campaign":
            talks[when].add(message.conversation_id)
    return {when: (active[when], reached[when], talks[when]) for when in found}


def _answers(messages: list[Message], zone: ZoneInfo, found: dict[date, Day]) -> None:
    for at, sender, seconds in waits(messages):
        when = at.astimezone(zone).date()
        if when in found:
            work = found[when].work_of(sender)
            work.answers = [*work.answers, seconds]


def waits(messages: list[Message]) -> Iterator[tuple[datetime, UUID | None, int]]:
    """Each answer with its writer and how long the customer had waited."""
    asked: dict[UUID, list[datetime]] = defaultdict(list)
    for message in sorted(messages, key=lambda one: (one.created_at, one.pk)):
        if message.message_type == "reaction":
            continue
        if message.direction == "inbound":
            asked[message.conversation_id].append(message.created_at)
        elif message.origin != "campaign" and not message.is_from_bot:
            waiting = asked.pop(message.conversation_id, [])
            since = next((at for at in waiting if at >= message.created_at - timedelta(days=7)), None)
            if since:
                yield message.created_at, message.sender_id, _clock(message.created_at) - _clock(since)


def _plain(day: Day, people: People) -> dict[str, Any]:
    """A day to compare: without lines that count nothing."""
    return {
        "date": day.date,
        "messages": {kind: tally for kind, tally in day.messages.items() if tally.messages},
        "work": {
            user: (work.sent, work.closed, list(work.answers), list(work.resolutions))
            for user, work in day.work.items()
            if work.sent or work.closed or work.answers or work.resolutions
        },
        "hours": (day.received_by_hour, day.sent_by_hour),
        "people": people,
        "counts": (day.new_contacts, day.opt_outs),
    }

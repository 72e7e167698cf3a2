"""What a campaign's message has to pass in the claim: the number's pace, and its person's consent.

Messages of people never come here: they go first, and nothing holds them back. A number without pacing pays for one
look at what it has claimed; with pacing one campaign message at a time is let through.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection as database

from connections.leases import Lease
from connections.models import WhatsAppConnection
from core.clock import now
from core.db import bulk
from messaging.models import Message
from messaging.outbox import pacing, pacing_settings, transitions
from messaging.outbox.pacing import Decision, Pacing, Past, Person
from messaging.outbox.states import Status
from messaging.outbox.time_zones import zones_of

CAMPAIGNS = 0x7766
"""Namespace of the locks that begin campaign messages to one person one after the other."""
LOOKED_AT = 20
"""Waiting campaign messages of which the first that may leave now is taken."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A message that the claim has marked, with what it says about its person."""

    id: UUID
    conversation_id: UUID
    contact_id: UUID
    wa_id: str
    phone: str | None
    lid: str | None
    priority: int
    origin: str
    opted_out: bool
    blocked: bool


def choose(connection: WhatsAppConnection, settings: Pacing, ready: str, lease: Lease) -> UUID | None:
    """The campaign message that may leave a paced number now, marked as claimed; None when none may.

    ready: SQL condition of what waits and is due. What has to wait for its recipient's hours is put off until then.
    """
    found = _waiting(connection, ready)
    if not found:
        return None
    moment = now()
    past = pacing_settings.past_of(connection, settings, moment)
    if not pacing.decide(settings, past, moment).allowed:
        return None
    for key, phone, cold in found:
        person = Person(zones_of(phone, connection.business_profile.time_zone), cold)
        decision = pacing.decide(settings, past, moment, person)
        rows = Message.objects.filter(pk=key, status=Status.QUEUED, claim_epoch=0)
        if decision.allowed:
            if rows.update(claim_epoch=lease.epoch):
                return key
        else:
            rows.update(not_before=decision.not_before)
    return None


def _waiting(connection: WhatsAppConnection, ready: str) -> list[tuple[UUID, str | None, bool]]:
    """(message, number, never wrote) of the next campaign messages."""
    found = bulk.fetch(
        f"SELECT m.id FROM messages AS m WHERE {ready} AND m.priority >= %s "  # noqa: S608 - a constant
        "ORDER BY m.priority, m.id LIMIT %s",
        [connection.pk, Message.Priority.CAMPAIGN.value, LOOKED_AT],
    )
    if not found:
        return []
    rows = Message.objects.filter(pk__in=[bulk.as_uuid(key) for (key,) in found])
    columns = rows.order_by("priority", "pk").values_list("pk", "contact__phone_number", "metadata")
    return [(key, phone, bool(metadata.get(pacing_settings.COLD))) for key, phone, metadata in columns]


def seconds(connection: WhatsAppConnection, settings: Pacing, moment: datetime) -> float:
    """How long the number has to wait before any campaign message may leave; 0: it may now."""
    decision = whole_number(connection, settings, moment)
    if decision.allowed or decision.not_before is None:
        return 0.0
    return max((decision.not_before - moment).total_seconds(), 0.0)


def whole_number(connection: WhatsAppConnection, settings: Pacing, moment: datetime) -> Decision:
    """What pacing says of the number, whoever is next: for the runner, and for people who wonder why it waits."""
    past = pacing_settings.past_of(connection, settings, moment) if settings.enabled else Past()
    return pacing.decide(settings, past, moment)


def passed(connection: WhatsAppConnection, settings: Pacing, taken: Sequence[Taken]) -> list[Taken]:
    """Those that may be sent. The others are taken back, with the reason: their person has opted out, was blocked,
    or had another campaign's message in the last hours.
    """
    ours = [one for one in taken if one.origin == Message.Origin.CAMPAIGN]
    if not ours:
        return list(taken)
    reasons = {one.id: "opted_out" for one in ours if one.opted_out}
    reasons |= {one.id: "blocked" for one in ours if one.blocked and not one.opted_out}
    reasons |= _too_soon(connection, settings, [one for one in ours if one.id not in reasons])
    for reason in sorted(set(reasons.values())):
        _cancel([one.id for one in ours if reasons.get(one.id) == reason], reason)
    return [one for one in taken if one.id not in reasons]


def _too_soon(connection: WhatsAppConnection, settings: Pacing, taken: Sequence[Taken]) -> dict[UUID, str]:
    """Of one contact's campaign messages the first counts; one that a person sends again passes."""
    by_pace = [one for one in taken if one.priority >= Message.Priority.CAMPAIGN]
    if not settings.marketing_hours or not by_pace:
        return {}
    had = pacing_settings.had_campaign(
        connection.business_profile_id,
        {one.contact_id for one in by_pace},
        now() - timedelta(hours=settings.marketing_hours),
        [one.id for one in by_pace],
    )
    found = {}
    for one in by_pace:
        if one.contact_id in had:
            found[one.id] = "marketing_cap"
        had.add(one.contact_id)
    return found


def first(connection: WhatsAppConnection, messages: Collection[Message]) -> set[UUID]:
    """Of messages that are about to leave, those that no other campaign's message to the same person has overtaken
    since the claim. The others are taken back. Inside the transaction that begins them.

    Two numbers may have claimed a message for one person at the same moment. Here they wait for each other.
    """
    hours = pacing_settings.settings_of(connection).marketing_hours
    ours = [
        one
        for one in messages
        if one.origin == Message.Origin.CAMPAIGN and one.priority >= Message.Priority.CAMPAIGN
    ]
    keys = {one.pk for one in messages}
    if not hours or not ours:
        return keys
    _one_at_a_time({one.contact_id for one in ours})
    since = now() - timedelta(hours=hours)
    had = pacing_settings.had_campaign(
        connection.business_profile_id, {one.contact_id for one in ours}, since, keys
    )
    late = {one.pk for one in ours if one.contact_id in had}
    _cancel(late, "marketing_cap")
    return keys - late


def _one_at_a_time(contact_ids: Collection[UUID]) -> None:
    """Wait until nobody else begins a campaign's message to these people. SQLite has one writer anyway."""
    if database.vendor == "postgresql":
        bulk.fetch(
            "SELECT pg_advisory_xact_lock(%s, k) FROM unnest(%s::integer[]) AS k",
            [CAMPAIGNS, sorted({key.int & 0x7FFFFFFF for key in contact_ids})],
        )


def _cancel(message_ids: Collection[UUID], reason: str) -> None:
    """Cancel those of these that still wait."""
    if not message_ids:
        return
    rows = Message.objects.filter(pk__in=message_ids, status=Status.QUEUED)
    transitions.move(rows, Status.CANCELLED, error_code=reason, claim_epoch=0)

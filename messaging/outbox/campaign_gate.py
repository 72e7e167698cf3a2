"""Checks of campaign messages in the claim: pacing, consent, marketing cap.

Messages of people are not checked. A paced number claims one campaign message at a time.
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
"""Namespace of the advisory locks that serialise campaign messages to one contact."""
CANDIDATES = 20
"""Queued campaign messages that one claim checks at most."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A claimed message with what the checks need to know of its contact."""

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


def claim_next(connection: WhatsAppConnection, settings: Pacing, ready: str, lease: Lease) -> UUID | None:
    """Claim the campaign message that may leave a paced number now.

    Returns its id, or None. ready: SQL condition of queued messages that are due. Messages outside their recipient's
    hours are postponed.
    """
    candidates = _candidates(connection, ready)
    if not candidates:
        return None
    moment = now()
    past = pacing_settings.past_of(connection, settings, moment)
    if not pacing.decide(settings, past, moment).allowed:
        return None
    for key, phone, cold in candidates:
        person = Person(zones_of(phone, connection.business_profile.time_zone), cold)
        decision = pacing.decide(settings, past, moment, person)
        rows = Message.objects.filter(pk=key, status=Status.QUEUED, claim_epoch=0)
        if decision.allowed:
            if rows.update(claim_epoch=lease.epoch):
                return key
        else:
            rows.update(not_before=decision.not_before)
    return None


def _candidates(connection: WhatsAppConnection, ready: str) -> list[tuple[UUID, str | None, bool]]:
    """Return (message id, phone number, is cold) of the next campaign messages."""
    ids = bulk.fetch(
        f"SELECT m.id FROM messages AS m WHERE {ready} AND m.priority >= %s "  # noqa: S608 - a constant
        "ORDER BY m.priority, m.id LIMIT %s",
        [connection.pk, Message.Priority.CAMPAIGN.value, CANDIDATES],
    )
    if not ids:
        return []
    rows = Message.objects.filter(pk__in=[bulk.as_uuid(key) for (key,) in ids])
    columns = rows.order_by("priority", "pk").values_list("pk", "contact__phone_number", "metadata")
    return [(key, phone, bool(metadata.get(pacing_settings.COLD))) for key, phone, metadata in columns]


def seconds_until_open(connection: WhatsAppConnection, settings: Pacing, moment: datetime) -> float:
    """Return how long the number has to wait before any campaign message may leave."""
    decision = decision_for_number(connection, settings, moment)
    if decision.allowed or decision.not_before is None:
        return 0.0
    return max((decision.not_before - moment).total_seconds(), 0.0)


def decision_for_number(connection: WhatsAppConnection, settings: Pacing, moment: datetime) -> Decision:
    """Return the pacing decision for the number, independent of the recipient."""
    past = pacing_settings.past_of(connection, settings, moment) if settings.enabled else Past()
    return pacing.decide(settings, past, moment)


def permitted(connection: WhatsAppConnection, settings: Pacing, taken: Sequence[Taken]) -> list[Taken]:
    """Return the messages that may be sent. The others are cancelled, with the reason.

    Reasons: the contact opted out, was blocked, or had another campaign's message in the last hours.
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
    """Return message ids beyond the marketing cap.

    Messages retried by a person are exempt.
    """
    by_pace = [one for one in taken if one.priority >= Message.Priority.CAMPAIGN]
    if not settings.marketing_hours or not by_pace:
        return {}
    had = pacing_settings.had_campaign(
        connection.business_profile_id,
        {one.contact_id for one in by_pace},
        now() - timedelta(hours=settings.marketing_hours),
        [one.id for one in by_pace],
    )
    reasons = {}
    for message in by_pace:
        if message.contact_id in had:
            reasons[message.id] = "marketing_cap"
        had.add(message.contact_id)
    return reasons


def not_overtaken(connection: WhatsAppConnection, messages: Collection[Message]) -> set[UUID]:
    """Return the messages that no other campaign has overtaken; cancel the others.

    A message is overtaken if its contact was sent another campaign's message since the claim. Runs in the transaction
    that begins them. Two numbers that claimed a message for one contact wait for each other.
    """
    hours = pacing_settings.settings_of(connection).marketing_hours
    ours = [
        message
        for message in messages
        if message.origin == Message.Origin.CAMPAIGN and message.priority >= Message.Priority.CAMPAIGN
    ]
    keys = {one.pk for one in messages}
    if not hours or not ours:
        return keys
    _lock_contacts({one.contact_id for one in ours})
    since = now() - timedelta(hours=hours)
    had = pacing_settings.had_campaign(
        connection.business_profile_id, {one.contact_id for one in ours}, since, keys
    )
    late = {one.pk for one in ours if one.contact_id in had}
    _cancel(late, "marketing_cap")
    return keys - late


def _lock_contacts(contact_ids: Collection[UUID]) -> None:
    """Wait until no other transaction begins campaign messages to these contacts.

    SQLite has one writer.
    """
    if database.vendor == "postgresql":
        bulk.fetch(
            "SELECT pg_advisory_xact_lock(%s, k) FROM unnest(%s::integer[]) AS k",
            [CAMPAIGNS, sorted({key.int & 0x7FFFFFFF for key in contact_ids})],
        )


def _cancel(message_ids: Collection[UUID], reason: str) -> None:
    """Cancel those that are still queued."""
    if not message_ids:
        return
    rows = Message.objects.filter(pk__in=message_ids, status=Status.QUEUED)
    transitions.move(rows, Status.CANCELLED, error_code=reason, claim_epoch=0)

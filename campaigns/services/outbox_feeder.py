"""Outbox feeder: queue messages of pending recipients, a few at a time per number.

`feed` may run in several processes at once and be repeated: recipients are taken with SKIP LOCKED, and each makes one
message, because its id is the message's idempotency token. The campaign's status is checked last, with its row locked,
so that a concurrent pause either sees these messages or is seen here.
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
from campaigns.services.replies import METADATA_KEY
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
"""Messages of one campaign queued in the outbox of a number with pacing."""
AHEAD_UNPACED = 600
"""The same for a number without pacing: enough to keep it busy until the next run."""
SOON = timedelta(minutes=10)
"""Queued messages that wait for longer do not count against AHEAD."""
SCAN_LIMIT = 500
"""Recipients examined per number once the first ones had to be postponed."""
MAX_ROUNDS = 20


def feed(campaign_id: UUID) -> int:
    """Top up the outbox of every number of a sending campaign. Returns the number of queued messages."""
    queued, look = 0, 0
    for _ in range(MAX_ROUNDS):
        with transaction.atomic():
            count, more = _round(campaign_id, look)
        queued, look = queued + count, SCAN_LIMIT
        if not more:
            break
    return queued


def _round(campaign_id: UUID, look: int) -> tuple[int, bool]:
    """Run one transaction. Returns the number of queued messages, and whether to run another round."""
    campaign = Campaign.objects.select_related("business_profile", "media").filter(pk=campaign_id).first()
    if campaign is None or campaign.status != Campaign.Status.SENDING:
        return 0, False
    numbers = [number for number in audience.numbers_of(campaign) if assignment.usable(number)]
    if not numbers:
        transitions.pause_by_rule(campaign, Campaign.Reason.NO_NUMBER)
        return 0, False
    moment = now()
    waiting = CampaignRecipient.objects.filter(campaign=campaign, status=Status.PENDING)
    waiting.filter(due_at__lte=moment).update(due_at=None)
    capacities = {number.pk: _capacity(campaign, number, moment) for number in numbers}
    free = [number for number in numbers if capacities[number.pk] > 0]
    unassigned = assignment.assign_next(campaign, numbers, moment) if free else False
    queued, more = 0, False
    for number in free:
        count, others = _top_up(campaign, number, capacities[number.pk], look, moment)
        queued += count
        more |= count < capacities[number.pk] and (others or unassigned)
    if queued == 0:
        transitions.complete_drained([campaign.pk])
    return queued, more


def _capacity(campaign: Campaign, number: WhatsAppConnection, moment: datetime) -> int:
    soon = Q(message__not_before=None) | Q(message__not_before__lte=moment + SOON)
    on_hold = Q(message__not_before__gte=broadcasts.HELD)
    waiting = CampaignRecipient.objects.filter(
        soon | on_hold, campaign=campaign, connection=number, status=Status.QUEUED
    )
    ahead = AHEAD if pacing_settings.settings_of(number).enabled else AHEAD_UNPACED
    return ahead - waiting.order_by().count()


def _top_up(
    campaign: Campaign, number: WhatsAppConnection, room: int, look: int, moment: datetime
) -> tuple[int, bool]:
    """Queue up to `room` messages of one number, from at least `look` recipients.

    Returns the number of queued messages, and whether recipients before them were postponed or excluded.
    """
    settings = pacing_settings.settings_of(number)
    strangers = pacing_settings.new_chats_from(number, settings, moment) <= moment
    rows = _next(campaign, number, max(room, look), strangers=strangers)
    decisions = [_decide(campaign, settings, row, moment) for row in rows]
    _postpone([(decision.row.pk, decision.opens) for decision in decisions if decision.opens])
    _settle_undeliverable([decision for decision in decisions if decision.status])
    sendable = [decision for decision in decisions if not decision.status and not decision.opens][:room]
    if sendable:
        _enqueue(campaign, sendable)
    return len(sendable), any(decision.status or decision.opens for decision in decisions)


def _next(
    campaign: Campaign, number: WhatsAppConnection, limit: int, *, strangers: bool
) -> list[CampaignRecipient]:
    """Lock the next recipients, known contacts first. strangers: include contacts who never wrote."""
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
class _Decision:
    """Decision about a recipient: postpone until `opens`, settle as `status`, or queue until `last`."""

    row: CampaignRecipient
    opens: datetime | None = None
    status: str = ""
    reason: str = ""
    last: datetime | None = None


def _decide(campaign: Campaign, settings: Pacing, row: CampaignRecipient, moment: datetime) -> _Decision:
    person = row.contact
    if person is None:
        return _Decision(row, status=Status.SKIPPED, reason=Reason.NO_WHATSAPP)
    if person.opted_out_at or person.blocked_at:
        reason = Reason.OPTED_OUT if person.opted_out_at else Reason.BLOCKED
        return _Decision(row, status=Status.SKIPPED, reason=reason)
    zones = zones_of(person.phone_number, campaign.business_profile.time_zone)
    _, last = assignment.local_window(campaign, settings, zones)
    opens = pacing.next_open(settings, moment, zones) if settings.has_window else moment
    if last is not None and opens >= last:
        return _Decision(row, status=Status.EXPIRED, reason="too_late")
    return _Decision(row, opens=opens if opens > moment else None, last=last)


def _postpone(rows: Sequence[tuple[UUID, datetime]]) -> None:
    bulk.update_each(
        {"key": "uuid", "due": "timestamptz"},
        sorted(rows),
        "UPDATE campaign_recipients AS r SET due_at = v.due FROM v WHERE r.id = v.key",
    )


def _settle_undeliverable(decisions: Sequence[_Decision]) -> None:
    by_end: dict[tuple[str, str], list[CampaignRecipient]] = defaultdict(list)
    for decision in decisions:
        by_end[(decision.status, decision.reason)].append(decision.row)
    for (status, reason), rows in sorted(by_end.items()):
        transitions.complete_drained(
            recipient_states.settle(sorted(rows, key=lambda row: row.pk), status, reason).drained
        )


# -- messages ----------------------------------------------------------------------------------------------------------


def _enqueue(campaign: Campaign, decisions: Sequence[_Decision]) -> None:
    cold = pacing_settings.cold_contacts(
        [decision.row.contact_id for decision in decisions if decision.row.contact_id]
    )
    known = known_variables(campaign)
    messages = [_message(campaign, decision, known, cold) for decision in decisions]
    message_ids = broadcasts.enqueue_all(campaign.business_profile, messages, campaign.media)
    changes = sorted((decision.row.pk, message_ids[token_of(decision.row.pk)]) for decision in decisions)
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
    """Return the idempotency token of a recipient's message."""
    return f"campaign:{recipient_id.hex}"


def known_variables(campaign: Campaign) -> set[str]:
    """Return the variables of this business's texts: built-in ones and custom fields."""
    fields = CustomField.objects.filter(business_profile_id=campaign.business_profile_id)
    return {*texts.BUILT_IN, *fields.values_list("key", flat=True)}


def _message(
    campaign: Campaign, decision: _Decision, known: set[str], cold: set[UUID]
) -> broadcasts.CampaignMessage:
    row = decision.row
    assert row.contact is not None
    assert row.contact_id is not None
    assert row.connection_id is not None
    values = texts.values_of(row.contact, campaign.business_profile.business_name)
    mark = {METADATA_KEY: {"id": str(campaign.pk), "name": campaign.name}}
    return broadcasts.CampaignMessage(
        contact_id=row.contact_id,
        connection_id=row.connection_id,
        text=texts.render(_text_of(campaign, row.variant), values, known),
        token=token_of(row.pk),
        expires_at=decision.last,
        metadata=mark | ({pacing_settings.COLD: True} if row.contact_id in cold else {}),
    )


def _text_of(campaign: Campaign, variant_key: str) -> str:
    texts_of_key = (str(variant["content"]) for variant in campaign.variants if variant["key"] == variant_key)
    return next(texts_of_key, campaign.message_content)


# -- what went wrong with a number -------------------------------------------------------------------------------------


def recover(campaign_id: UUID) -> int:
    """Handle recipients of deleted and banned numbers. Returns the number of changed recipients.

    Messages deleted with their number count as failed, queued messages of a banned number are cancelled, and pending
    recipients of both are reassigned to the other numbers.
    """
    changed = _settle_lost(campaign_id)
    campaign = Campaign.objects.select_related("business_profile").filter(pk=campaign_id).first()
    if campaign is None or campaign.status != Campaign.Status.SENDING:
        return changed
    numbers = audience.numbers_of(campaign)
    usable = [number for number in numbers if assignment.usable(number)]
    banned = CampaignRecipient.objects.filter(
        campaign=campaign,
        status=Status.QUEUED,
        connection__in=[number.pk for number in numbers if number not in usable],
    )
    changed += broadcasts.cancel(
        [key for key in banned.values_list("message_id", flat=True) if key], "number_banned"
    )
    while usable:
        with transaction.atomic():
            count = assignment.reassign(campaign, usable, now())
        changed += count
        if not count:
            break
    return changed


def _settle_lost(campaign_id: UUID) -> int:
    queued = CampaignRecipient.objects.filter(campaign_id=campaign_id, status=Status.QUEUED)
    known = set(Message.objects.filter(pk__in=queued.values("message_id")).values_list("pk", flat=True))
    with transaction.atomic():
        rows = [
            row for row in queued.select_for_update(no_key=True).order_by("pk") if row.message_id not in known
        ]
        if rows:
            transitions.complete_drained(
                recipient_states.settle(rows, Status.FAILED, "number_deleted").drained
            )
    return len(rows)

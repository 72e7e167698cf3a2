"""What people do after a campaign's message: they answer, or they opt out. Inside the transaction of what they did."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from django.db.models import Q

from campaigns.models import Campaign, CampaignPerson, CampaignRecipient
from campaigns.services import auto_pause, recipient_states, transitions
from contacts.events import ContactOptedOut, ContactsMerged
from core.clock import now
from core.db import bulk
from messaging.events import MessageReceived
from messaging.models import Message
from messaging.outbox import broadcasts

Status = CampaignRecipient.Status
MARK = "campaign"
"""Key in the metadata of a campaign's messages and of the answers to them: {"id", "name"}."""

_LATEST = """
SELECT r.id, r.contact_id FROM campaign_recipients AS r
WHERE r.contact_id {among} AND r.sent_at IS NOT NULL AND r.sent_at >= %s ORDER BY r.sent_at DESC
"""


def on_received(batch: Sequence[MessageReceived]) -> None:
    """The first message after a campaign's is its answer: noted in the ledger, and marked in the inbox."""
    first = {event.contact_id: event for event in reversed(batch) if not event.backfilled}
    lines = _latest_lines(first)
    if not lines:
        return
    rows = [row for row in recipient_states.locked(Q(pk__in=lines.values())) if row.replied_at is None]
    before, moment = {row.pk: recipient_states.figures(row) for row in rows}, now()
    for row in rows:
        row.replied_at = moment
    recipient_states.write(rows, before)
    _mark({first[row.contact_id].message_id: row.campaign_id for row in rows if row.contact_id in first})


def _mark(answers: dict[UUID, UUID]) -> None:
    """Write on each answer which campaign it answers."""
    if not answers:
        return
    names = dict(Campaign.objects.filter(pk__in=set(answers.values())).values_list("pk", "name"))
    messages = list(Message.objects.filter(pk__in=answers))
    for message in messages:
        campaign_id = answers[message.pk]
        mark = {"id": str(campaign_id), "name": names.get(campaign_id, ""), "answer": True}
        message.metadata = {**(message.metadata or {}), MARK: mark}
    Message.objects.bulk_update(messages, ["metadata"])


def on_opted_out(batch: Sequence[ContactOptedOut]) -> None:
    """They get nothing more of any campaign, and the one that they had last is told that it was the reason."""
    contact_ids = {event.contact_id for event in batch if event.how == "message"}
    lines = _latest_lines(contact_ids)
    rows = (
        [row for row in recipient_states.locked(Q(pk__in=lines.values())) if row.opted_out_at is None]
        if lines
        else []
    )
    before, moment = {row.pk: recipient_states.figures(row) for row in rows}, now()
    for row in rows:
        row.opted_out_at = moment
    if rows:
        auto_pause.after_opt_outs(recipient_states.write(rows, before))
    take_out({event.contact_id for event in batch}, CampaignRecipient.Reason.OPTED_OUT)


def take_out(contact_ids: Collection[UUID], reason: str) -> None:
    """Leave these people out of every running campaign; what waits for them in the outbox is taken back."""
    running = Q(campaign__status__in=[Campaign.Status.SENDING, Campaign.Status.PAUSED])
    open_lines = CampaignRecipient.objects.filter(
        running, contact_id__in=list(contact_ids), status__in=recipient_states.OPEN
    ).values_list("pk", "message_id")
    found = list(open_lines)
    if not found:
        return
    broadcasts.cancel([message_id for _, message_id in found if message_id], reason)
    waiting = [key for key, message_id in found if not message_id]
    rows = [row for row in recipient_states.locked(Q(pk__in=waiting)) if row.status == Status.PENDING]
    transitions.finish(recipient_states.settle(rows, Status.SKIPPED, reason).emptied)


def on_merged(batch: Sequence[ContactsMerged]) -> None:
    """The one who stays takes over the other's lines and places on lists.

    Where both have a line, the one that went further is theirs.
    """
    for event in batch:
        theirs = set(
            CampaignRecipient.objects.filter(contact_id=event.contact_id).values_list(
                "campaign_id", flat=True
            )
        )
        listed = CampaignPerson.objects.filter(contact_id=event.contact_id).values("campaign_id")
        CampaignPerson.objects.filter(contact_id=event.lost_id).exclude(campaign_id__in=listed).update(
            contact_id=event.contact_id
        )
        lost = CampaignRecipient.objects.filter(contact_id=event.lost_id)
        lost.exclude(campaign_id__in=theirs).update(contact_id=event.contact_id)
        twice = [
            row
            for row in recipient_states.locked(Q(contact_id=event.lost_id))
            if row.status in recipient_states.OPEN
        ]
        broadcasts.cancel([row.message_id for row in twice if row.message_id], "duplicate")
        rows = [
            row
            for row in recipient_states.locked(Q(pk__in=[row.pk for row in twice]))
            if row.status in recipient_states.OPEN
        ]
        recipient_states.settle(rows, Status.SKIPPED, CampaignRecipient.Reason.DUPLICATE)


def _latest_lines(contact_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """contact -> their newest line with a message that left within ANSWERS; one query."""
    if not contact_ids:
        return {}
    ids = list(contact_ids)
    since = now() - recipient_states.ANSWERS
    among = "IN (" + ", ".join("%s" for _ in ids) + ")"
    rows = bulk.fetch(_LATEST.format(among=among), [*ids, since])
    found: dict[UUID, UUID] = {}
    for key, contact_id in rows:
        found.setdefault(bulk.as_uuid(contact_id), bulk.as_uuid(key))
    return found

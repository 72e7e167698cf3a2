"""Effects of replies, opt-outs, blocks and merges on recipients, in the transaction that caused them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta
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
METADATA_KEY = "campaign"
"""Key in the metadata of a campaign's messages and of the replies to them: {"id", "name"}."""
REPLY_WINDOW = timedelta(days=7)
"""An inbound message this soon after a campaign's message counts as a reply to it."""

_LATEST = """
SELECT r.id, r.contact_id FROM campaign_recipients AS r
WHERE r.contact_id {among} AND r.sent_at IS NOT NULL AND r.sent_at >= %s ORDER BY r.sent_at DESC
"""


def on_received(batch: Sequence[MessageReceived]) -> None:
    """Record the first message after a campaign's as its reply, in recipient and message."""
    first = {event.contact_id: event for event in reversed(batch) if not event.backfilled}
    recipient_ids = _latest_recipients(first)
    if not recipient_ids:
        return
    rows = [
        row
        for row in recipient_states.lock_recipients(Q(pk__in=recipient_ids.values()))
        if row.replied_at is None
    ]
    before, moment = {row.pk: recipient_states.counter_values(row) for row in rows}, now()
    for row in rows:
        row.replied_at = moment
    recipient_states.save_changes(rows, before)
    _mark_replies(
        {first[row.contact_id].message_id: row.campaign_id for row in rows if row.contact_id in first}
    )


def _mark_replies(answers: dict[UUID, UUID]) -> None:
    """Store in each reply's metadata which campaign it answers."""
    if not answers:
        return
    names = dict(Campaign.objects.filter(pk__in=set(answers.values())).values_list("pk", "name"))
    messages = list(Message.objects.filter(pk__in=answers))
    for message in messages:
        campaign_id = answers[message.pk]
        mark = {"id": str(campaign_id), "name": names.get(campaign_id, ""), "answer": True}
        message.metadata = {**(message.metadata or {}), METADATA_KEY: mark}
    Message.objects.bulk_update(messages, ["metadata"])


def on_opted_out(batch: Sequence[ContactOptedOut]) -> None:
    """Record opt-outs for the latest campaign and exclude the contacts from running ones."""
    contact_ids = {event.contact_id for event in batch if event.how == "message"}
    recipient_ids = _latest_recipients(contact_ids)
    rows = (
        [
            row
            for row in recipient_states.lock_recipients(Q(pk__in=recipient_ids.values()))
            if row.opted_out_at is None
        ]
        if recipient_ids
        else []
    )
    before, moment = {row.pk: recipient_states.counter_values(row) for row in rows}, now()
    for row in rows:
        row.opted_out_at = moment
    if rows:
        auto_pause.after_opt_outs(recipient_states.save_changes(rows, before))
    exclude_contacts({event.contact_id for event in batch}, CampaignRecipient.Reason.OPTED_OUT)


def exclude_contacts(contact_ids: Collection[UUID], reason: str) -> None:
    """Skip the contacts' open recipients in running campaigns and cancel their queued messages."""
    running = Q(campaign__status__in=[Campaign.Status.SENDING, Campaign.Status.PAUSED])
    open_recipients = CampaignRecipient.objects.filter(
        running, contact_id__in=list(contact_ids), status__in=recipient_states.OPEN
    ).values_list("pk", "message_id")
    open_rows = list(open_recipients)
    if not open_rows:
        return
    broadcasts.cancel([message_id for _, message_id in open_rows if message_id], reason)
    waiting = [key for key, message_id in open_rows if not message_id]
    rows = [
        row for row in recipient_states.lock_recipients(Q(pk__in=waiting)) if row.status == Status.PENDING
    ]
    transitions.complete_drained(recipient_states.settle(rows, Status.SKIPPED, reason).drained)


def on_merged(batch: Sequence[ContactsMerged]) -> None:
    """Move recipients and list entries to the surviving contact.

    If both contacts are recipients of a campaign, the open one of the merged contact is skipped as a duplicate.
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
            for row in recipient_states.lock_recipients(Q(contact_id=event.lost_id))
            if row.status in recipient_states.OPEN
        ]
        broadcasts.cancel([row.message_id for row in twice if row.message_id], "duplicate")
        rows = [
            row
            for row in recipient_states.lock_recipients(Q(pk__in=[row.pk for row in twice]))
            if row.status in recipient_states.OPEN
        ]
        recipient_states.settle(rows, Status.SKIPPED, CampaignRecipient.Reason.DUPLICATE)


def _latest_recipients(contact_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Map contacts to their latest recipient that was sent to within REPLY_WINDOW; one query."""
    if not contact_ids:
        return {}
    ids = list(contact_ids)
    since = now() - REPLY_WINDOW
    among = "IN (" + ", ".join("%s" for _ in ids) + ")"
    rows = bulk.fetch(_LATEST.format(among=among), [*ids, since])
    latest: dict[UUID, UUID] = {}
    for key, contact_id in rows:
        latest.setdefault(bulk.as_uuid(contact_id), bulk.as_uuid(key))
    return latest

"""From the launch to the last recipient: the freeze, the outbox, the ledger, pause, resume and cancel."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from campaigns.models import Campaign, CampaignRecipient
from campaigns.services import lifecycle, outbox_feeder, recipient_states, transitions
from connections.drivers.base import AckLevel, Chat
from core.clock import now
from core.errors import Conflict, InvalidInput
from messaging.inbound import receiver
from messaging.models import Message
from messaging.outbox import dispatch
from messaging.outbox.types import Refused
from tests import factories
from tests.campaigns.conftest import launched, send, send_all
from tests.campaigns.counters import counters_of, recount
from tests.messaging.helpers import ack, begin_one, hello

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=False)]


def counted(campaign: Campaign) -> dict[str, int]:
    """The counters, after making sure that they say what the rows say, also by number and variant."""
    campaign.refresh_from_db()
    told = counters_of(campaign)
    assert told == recount(campaign)
    for tally in campaign.tallies.exclude(connection=None):
        rows = campaign.recipients.filter(connection_id=tally.connection_id, variant=tally.variant)
        figures = [recipient_states.counter_values(row) for row in rows] or [
            (0,) * len(recipient_states.COUNTERS)
        ]
        assert list(counters_of(tally).values()) == [sum(column) for column in zip(*figures, strict=True)]
    return told


def test_everybody_gets_it_once_and_the_campaign_completes(draft, crowd, lease):
    campaign = launched(draft())
    assert (campaign.status, campaign.total_recipients, campaign.open_count) == ("sending", 30, 30)

    gone = send_all(campaign, lease)

    assert sorted(message.content for message in gone) == [f"Hello Person {n:02d}" for n in range(1, 31)]
    assert campaign.status == "completed"
    assert counted(campaign)["sent_count"] == 30
    assert outbox_feeder.feed(campaign.pk) == 0
    assert dispatch.claim(lease, 10) == []


def test_the_freeze_is_one_statement_and_says_why_somebody_is_left_out(draft, crowd, business):
    crowd[0].opted_out_at = crowd[1].blocked_at = now()
    crowd[0].save()
    crowd[1].save()
    factories.ContactFactory(business_profile=business, phone_number=None, name="No number")
    campaign = draft()

    with CaptureQueriesContext(database) as captured:
        launched(campaign, feed=False)

    inserts = [
        one["sql"] for one in captured.captured_queries if "INSERT INTO campaign_recipients" in one["sql"]
    ]
    assert len(inserts) == 1
    reasons = dict(CampaignRecipient.objects.exclude(reason="").values_list("contact__name", "reason"))
    assert reasons == {"Person 01": "opted_out", "Person 02": "blocked", "No number": "no_whatsapp"}
    assert (campaign.total_recipients, counted(campaign)["skipped_count"]) == (28, 3)


def test_a_second_launch_is_told_that_it_was_started(draft, crowd, business, owner):
    campaign = draft()
    same = Campaign.objects.select_related("business_profile").get(pk=campaign.pk)
    lifecycle.launch(business, campaign, owner)

    with pytest.raises(Conflict) as told:
        lifecycle.launch(business, same, owner)

    assert told.value.code == "already_started"
    assert CampaignRecipient.objects.count() == 30


def test_nobody_to_send_to_changes_nothing(draft, business, owner):
    campaign = draft()
    with pytest.raises(InvalidInput) as told:
        lifecycle.launch(business, campaign, owner)
    campaign.refresh_from_db()
    assert (told.value.code, campaign.status) == ("nobody", "draft")


def test_only_a_short_stretch_is_in_the_outbox(draft, crowd, lease, monkeypatch):
    monkeypatch.setattr(outbox_feeder, "AHEAD_UNPACED", 8)
    campaign = launched(draft())
    assert Message.objects.filter(status="queued").count() == 8
    outbox_feeder.feed(campaign.pk)
    assert Message.objects.filter(status="queued").count() == 8

    send(lease, 5)
    outbox_feeder.feed(campaign.pk)

    assert Message.objects.filter(status="queued").count() == 8


@pytest.mark.django_db(transaction=True)
def test_a_pause_counts_from_the_next_message_on_and_a_resume_doubles_nothing(
    draft, crowd, lease, business, owner
):
    campaign = launched(draft())
    send(lease, 4)
    claimed = dispatch.claim(lease, 3)
    lifecycle.pause(business, campaign, owner)

    assert [begin_one(lease, one, "X") for one in claimed] == [None, None, None]
    assert send(lease) == []
    assert outbox_feeder.feed(campaign.pk) == 0
    assert dispatch.seconds_until_due(lease) is None or dispatch.seconds_until_due(lease) > 3600

    lifecycle.resume(business, campaign, owner)
    send_all(campaign, lease)

    assert campaign.status == "completed"
    assert Message.objects.filter(origin="campaign").count() == 30
    assert counted(campaign)["sent_count"] == 30


@pytest.mark.django_db(transaction=True)
def test_a_cancelled_campaign_takes_back_what_waits(
    draft, crowd, lease, business, owner, no_worker, monkeypatch
):
    monkeypatch.setattr(outbox_feeder, "AHEAD_UNPACED", 8)
    campaign = launched(draft())
    send(lease, 3)
    lifecycle.cancel(business, campaign, owner)
    assert ("campaigns.tasks.close", str(campaign.pk)) in no_worker
    transitions.cancel_pending(campaign.pk)

    assert send(lease) == []
    told = counted(campaign)
    assert (told["sent_count"], told["cancelled_count"], told["open_count"]) == (3, 27, 0)


def test_receipts_reach_the_ledger_in_any_order(draft, crowd, lease):
    campaign = launched(draft())
    first, second, *_ = send(lease, 10)
    receiver.receive(lease, [ack(f"OUT{first.pk.hex.upper()}", AckLevel.READ)])
    receiver.receive(lease, [ack(f"OUT{first.pk.hex.upper()}", AckLevel.DELIVERED)])
    receiver.receive(lease, [ack(f"OUT{second.pk.hex.upper()}", AckLevel.DELIVERED)])

    told = counted(campaign)
    assert (told["sent_count"], told["delivered_count"], told["read_count"]) == (10, 2, 1)


def test_the_first_answer_is_noted_and_marked(draft, crowd, lease, business):
    campaign = launched(draft())
    send_all(campaign, lease)
    chat = Chat(phone="+9993000000001")
    receiver.receive(lease, [hello("IN1", chat, "Yes please")])
    receiver.receive(lease, [hello("IN2", chat, "And another")])

    assert counted(campaign)["replied_count"] == 1
    marks = dict(Message.objects.filter(direction="inbound").values_list("content", "metadata"))
    assert marks["Yes please"]["campaign"]["name"] == "Spring"
    assert "campaign" not in marks["And another"]


def test_three_failures_in_a_row_pause_it_and_a_person_can_go_on(draft, crowd, lease, business, owner):
    campaign = launched(draft())
    send(lease, 2)
    send(lease, 3, lambda message: Refused("refused", "No."))
    campaign.refresh_from_db()
    assert (campaign.status, campaign.status_reason) == ("paused", "failures")

    lifecycle.resume(business, campaign, owner)
    outbox_feeder.feed(campaign.pk)
    transitions.sync_outbox(campaign.pk)
    send(lease, 1, lambda message: Refused("refused", "No."))

    campaign.refresh_from_db()
    assert campaign.status == "sending"
    assert counted(campaign)["failed_count"] == 4


def test_failed_ones_are_retried_under_their_own_ids(draft, crowd, lease, business, owner):
    campaign = launched(draft())
    (failed,) = send(lease, 1, lambda message: Refused("refused"))
    send_all(campaign, lease)
    assert (campaign.status, counted(campaign)["failed_count"]) == ("completed", 1)

    assert lifecycle.retry_failed(business, campaign, owner) == 1
    send_all(campaign, lease)

    failed.refresh_from_db()
    assert failed.status == "sent"
    assert (campaign.status, counted(campaign)["sent_count"]) == ("completed", 30)
    assert Message.objects.filter(origin="campaign").count() == 30


def test_what_may_have_arrived_is_never_sent_again_by_itself(draft, crowd, lease, business, owner):
    campaign = launched(draft())
    (one, *_) = send(lease, 1)
    Message.objects.filter(pk=one.pk).update(status="sending", sent_at=None)
    CampaignRecipient.objects.filter(message=one).update(status="queued", sent_at=None, settled_at=None)
    Campaign.objects.filter(pk=campaign.pk).update(sent_count=0, open_count=30)
    campaign.tallies.update(sent_count=0, open_count=30)
    (flying,) = dispatch.in_flight(lease)
    long_ago = replace(flying, since=now() - timedelta(hours=1))
    dispatch.reconcile(lease, long_ago, None)

    send_all(campaign, lease)
    assert (campaign.status, counted(campaign)["unknown_count"]) == ("completed", 1)
    with pytest.raises(Conflict):
        lifecycle.retry_failed(business, campaign, owner)

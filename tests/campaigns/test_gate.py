"""The claim: pace, consent and the one-a-day rule are looked at again when a message is about to leave."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns.models import CampaignRecipient
from campaigns.services import outbox_feeder
from connections.drivers.base import Chat
from contacts.models import ConsentProof
from contacts.services.contacts import block
from contacts.services.contacts import create as create_contact
from contacts.services.contacts import delete as delete_contact
from core.clock import now
from messaging.inbound import receiver
from messaging.models import Message
from messaging.outbox import dispatch, pacing_settings
from tests.campaigns.conftest import launched, send, send_all
from tests.campaigns.test_run import counted
from tests.messaging.helpers import hello, queue

pytestmark = pytest.mark.services("messaging.outbox.campaign_gate")

PACED = {
    "enabled": True,
    "window_enabled": False,
    "warm_up": (),
    "gap_min": 30,
    "gap_max": 60,
    "marketing_hours": 0,
}
CHAT = Chat(phone="+9993000000030")


@pytest.fixture
def paced(number, business):
    pacing_settings.change(business, number, None, PACED)
    return number


def test_a_paced_number_lets_one_campaign_message_through_and_then_waits(draft, crowd, paced, lease):
    launched(draft())
    assert len(dispatch.claim(lease, 10)) == 1
    Message.objects.filter(claim_epoch__gt=0).update(claim_epoch=0)
    assert len(send(lease)) == 1
    assert send(lease) == []
    assert 25 < dispatch.seconds_until_due(lease) <= 60


def test_a_reply_is_never_held_back_by_the_pace(draft, crowd, paced, lease, conversation):
    launched(draft())
    send(lease)
    queue(conversation, "A person answers")
    assert dispatch.seconds_until_due(lease) == 0
    assert [message.content for message in send(lease)] == ["A person answers"]


def test_outside_the_window_a_message_waits_for_it_to_open(draft, crowd, paced, lease, business):
    campaign = launched(draft())
    local = now().hour * 60 + now().minute
    start = (local + 120) % 1200
    pacing_settings.change(
        business, paced, None, {"window_enabled": True, "window_start": start, "window_end": start + 60}
    )

    assert send(lease) == []
    waits = set(Message.objects.filter(status="queued").values_list("not_before", flat=True))
    assert None not in waits
    assert dispatch.seconds_until_due(lease) > 60
    assert counted(campaign)["sent_count"] == 0


@pytest.mark.parametrize("back", ["typed", "imported"])
def test_a_stop_between_two_messages_keeps_its_author_out_and_still_does_after_they_come_back(
    draft, crowd, lease, business, owner, back
):
    campaign = launched(draft())
    written_to = {message.contact_id for message in send(lease, 5)}
    leaver = next(one for one in crowd if one.pk not in written_to)
    receiver.receive(lease, [hello("STOP1", Chat(phone=leaver.phone_number), "Stop")])

    rest = send_all(campaign, lease)

    assert leaver.pk not in {message.contact_id for message in rest}
    line = CampaignRecipient.objects.get(campaign=campaign, contact=leaver)
    assert (line.status, line.reason) == ("skipped", "opted_out")
    assert counted(campaign)["sent_count"] == 29
    proof = ConsentProof.objects.get(contact=leaver)
    assert (proof.kind, proof.how) == ("opt_out", "message")
    assert Message.objects.get(pk=proof.message_id).content == "Stop"
    delete_contact(business, [leaver.pk], owner)
    if back == "typed":
        create_contact(business, owner, phone_number=leaver.phone_number)
        second = draft(name="Summer")
    else:
        second = draft(name="Summer", numbers=[leaver.phone_number, "+9993000009999"])
    lines = launched(second).recipients.values_list("contact__phone_number", "status", "reason")
    assert (leaver.phone_number, "skipped", "opted_out") in lines
    assert second.total_recipients == (29 if back == "typed" else 1)


def test_somebody_who_asks_to_stop_after_it_is_counted_as_lost_by_it(draft, crowd, lease):
    campaign = launched(draft())
    got_it = send(lease, 5)[0].contact
    receiver.receive(lease, [hello("STOP1", Chat(phone=got_it.phone_number), "unsubscribe")])
    line = CampaignRecipient.objects.get(campaign=campaign, contact=got_it)
    assert (line.status, line.opted_out_at is not None) == ("sent", True)
    assert counted(campaign)["opted_out_count"] == 1


def test_somebody_who_is_blocked_between_two_messages_is_left_out(draft, crowd, lease, business, owner):
    campaign = launched(draft())
    written_to = {message.contact_id for message in send(lease, 5)}
    leaver = next(one for one in crowd if one.pk not in written_to)
    block(business, [leaver.pk], owner)
    send_all(campaign, lease)
    line = CampaignRecipient.objects.get(campaign=campaign, contact=leaver)
    assert (line.status, line.reason) == ("skipped", "blocked")
    assert counted(campaign)["sent_count"] == 29


def test_an_opt_out_that_nobody_announced_is_seen_in_the_claim(draft, crowd, lease):
    campaign = launched(draft())
    type(crowd[0]).objects.filter(pk=crowd[0].pk).update(opted_out_at=now())

    send_all(campaign, lease)

    line = CampaignRecipient.objects.get(contact=crowd[0])
    assert (line.status, line.reason, line.message.status) == ("skipped", "opted_out", "cancelled")
    assert counted(campaign)["skipped_count"] == 1


def test_one_contact_gets_one_campaign_message_in_24_hours(draft, crowd, number, lease, business):
    pacing_settings.change(business, number, None, {"marketing_hours": 24})
    first, second = launched(draft(), feed=False), launched(draft(name="Summer"), feed=False)
    send_all(first, lease)
    send_all(second, lease)

    assert counted(first)["sent_count"] == 30
    assert counted(second)["sent_count"] == 0
    assert set(CampaignRecipient.objects.filter(campaign=second).values_list("reason", flat=True)) == {
        "marketing_cap"
    }


def test_people_who_never_wrote_have_their_own_smaller_budget(draft, crowd, paced, lease, business):
    pacing_settings.change(
        business, paced, None, {"cold_daily": 2, "gap_min": 0, "gap_max": 0, "burst": 100, "hourly": 10000}
    )
    receiver.receive(lease, [hello("IN1", CHAT)])
    campaign = launched(draft())
    for _ in range(10):
        outbox_feeder.feed(campaign.pk)
        send(lease)

    sent = Message.objects.filter(origin="campaign", status="sent")
    assert sum(bool(message.metadata.get("cold")) for message in sent) == 2
    assert Message.objects.filter(status="queued", not_before__gt=now() + timedelta(hours=23)).exists()

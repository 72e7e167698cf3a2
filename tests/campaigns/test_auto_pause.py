"""When a campaign stops by itself, what it says then, and how it goes on."""

from __future__ import annotations

import pytest

from campaigns import reason_labels
from campaigns.models import Campaign, CampaignRecipient
from campaigns.services import auto_pause, lifecycle, scheduling, transitions
from connections.drivers.base import Chat, Phase, State
from connections.models import WhatsAppConnection
from connections.services import sessions
from messaging.inbound import receiver
from messaging.models import Message
from messaging.outbox.types import Refused, TryAgain
from tests import factories
from tests.campaigns.conftest import launched, send, send_all
from tests.campaigns.test_run import counted
from tests.messaging.helpers import hello

pytestmark = pytest.mark.services


def not_there(message: Message) -> Refused:
    return Refused("not_on_whatsapp")


def state_of(campaign: Campaign) -> tuple[str, str]:
    campaign.refresh_from_db()
    return campaign.status, campaign.status_reason


@pytest.fixture
def many(business):
    """Sixty contacts."""
    return [
        factories.ContactFactory(business_profile=business, phone_number=f"+999300000{n:04d}")
        for n in range(60)
    ]


def test_failures_of_a_number_count_over_all_campaigns_and_stop_each_of_them(draft, crowd, lease):
    first, second, untouched = (
        launched(draft()),
        launched(draft(name="Summer")),
        launched(draft(name="Autumn")),
    )
    lifecycle.pause(untouched.business_profile, untouched, None)
    transitions.sync_outbox(untouched.pk)
    owners = [str(one.pk) for one in (first, second)]
    queued = Message.objects.filter(status="queued").order_by("pk")
    for number, message in enumerate(queued):  # so that they take turns
        Message.objects.filter(pk=message.pk).update(priority=20 if number < 2 or number in (30, 31) else 21)
    gone = send(lease, 4, lambda message: Refused("refused"))

    assert {message.metadata["campaign"]["id"] for message in gone} == set(owners)
    assert state_of(first) == state_of(second) == ("paused", "failures")
    assert state_of(untouched) == ("paused", "person")


def test_one_that_got_through_in_between_is_no_row_of_failures(draft, crowd, lease):
    campaign = launched(draft())
    for _ in range(4):
        send(lease, 2, lambda message: Refused("refused"))
        send(lease, 1)
    assert state_of(campaign) == ("sending", "")


def test_people_who_could_not_be_looked_up_make_no_bad_list_and_are_not_left_out_later(draft, many, lease):
    campaign = launched(draft())
    send(lease, 30, lambda message: TryAgain("lookup_failed", retry_after=3600))
    assert state_of(campaign) == ("sending", "")
    assert not Message.objects.filter(status="failed").exists()
    send(lease, 3, lambda message: Refused("lookup_failed"))  # given up after the last try
    assert auto_pause.not_on_whatsapp(campaign) == 0
    assert state_of(campaign) == ("paused", "failures")
    assert not CampaignRecipient.objects.filter(reason="not_on_whatsapp").exists()


def test_a_list_with_many_who_are_not_on_whatsapp_stops_it_and_a_resume_counts_afresh(
    draft, many, lease, owner
):
    campaign = launched(draft())
    send(lease, 18)
    send(lease, 1, not_there)
    assert state_of(campaign) == ("sending", "")  # 1 of 19, and so few say little
    send(lease, 1, not_there)
    assert state_of(campaign) == ("paused", "not_on_whatsapp")

    lifecycle.resume(campaign.business_profile, campaign, owner)
    transitions.sync_outbox(campaign.pk)
    send(lease, 1, not_there)
    send(lease, 17)
    assert state_of(campaign) == ("sending", "")
    send(lease, 2, not_there)
    assert state_of(campaign) == ("paused", "not_on_whatsapp")
    counted(campaign)


def test_people_who_are_not_on_whatsapp_are_left_out_of_the_next_campaign(draft, crowd, lease):
    first = launched(draft())
    send(lease, 1, not_there)
    send_all(first, lease)
    second = launched(draft(name="Summer"))
    assert list(second.recipients.filter(status="skipped").values_list("reason", flat=True)) == [
        "no_whatsapp"
    ]


def test_too_many_opt_outs_stop_it(draft, many, lease):
    campaign = launched(draft())
    gone = send(lease, 50)
    for number, message in enumerate(gone[:2]):
        assert state_of(campaign) == ("sending", "")
        receiver.receive(lease, [hello(f"STOP{number}", Chat(phone=message.contact.phone_number), "STOP")])
    assert counted(campaign)["opted_out_count"] == 2
    assert state_of(campaign) == ("paused", "opt_outs")


@pytest.mark.parametrize("reason", ["limited", "banned"])
@pytest.mark.django_db(transaction=True)
def test_a_number_that_whatsapp_limits_or_bans_stops_its_campaigns_at_the_next_message(
    draft, crowd, lease, number, business, reason
):
    campaign = launched(draft())
    other = factories.ConnectionFactory(
        business_profile=business, phone_number="+9991000000009", settings=number.settings
    )
    elsewhere = launched(draft(name="Elsewhere", connections=[other]))
    send(lease, 2)
    if reason == "banned":
        sessions.ended(lease, reason, "")
    else:
        sessions.report_state(lease, State(Phase.READY, degraded=reason))
    assert state_of(campaign) == ("paused", reason)
    assert state_of(elsewhere)[0] == "sending"
    assert send(lease) == []


def test_a_retry_of_failed_ones_after_such_a_stop_counts_afresh(draft, many, lease, owner):
    campaign = launched(draft())
    send(lease, 18)
    send(lease, 1, lambda message: Refused("refused"))
    send(lease, 2, not_there)
    assert state_of(campaign) == ("paused", "not_on_whatsapp")

    assert lifecycle.retry_failed(campaign.business_profile, campaign, owner) == 1
    transitions.sync_outbox(campaign.pk)
    assert state_of(campaign) == ("sending", "")
    assert campaign.health_base == auto_pause.baseline(campaign) | {"tried": 21}
    scheduling.maintain_running()
    send_all(campaign, lease)
    assert state_of(campaign) == ("completed", "")
    counted(campaign)


def test_every_reason_says_what_happened_and_what_to_do():
    for reason in Campaign.Reason.values:
        if reason:
            told = reason_labels.CAMPAIGN[reason]
            assert told.title
            assert told.text.endswith(".")
            assert told.next_step.endswith(".")
    assert WhatsAppConnection.Reason.BANNED in auto_pause.BAD_NUMBER

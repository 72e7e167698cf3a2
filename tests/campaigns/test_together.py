"""Two at once: a launch from the page and one from the API, two feeders, two clocks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection as database
from django.test import Client
from django.urls import reverse

from accounts import scopes
from accounts.models import AuditEntry
from accounts.services import keys
from campaigns.models import Campaign, CampaignRecipient
from campaigns.services import drafts, lifecycle, outbox_feeder, scheduling
from core.clock import now
from core.errors import Conflict
from messaging.models import Message
from messaging.outbox import dispatch, pacing_settings
from tests import factories
from tests.campaigns.conftest import launched, lease_of
from tests.campaigns.test_run import counted
from tests.messaging.helpers import begin_one

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]


def at_once(*works: Callable[[], object]) -> list[object]:
    """Run them in threads that start together; what each gave or raised."""
    gate, answers = threading.Barrier(len(works)), [None] * len(works)

    def run(place: int, work: Callable[[], object]) -> None:
        gate.wait()
        try:
            answers[place] = work()
        except Exception as error:
            answers[place] = error
        finally:
            database.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


def fresh(campaign: Campaign) -> Campaign:
    return Campaign.objects.select_related("business_profile").get(pk=campaign.pk)


def test_two_launches_at_once_make_one_run(draft, crowd, business, owner):
    campaign = draft()
    one, other = fresh(campaign), fresh(campaign)

    answers = at_once(
        lambda: lifecycle.launch(business, one, owner), lambda: lifecycle.launch(business, other, None)
    )

    assert sorted(type(answer).__name__ for answer in answers) == ["Campaign", "Conflict"]
    assert [answer.code for answer in answers if isinstance(answer, Conflict)] == ["already_started"]
    assert CampaignRecipient.objects.count() == 30
    assert counted(campaign)["open_count"] == 30


def test_a_launch_from_the_page_and_one_by_the_api_at_once_make_one_run(
    draft, crowd, business, owner, client_of
):
    campaign = draft()
    _row, key = keys.create(business, owner, name="Test", scopes=list(scopes.ALL))
    page, program = client_of(owner), Client()

    def by_api():
        address = f"/api/v1/campaigns/{campaign.pk}/send"
        return program.post(address, content_type="application/json", headers={"x-api-key": key}).status_code

    def by_page():
        page.post(reverse("campaigns:launch", args=[campaign.pk]))
        return page.get(reverse("campaigns:detail", args=[campaign.pk])).content.decode()

    told, shown = at_once(by_api, by_page)

    assert (told == 409) != ("already been started" in shown)
    assert told in (200, 409)
    assert CampaignRecipient.objects.count() == 30
    assert counted(campaign)["open_count"] == 30
    assert AuditEntry.objects.filter(action="campaign.started").count() == 1
    outbox_feeder.feed(campaign.pk)
    assert Message.objects.filter(origin="campaign").count() == 30


def test_two_numbers_that_have_claimed_for_one_person_send_them_one_message(draft, crowd, business, number):
    other = factories.ConnectionFactory(business_profile=business, phone_number="+9991000000002")
    for one in (number, other):
        pacing_settings.change(business, one, None, {"enabled": False, "marketing_hours": 24})
    runs = [launched(draft(name=one.phone_number, connections=[one]), feed=False) for one in (number, other)]
    leases = [lease_of(one) for one in (number, other)]
    for run in runs:
        outbox_feeder.feed(run.pk)
    claims = [dispatch.claim(lease, 10) for lease in leases]
    assert len(claims[0]) == len(claims[1]) == 10

    def begin_all(place):
        return [begin_one(leases[place], one, f"OUT{place}{n}") for n, one in enumerate(claims[place])]

    begun = at_once(lambda: begin_all(0), lambda: begin_all(1))

    assert [(one is None) + (other is None) for one, other in zip(*begun, strict=True)] == [1] * 10
    for run in runs:
        counted(run)
    left_out = CampaignRecipient.objects.filter(status="skipped", reason="marketing_cap")
    assert left_out.values("contact").distinct().count() == left_out.count() == 10


def test_two_feeders_at_once_queue_everybody_once(draft, crowd):
    campaign = launched(draft(), feed=False)
    at_once(lambda: outbox_feeder.feed(campaign.pk), lambda: outbox_feeder.feed(campaign.pk))
    outbox_feeder.feed(campaign.pk)
    assert Message.objects.filter(origin="campaign").count() == 30
    assert Message.objects.values("client_token").distinct().count() == 30


def test_two_clocks_fire_a_slot_once(draft, crowd, business):
    pattern = draft(timing="repeat", cron="0 9 * * *", time_zone="Europe/Berlin")
    lifecycle.schedule(business, pattern, None)
    slot = now() - timedelta(minutes=2)
    Campaign.objects.filter(pk=pattern.pk).update(scheduled_at=slot)

    at_once(scheduling.start_due, scheduling.start_due)
    scheduling.start_due()

    runs = Campaign.objects.filter(series=pattern)
    assert runs.count() == 1
    assert runs.get().status == "sending"
    pattern.refresh_from_db()
    assert pattern.scheduled_at > now()


def test_what_a_sleeping_machine_has_missed_is_not_sent_late_and_says_so(draft, crowd, business, no_worker):
    campaign = draft(timing="at", scheduled_at=now() + timedelta(hours=1), expire_hours=2)
    lifecycle.schedule(business, campaign, None)
    Campaign.objects.filter(pk=campaign.pk).update(scheduled_at=now() - timedelta(hours=3))

    assert scheduling.start_due() == []

    campaign.refresh_from_db()
    assert (campaign.status, campaign.status_reason) == ("failed", "missed")
    assert not CampaignRecipient.objects.exists()


def test_what_is_a_little_late_is_sent(draft, crowd, business):
    campaign = draft(timing="at", scheduled_at=now() + timedelta(hours=1))
    lifecycle.schedule(business, campaign, None)
    Campaign.objects.filter(pk=campaign.pk).update(scheduled_at=now() - timedelta(minutes=30))
    assert [one.pk for one in scheduling.start_due()] == [campaign.pk]
    assert counted(campaign)["open_count"] == 30


def test_several_numbers_share_it_and_people_hear_from_the_one_they_know(draft, crowd, business, number):
    second = factories.ConnectionFactory(business_profile=business, phone_number="+9991000000002")
    second.settings = number.settings
    second.save()
    factories.ConversationFactory(business_profile=business, contact=crowd[0], connection=second)
    campaign = launched(draft(connections=[number, second]))
    senders = dict(CampaignRecipient.objects.values_list("contact_id", "connection_id"))
    assert senders[crowd[0].pk] == second.pk
    assert set(senders.values()) == {number.pk, second.pk}
    assert counted(campaign)["open_count"] == 30


@pytest.mark.parametrize("last", [0, 1])
def test_people_hear_from_the_number_they_talked_with_last(draft, crowd, business, number, last):
    numbers = [
        number,
        factories.ConnectionFactory(
            business_profile=business, phone_number="+9991000000002", settings=number.settings
        ),
    ]
    for place, person in enumerate(crowd):
        latest_first = ((numbers[last], 1), (numbers[1 - last], 2))
        for one, days in latest_first if place % 2 else reversed(latest_first):
            factories.ConversationFactory(
                business_profile=business,
                contact=person,
                connection=one,
                last_message_at=now() - timedelta(days=days),
            )

    launched(draft(connections=numbers))

    senders = set(CampaignRecipient.objects.values_list("connection_id", flat=True))
    assert senders == {numbers[last].pk}


def test_variants_are_given_by_share_and_counted_apart(draft, crowd, business):
    campaign = launched(draft(variants=[{"content": "A", "share": 50}, {"content": "B", "share": 50}]))
    given = set(CampaignRecipient.objects.values_list("variant", "message__content"))
    assert given == {("A", "A"), ("B", "B")}
    assert sum(campaign.tallies.values_list("open_count", flat=True)) == 30
    copy = drafts.duplicate(business, campaign, None)
    assert [one["content"] for one in copy.variants] == ["A", "B"]

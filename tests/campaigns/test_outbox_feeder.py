"""Who is next in the outbox, what becomes of those who have to wait, and of those whose number is gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from campaigns import dry_run, selectors
from campaigns.models import CampaignRecipient
from campaigns.services import lifecycle, outbox_feeder, scheduling, transitions
from connections.drivers.base import Chat
from connections.models import WhatsAppConnection
from messaging.inbound import receiver
from messaging.media import media_files
from messaging.models import Message
from messaging.outbox import broadcasts, dispatch, pacing_settings, queue
from messaging.outbox.types import Refused, TryAgain
from tests import factories
from tests.campaigns.clock import turned_by_hand
from tests.campaigns.conftest import launched, lease_of, send, send_all
from tests.campaigns.test_run import counted
from tests.connections.driver_contract import PICTURE
from tests.messaging.helpers import begin_one, hello

pytestmark = pytest.mark.services

NOON = datetime(2026, 3, 27, 12, 0, tzinfo=UTC)
QUICK = {
    "enabled": True,
    "gap_min": 0,
    "gap_max": 0,
    "burst": 1000,
    "hourly": 100_000,
    "warm_up": (),
    "daily": 1000,
}


@pytest.fixture
def clock(monkeypatch):
    return turned_by_hand(monkeypatch, NOON)


@pytest.fixture
def quick(number, business):
    """The number with pacing that holds nobody back, unless a test adds to it."""
    pacing_settings.change(business, number, None, {**QUICK, "cold_daily": 1000})
    return number


@pytest.fixture
def second(business, number):
    """Another number of the business, set like the first."""
    made = factories.ConnectionFactory(business_profile=business, phone_number="+9991000000002")
    made.settings = number.settings
    made.save()
    return made


def goes_on(campaign, lease, rounds=10):
    """What happens by itself for a while; names of those who got a message, in order."""
    names = []
    for _ in range(rounds):
        scheduling.maintain_running()
        names += [message.contact.name for message in send(lease)]
    campaign.refresh_from_db()
    return names


def test_strangers_who_have_to_wait_do_not_keep_those_who_know_us_from_hearing(
    draft, crowd, quick, lease, clock, business
):
    pacing_settings.change(business, quick, None, {"cold_daily": 3})
    known = crowd[-4:]
    for place, person in enumerate(known):
        receiver.receive(lease, [hello(f"IN{place}", Chat(phone=person.phone_number))])
    campaign = launched(draft())

    first = goes_on(campaign, lease)
    page = selectors.progress(campaign)

    assert first == [person.name for person in (*known, *crowd[:3])]
    assert "never wrote" in page.numbers[0].waits
    assert page.numbers[0].until == clock.moment + timedelta(days=1)
    clock.passes(days=1, seconds=1)
    assert goes_on(campaign, lease) == [person.name for person in crowd[3:6]]
    assert Message.objects.filter(origin="campaign").count() < 16  # the rest waits in the ledger
    counted(campaign)


def test_those_who_are_asleep_do_not_keep_the_others_from_hearing(draft, quick, lease, clock, business):
    pacing_settings.change(
        business, quick, None, {"window_enabled": True, "window_start": 540, "window_end": 1140}
    )
    for place in range(10):
        factories.ContactFactory(business_profile=business, name="Sydney", phone_number=f"+6129123456{place}")
    for place in range(10):
        factories.ContactFactory(
            business_profile=business, name="Berlin", phone_number=f"+4915112345{place}00"
        )
    clock.moment = NOON.replace(hour=7, minute=55)  # Sydney has just gone to bed at 18:55, Berlin gets up
    campaign = launched(draft())
    clock.passes(minutes=10)

    assert goes_on(campaign, lease, rounds=15) == ["Berlin"] * 10
    page = selectors.progress(campaign)
    assert "hours" in page.numbers[0].waits
    assert page.numbers[0].until.astimezone(ZoneInfo("Australia/Sydney")).hour == 9
    clock.moment = page.numbers[0].until
    assert goes_on(campaign, lease) == ["Sydney"] * 10


def test_a_number_that_whatsapp_limits_goes_on_with_those_who_know_it(draft, crowd, quick, lease, clock):
    receiver.receive(lease, [hello("IN1", Chat(phone=crowd[-1].phone_number))])
    WhatsAppConnection.objects.filter(pk=quick.pk).update(limited_until=clock.moment + timedelta(hours=8))
    campaign = draft()
    assert any("write to nobody new" in warning for warning in dry_run.simulate(campaign).warnings)
    launched(campaign)

    assert goes_on(campaign, lease) == ["Person 30"]
    assert "nobody new" in selectors.progress(campaign).numbers[0].waits
    clock.passes(hours=9)
    assert len(goes_on(campaign, lease, rounds=35)) == 29


def test_what_goes_back_into_the_outbox_of_a_paused_campaign_does_not_leave_from_there(
    draft, crowd, lease, business, owner, clock
):
    campaign = launched(draft())
    send(lease, 1, lambda message: lifecycle.pause(business, campaign, owner) and TryAgain("offline"))
    transitions.sync_outbox(campaign.pk)
    clock.passes(minutes=30)
    assert send(lease) == []
    lifecycle.resume(business, campaign, owner)
    transitions.sync_outbox(campaign.pk)
    assert len(send_all(campaign, lease)) == 30
    assert counted(campaign)["sent_count"] == 30


def test_what_goes_back_into_the_outbox_of_a_cancelled_campaign_is_taken_back(
    draft, crowd, lease, business, owner, clock
):
    campaign = launched(draft())
    send(lease, 1, lambda message: lifecycle.cancel(business, campaign, owner) and TryAgain("offline"))
    transitions.sync_outbox(campaign.pk)
    transitions.cancel_pending(campaign.pk)
    clock.passes(minutes=30)
    assert send(lease) == []
    told = counted(campaign)
    assert (told["cancelled_count"], told["open_count"]) == (30, 0)


@pytest.mark.parametrize(
    ("stop", "then"), [(lifecycle.pause, "queued"), (lifecycle.cancel, "cancelled")], ids=["pause", "cancel"]
)
def test_what_goes_back_after_a_stop_is_kept_before_anybody_looks_after_the_campaign(
    draft, crowd, lease, business, owner, clock, monkeypatch, stop, then
):
    """The process that stopped it died before it could align the outbox; the runner has a message in its hands."""
    monkeypatch.setattr(outbox_feeder, "AHEAD_UNPACED", 1)
    campaign = launched(draft())
    (message,) = send(lease, 1, lambda message: stop(business, campaign, owner) and TryAgain("offline"))
    clock.passes(minutes=30)

    assert send(lease) == []
    message.refresh_from_db()
    assert message.status == then


def test_a_pause_while_the_outbox_is_filled_holds_what_was_put_into_it(
    draft, crowd, lease, business, owner, monkeypatch
):
    campaign, real = launched(draft(), feed=False), broadcasts.enqueue_all

    def enqueue_all(*args):
        lifecycle.pause(business, campaign, owner)
        return real(*args)

    monkeypatch.setattr(broadcasts, "enqueue_all", enqueue_all)
    assert outbox_feeder.feed(campaign.pk) == 30

    assert send(lease) == []
    monkeypatch.undo()
    lifecycle.resume(business, campaign, owner)
    transitions.sync_outbox(campaign.pk)
    assert len(send_all(campaign, lease)) == 30


def test_a_pause_while_a_messages_file_is_read_keeps_it_here(
    draft, crowd, lease, business, owner, monkeypatch, media_root
):
    picture = media_files.store_upload(business, owner, SimpleUploadedFile(PICTURE.name, PICTURE.data))
    campaign, real = launched(draft(media=picture)), media_files.load

    def load(file):
        lifecycle.pause(business, campaign, owner)
        transitions.sync_outbox(campaign.pk)
        return real(file)

    monkeypatch.setattr(media_files, "load", load)
    (claimed, *_) = dispatch.claim(lease, 1)

    assert begin_one(lease, claimed, "OUT1") is None
    assert set(Message.objects.values_list("status", "not_before")) == {("queued", broadcasts.HELD)}


def test_what_a_person_sends_again_from_a_chat_leaves_although_the_campaign_is_paused(
    draft, crowd, lease, business, owner
):
    campaign = launched(draft())
    (failed,) = send(lease, 1, lambda message: Refused("refused"))
    lifecycle.pause(business, campaign, owner)
    failed.refresh_from_db()
    queue.retry(business, failed, owner)
    transitions.sync_outbox(campaign.pk)
    assert [message.pk for message in send(lease)] == [failed.pk]
    assert counted(campaign)["sent_count"] == 1


def test_a_banned_number_leaves_its_recipients_to_the_others_after_a_resume(
    draft, crowd, number, second, lease, business, owner, monkeypatch
):
    monkeypatch.setattr(outbox_feeder, "AHEAD_UNPACED", 3)
    campaign = launched(draft(connections=[number, second]))
    send(lease, 2)
    WhatsAppConnection.objects.filter(pk=number.pk).update(status="disconnected", status_reason="banned")
    transitions.pause_by_rule(campaign, "banned")
    lifecycle.resume(business, campaign, owner)
    scheduling.maintain_running()

    send_all(campaign, lease_of(second))

    told = counted(campaign)
    assert campaign.status == "completed"
    assert told["sent_count"] + told["cancelled_count"] == 30
    assert told["cancelled_count"] <= 3
    missed = campaign.recipients.filter(status="cancelled").values_list("reason", "connection")
    assert set(missed) <= {("number_banned", number.pk)}
    assert selectors.missed_count(campaign) == told["cancelled_count"]


def test_a_deleted_number_leaves_its_recipients_to_the_others(
    draft, crowd, number, second, lease, business, monkeypatch
):
    monkeypatch.setattr(outbox_feeder, "AHEAD_UNPACED", 3)
    campaign = launched(draft(connections=[number, second]))
    lost = Message.objects.filter(connection=number).count()
    number.delete()
    scheduling.maintain_running()

    send_all(campaign, lease_of(second))

    told = counted(campaign)
    assert (campaign.status, told["failed_count"], told["sent_count"]) == ("completed", lost, 30 - lost)
    assert set(campaign.recipients.filter(status="failed").values_list("reason", flat=True)) == {
        "number_deleted"
    }


def test_when_no_number_is_left_it_pauses_and_says_so(draft, crowd, number, lease):
    campaign = launched(draft(), feed=False)
    number.delete()
    scheduling.maintain_running()
    campaign.refresh_from_db()
    assert (campaign.status, campaign.status_reason) == ("paused", "no_number")


def test_a_contact_that_is_deleted_on_the_way_leaves_a_line_and_true_counters(
    draft, crowd, lease, monkeypatch
):
    monkeypatch.setattr(outbox_feeder, "AHEAD_UNPACED", 5)
    campaign = launched(draft())
    crowd[20].delete()
    send_all(campaign, lease)
    assert (campaign.status, counted(campaign)["skipped_count"]) == ("completed", 1)
    page = selectors.recipients_page(campaign.business_profile, campaign, "skipped")
    assert [recipient.contact for recipient in page.recipients] == [None]


def test_a_fortnight_of_the_real_claim_keeps_windows_caps_and_consent(draft, number, lease, clock, business):
    """The same as the pure function promises (tests/messaging/outbox/test_pacing.py), with ledger, outbox and claim."""
    rules = {
        "enabled": True, "gap_min": 600, "gap_max": 900, "burst": 2, "hourly": 2, "daily": 4, "cold_daily": 1,
        "warm_up": ((3, 2), (6, 3)), "window_enabled": True, "window_start": 540, "window_end": 1080,
        "weekdays": (0, 1, 2, 3, 4, 5),
    }  # fmt: skip
    pacing_settings.change(business, number, None, rules)
    clock.moment = start = datetime(2026, 3, 23, 6, 0, tzinfo=UTC)  # clocks change on the 29th in Berlin
    WhatsAppConnection.objects.filter(pk=number.pk).update(created_at=start)
    zones = {
        "+491511234560": "Europe/Berlin",
        "+6129123456": "Australia/Sydney",
        "+120255501": "America/New_York",
    }
    people = [
        factories.ContactFactory(business_profile=business, phone_number=f"{prefix}{place:0{one}d}")
        for (prefix, _), one in zip(zones.items(), (1, 1, 2), strict=True)
        for place in range(10)
    ]
    for person in people[::2]:
        talk = factories.ConversationFactory(business_profile=business, contact=person, connection=number)
        factories.MessageFactory(conversation=talk, direction="inbound")
    campaign = launched(draft(), feed=False)
    while clock.moment < start + timedelta(days=14):
        scheduling.maintain_running()
        if not send(lease, 1):
            wait = dispatch.seconds_until_due(lease)
            clock.passes(seconds=min(max(wait or 7200, 1), 7200))

    gone = list(Message.objects.filter(status="sent").select_related("contact").order_by("sending_since"))
    times = [message.sending_since for message in gone]
    assert len(gone) > 20
    for message in gone:
        zone = next(zone for prefix, zone in zones.items() if message.contact.phone_number.startswith(prefix))
        there = message.sending_since.astimezone(ZoneInfo(zone))
        assert (9 <= there.hour < 18, there.weekday() < 6) == (True, True)
    cold = [message.sending_since for message in gone if message.metadata.get("cold")]
    for place, moment in enumerate(times):
        day = [at for at in times[: place + 1] if moment - at < timedelta(days=1)]
        days = (moment - start).days
        assert len(day) <= (2 if days < 3 else 3 if days < 6 else 4)
        assert len([at for at in day if moment - at < timedelta(hours=1)]) <= 2
        assert len([at for at in cold if timedelta(0) <= moment - at < timedelta(days=1)]) <= 1
    assert min(later - earlier for earlier, later in pairwise(times)) >= timedelta(seconds=600)
    assert CampaignRecipient.objects.exclude(status__in=["sent", "pending", "queued"]).count() == 0
    counted(campaign)

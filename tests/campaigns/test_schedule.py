"""When a campaign starts: plans, zones, clock changes, what was slept through, each recipient's own clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from campaigns import schedule
from campaigns.models import Campaign, CampaignRecipient
from campaigns.services import drafts, lifecycle, outbox_feeder, scheduling
from core.errors import InvalidInput
from messaging.models import Message
from messaging.outbox import pacing_settings
from tests import factories
from tests.campaigns.clock import turned_by_hand
from tests.campaigns.conftest import send
from tests.campaigns.test_run import counted

MORNING = datetime(2026, 3, 27, 7, 0, tzinfo=UTC)
"""Friday. Europe's clocks go forward on Sunday."""


@pytest.fixture
def clock(monkeypatch):
    return turned_by_hand(monkeypatch, MORNING)


def plan(cron, zone="Europe/Berlin"):
    return Campaign(timing="repeat", cron=cron, time_zone=zone)


def slots(cron, count, zone="Europe/Berlin", after=MORNING):
    found = []
    for _ in range(count):
        after = schedule.next_slot(plan(cron, zone), after)
        found.append(f"{after:%a %d %H:%M}")
    return found


@pytest.mark.parametrize(
    ("cron", "expected"),
    [
        (schedule.cron_of("daily", 9, 30), ["Fri 27 08:30", "Sat 28 08:30", "Sun 29 07:30", "Mon 30 07:30"]),
        (schedule.cron_of("weekly", 9, 0, weekday=6), ["Sun 29 07:00", "Sun 05 07:00"]),
        (schedule.cron_of("monthly", 10, 0, day=31), ["Tue 31 08:00", "Sun 31 08:00"]),
        ("0 9 * * 1-5", ["Fri 27 08:00", "Mon 30 07:00", "Tue 31 07:00"]),
        ("30 2 * * *", ["Sat 28 01:30", "Sun 29 01:30", "Mon 30 00:30"]),
    ],
)
def test_a_plan_keeps_the_wall_clock_of_its_zone_over_a_clock_change(cron, expected):
    assert slots(cron, len(expected)) == expected


def test_an_hour_that_comes_twice_in_autumn_has_one_slot():
    after = datetime(2026, 10, 24, 12, 0, tzinfo=UTC)
    assert slots("30 2 * * *", 3, after=after) == ["Sun 25 00:30", "Mon 26 01:30", "Tue 27 01:30"]


@pytest.mark.parametrize(
    "cron", ["", "0 9 * *", "61 9 * * *", "0 9 31 2 *", "* * * * *", "*/5 9 * * *", "0 9 * * * *"]
)
def test_plans_that_cannot_be_meant_are_refused(cron):
    with pytest.raises(InvalidInput) as refused:
        schedule.check_cron(cron)
    assert refused.value.code == "bad_plan"


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("30 9 * * *", "Every day at 09:30"),
        ("0 9 * * 0", "Every Sunday at 09:00"),
        ("0 9 5 * *", "Every month on day 5 at 09:00"),
        ("0 9 * * 1-5", "By the plan 0 9 * * 1-5"),
    ],
)
def test_a_plan_is_told_in_words(cron, words):
    assert schedule.describe_cron(cron) == words


def runs_of(pattern):
    rows = Campaign.objects.filter(series=pattern).order_by("slot")
    return [(f"{run.slot:%a %d %H:%M}", run.status, run.status_reason) for run in rows]


def test_each_slot_of_a_plan_is_a_run_of_its_own(draft, crowd, clock):
    pattern = draft(timing="repeat", cron="0 9 * * *", time_zone="Europe/Berlin", media=None)
    lifecycle.schedule(pattern.business_profile, pattern, None)
    assert scheduling.start_due() == []
    for _ in range(3):
        clock.passes(hours=1, seconds=5)
        assert len(scheduling.start_due()) == 1
        assert scheduling.start_due() == []
        clock.passes(hours=23)

    assert runs_of(pattern) == [
        ("Fri 27 08:00", "sending", ""),
        ("Sat 28 08:00", "sending", ""),
        ("Sun 29 07:00", "sending", ""),
    ]
    run = pattern.runs.latest("slot")
    assert (run.message_content, run.total_recipients) == ("Hello {{name|there}}", 30)


def test_slots_that_were_slept_through_are_told_and_not_made_up_for(draft, crowd, clock):
    pattern = draft(timing="repeat", cron="0 9 * * *", time_zone="Europe/Berlin", expire_hours=2)
    lifecycle.schedule(pattern.business_profile, pattern, None)
    clock.passes(days=3, hours=1, minutes=5)  # Monday, an hour after the slot

    assert len(scheduling.start_due()) == 1
    assert runs_of(pattern) == [("Fri 27 08:00", "failed", "missed"), ("Mon 30 07:00", "sending", "")]
    clock.passes(days=2, hours=3)
    assert scheduling.start_due() == []
    assert runs_of(pattern)[2:] == [
        ("Tue 31 07:00", "failed", "missed"),
        ("Wed 01 07:00", "failed", "missed"),
    ]
    pattern.refresh_from_db()
    assert pattern.scheduled_at == datetime(2026, 4, 2, 7, 0, tzinfo=UTC)


def test_one_that_breaks_does_not_keep_the_others_from_starting(draft, crowd, clock, monkeypatch):
    one, other = (draft(name=name, timing="at", scheduled_at=clock() + timedelta(hours=1)) for name in "ab")
    for campaign in (one, other):
        lifecycle.schedule(campaign.business_profile, campaign, None)
    real = lifecycle.launch

    def launch(business, campaign, actor):
        if campaign.pk == one.pk:
            raise RuntimeError("broken")
        return real(business, campaign, actor)

    monkeypatch.setattr(lifecycle, "launch", launch)
    clock.passes(hours=1)
    assert [campaign.pk for campaign in scheduling.start_due()] == [other.pk]


def test_what_is_missing_when_its_time_comes_is_said(draft, crowd, clock, business):
    gone = factories.MediaFileFactory(business_profile=business)
    picture = draft(
        name="a", message_content="", media=gone, timing="at", scheduled_at=clock() + timedelta(hours=1)
    )
    nobody = draft(name="b", target_type="segment", segment_id=factories.SegmentFactory(business_profile=business).pk,
                   timing="at", scheduled_at=clock() + timedelta(hours=1))  # fmt: skip
    for campaign in (picture, nobody):
        lifecycle.schedule(business, campaign, None)
    gone.delete()
    business.segments.all().delete()
    clock.passes(hours=1)
    assert scheduling.start_due() == []
    reasons = dict(Campaign.objects.values_list("name", "status_reason"))
    assert reasons == {"a": "incomplete", "b": "nobody"}


def test_nothing_of_a_deleted_business_starts_or_goes_on(draft, crowd, clock, business):
    campaign = draft(timing="at", scheduled_at=clock() + timedelta(hours=1))
    lifecycle.schedule(business, campaign, None)
    running = draft(name="Running")
    lifecycle.launch(business, running, None)
    business.deleted_at = clock()
    business.save()
    clock.passes(hours=1)
    assert scheduling.start_due() == []
    scheduling.maintain_running()
    assert not Message.objects.exists()


# -- the recipient's own clock -----------------------------------------------------------------------------------------

PLACES = {"Berlin": "+4915112345678", "New York": "+12025550123", "Sydney": "+61291234567"}


@pytest.fixture
def abroad(business):
    """A person each in Berlin, New York and Sydney."""
    return {
        place: factories.ContactFactory(business_profile=business, name=place, phone_number=number)
        for place, number in PLACES.items()
    }


def local(draft, business, **more):
    values = {
        "timing": "local",
        "local_at": datetime(2026, 3, 29, 10, 0, tzinfo=UTC),
        "expire_hours": 3,
        **more,
    }
    campaign = draft(**values)
    lifecycle.schedule(business, campaign, None)
    return campaign


def when_they_got_it(campaign, lease, clock, hours):
    """Place -> when, of those who got it while so many hours passed."""
    for _ in range(hours * 2):
        for started in scheduling.start_due():
            assert started.pk == campaign.pk
        scheduling.maintain_running()
        send(lease)
        clock.passes(minutes=30)
    lines = CampaignRecipient.objects.filter(campaign=campaign, sent_at__isnull=False)
    return {line.contact.name: f"{line.sent_at:%a %d %H:%M}" for line in lines}


def test_everybody_gets_it_at_the_same_hour_of_their_own_clock_also_on_the_day_it_changes(
    draft, abroad, lease, clock, business
):
    campaign = local(draft, business)
    got = when_they_got_it(campaign, lease, clock, hours=60)
    assert got == {"Sydney": "Sat 28 23:00", "Berlin": "Sun 29 08:00", "New York": "Sun 29 14:00"}
    campaign.refresh_from_db()
    assert campaign.status == "completed"


def test_those_whose_hour_was_slept_through_are_not_written_to_and_the_others_are(
    draft, abroad, lease, clock, business, monkeypatch
):
    monkeypatch.setattr(outbox_feeder, "SCAN_LIMIT", 2)
    for number in range(5):
        factories.ContactFactory(business_profile=business, phone_number=f"+49151123456{number}0")
    campaign = local(draft, business)
    clock.passes(hours=24)
    scheduling.start_due()
    outbox_feeder.feed(campaign.pk)
    clock.passes(
        hours=30
    )  # it is Sunday 13:00 in London: too late for Sydney and Berlin, too early for New York

    got = when_they_got_it(campaign, lease, clock, hours=4)

    assert got == {"New York": "Sun 29 14:00"}
    late = CampaignRecipient.objects.filter(campaign=campaign, status="expired", reason="too_late")
    assert late.count() == 7
    assert counted(campaign)["expired_count"] == 7
    assert campaign.status == "completed"


def test_a_local_hour_outside_the_window_waits_for_it_and_what_pace_makes_late_is_not_sent(
    draft, abroad, number, lease, clock, business
):
    pacing_settings.change(business, number, None, {
        "enabled": True, "gap_min": 3600, "gap_max": 3600, "window_enabled": True, "window_start": 600,
        "window_end": 1080,
    })  # fmt: skip
    for end in range(5):
        factories.ContactFactory(business_profile=business, name=f"{end}", phone_number=f"+49151123456{end}0")
    campaign = local(draft, business, local_at=datetime(2026, 3, 30, 7, 0, tzinfo=UTC), expire_hours=2)

    got = when_they_got_it(campaign, lease, clock, hours=96)

    germans = sorted(at for name, at in got.items() if name not in ("New York", "Sydney"))
    assert germans == ["Mon 30 08:00", "Mon 30 09:00"]
    assert counted(campaign)["expired_count"] == 4
    assert set(campaign.recipients.filter(status="expired").values_list("reason", flat=True)) == {"too_late"}
    assert campaign.status == "completed"


def test_a_run_and_a_copy_keep_what_is_said_to_whom(draft, crowd, business, clock):
    tag = factories.TagFactory(business_profile=business)
    values = {"target_type": "tags", "target_tags": [str(tag.pk)], "exclusions": {"never_wrote": True}}
    variants = [{"content": "A", "share": 30}, {"content": "B", "share": 70}]
    campaign = draft(**values, variants=variants, timing="repeat", cron="0 9 * * *")
    copy, run = drafts.duplicate(business, campaign, None), drafts.create_run(campaign, clock())
    for one in (copy, run):
        for name in (
            "message_content",
            "variants",
            "target_type",
            "target_tags",
            "exclusions",
            "expire_hours",
        ):
            assert getattr(one, name) == getattr(campaign, name), name
        assert list(one.connections.all()) == list(campaign.connections.all())
    assert (copy.status, copy.timing, run.status, run.series) == ("draft", "now", "scheduled", campaign)

"""Pacing on a fake clock: whatever the settings, a simulated fortnight keeps every limit, over a clock change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from messaging.outbox import pacing
from messaging.outbox.pacing import (
    DAY,
    HOUR,
    Decision,
    Pacing,
    Past,
    Person,
    decide,
    forecast,
    is_open,
    next_open,
)
from messaging.outbox.time_zones import zones_of

BEFORE_SUMMER_TIME = datetime(2026, 3, 23, 7, 0, tzinfo=UTC)
"""Monday; in Europe clocks go forward on the 29th, in the middle of the fortnight. America's did on the 8th."""
BEFORE_WINTER_TIME = datetime(2026, 10, 21, 7, 0, tzinfo=UTC)
"""Wednesday; clocks go back in Europe on the 25th and in America on the 1st, both in the fortnight."""
FORTNIGHT = timedelta(days=14)
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Sydney", "UTC")


def simulate(
    rules: Pacing, people: list[Person], start: datetime, linked_at: datetime
) -> list[tuple[datetime, Person]]:
    """Send to `people` as the claim does: the first whose turn may be now; then sleep until the earliest next time."""
    waiting, gone, moment = list(people), [], start
    while waiting and moment < start + FORTNIGHT:
        recent = [(at, who) for at, who in reversed(gone) if moment - at < DAY]
        past = Past(tuple(at for at, _ in recent), tuple(at for at, who in recent if who.cold), linked_at)
        number = decide(rules, past, moment)
        if not number.allowed:
            moment = later(number, moment)
            continue
        answers = {who: decide(rules, past, moment, who) for who in set(waiting)}
        ready = next((who for who in waiting if answers[who].allowed), None)
        if ready is None:
            moment = min(later(answer, moment) for answer in answers.values())
            continue
        waiting.remove(ready)
        gone.append((moment, ready))
    return gone


def later(decision: Decision, moment: datetime) -> datetime:
    assert decision.not_before is not None
    assert decision.not_before > moment
    return decision.not_before


def most_in(times: list[datetime], span: timedelta) -> int:
    """The most that lie within any stretch of `span`."""
    most, first = 0, 0
    for last, moment in enumerate(times):
        while moment - times[first] >= span:
            first += 1
        most = max(most, last - first + 1)
    return most


rules_of = st.builds(
    Pacing,
    gap_min=st.sampled_from([0.0, 30.0, 120.0]),
    gap_max=st.sampled_from([150.0, 600.0]),
    burst=st.integers(1, 20),
    hourly=st.integers(2, 30),
    daily=st.integers(3, 60),
    cold_daily=st.integers(0, 10),
    warm_up=st.sampled_from([(), ((3, 2), (6, 5), (10, 8))]),
    window_start=st.sampled_from([0, 540, 750]),
    window_end=st.sampled_from([780, 1140, 1440]),
    weekdays=st.sampled_from([(0, 1, 2, 3, 4, 5, 6), (0, 1, 2, 3, 4)]),
)
crowd_of = st.lists(
    st.builds(Person, zones=st.sampled_from([(zone,) for zone in ZONES]), cold=st.booleans()),
    min_size=1,
    max_size=40,
)


@settings(max_examples=40)
@given(rules=rules_of, people=crowd_of, start=st.sampled_from([BEFORE_SUMMER_TIME, BEFORE_WINTER_TIME]))
def test_a_fortnight_keeps_every_limit(rules: Pacing, people: list[Person], start: datetime) -> None:
    linked = start - timedelta(hours=1)
    gone = simulate(rules, people, start, linked)
    times = [at for at, _ in gone]

    assert most_in(times, HOUR) <= rules.hourly
    assert most_in(times, DAY) <= rules.daily
    assert most_in([at for at, who in gone if who.cold], DAY) <= rules.cold_daily
    for earlier, moment in pairwise(times):
        assert rules.gap_min <= (moment - earlier).total_seconds() + 1e-6
    for at, who in gone:
        local = at.astimezone(ZoneInfo(who.zones[0]))
        assert local.weekday() in rules.weekdays
        assert rules.window_start <= local.hour * 60 + local.minute < rules.window_end
    for day, cap in rules.warm_up:
        begin = [at for at in times if at - linked < timedelta(days=day)]
        assert most_in(begin, DAY) <= min(cap, rules.daily)


@settings(max_examples=60)
@given(
    rules=rules_of,
    zone=st.sampled_from(ZONES),
    minutes=st.integers(0, 14 * 24 * 60),
    start=st.sampled_from([BEFORE_SUMMER_TIME, BEFORE_WINTER_TIME]),
)
def test_the_next_opening_is_open_and_none_is_missed_before_it(
    rules: Pacing, zone: str, minutes: int, start: datetime
) -> None:
    moment = start + timedelta(minutes=minutes)
    opens = next_open(rules, moment, (zone,))
    assert is_open(rules, opens, (zone,))
    probe = moment
    while probe < opens:
        assert not is_open(rules, probe, (zone,))
        probe += timedelta(minutes=17)


def test_the_defaults_over_a_fortnight_with_a_new_number() -> None:
    people = [Person(("Europe/Berlin",))] * 1500
    gone = [at for at, _ in simulate(Pacing(), people, BEFORE_SUMMER_TIME, BEFORE_SUMMER_TIME)]
    days = [0] * 14
    for at in gone:
        days[(at.date() - BEFORE_SUMMER_TIME.date()).days] += 1

    assert days[:3] == [25, 25, 25]
    assert all(day <= 100 for day in days[3:6])
    assert all(day <= 250 for day in days[6:10])
    assert max(days) <= 300
    assert {at.astimezone(ZoneInfo("Europe/Berlin")).hour for at in gone} <= set(range(9, 19))


@pytest.mark.parametrize(("day", "opens"), [(28, 8), (29, 7), (30, 7)])
def test_nine_o_clock_is_an_hour_earlier_once_summer_time_has_begun(day: int, opens: int) -> None:
    moment = datetime(2026, 3, day, 3, 0, tzinfo=UTC)
    assert next_open(Pacing(), moment, ("Europe/Berlin",)) == moment.replace(hour=opens)


def test_a_window_that_begins_in_the_skipped_hour_opens_after_it() -> None:
    rules = Pacing(window_start=150, window_end=600)
    opens = next_open(rules, datetime(2026, 3, 29, 0, 0, tzinfo=UTC), ("Europe/Berlin",))
    assert opens == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_somebody_of_whom_only_the_country_is_known_is_written_to_when_it_suits_all_of_it() -> None:
    zones = ("Indian/Cocos", "Australia/Sydney")
    opens = next_open(Pacing(), BEFORE_SUMMER_TIME, zones)
    for zone in zones:
        assert 9 <= opens.astimezone(ZoneInfo(zone)).hour < 19


def test_pacing_that_is_off_lets_everything_through() -> None:
    past = Past(tuple(BEFORE_SUMMER_TIME for _ in range(500)))
    assert decide(
        Pacing(enabled=False), past, BEFORE_SUMMER_TIME, Person(("Asia/Kolkata",), cold=True)
    ).allowed


def test_it_says_why_it_waits() -> None:
    moment = datetime(2026, 3, 24, 12, 0, tzinfo=UTC)
    person = Person(("UTC",))
    full = tuple(moment - timedelta(seconds=59 * number) for number in range(1, 61))
    assert decide(Pacing(), Past(full[:1]), full[0] + timedelta(seconds=1), person).reason == "gap"
    assert decide(Pacing(gap_min=0, gap_max=0, burst=1000), Past(full), moment, person).reason == "hour"
    assert (
        decide(
            Pacing(warm_up=((3, 5),), gap_max=30), Past(full[:5], linked_at=moment - HOUR), moment, person
        ).reason
        == "warm_up"
    )
    assert decide(Pacing(), Past(), moment.replace(hour=3), person).reason == "window"
    assert (
        decide(Pacing(cold_daily=1), Past((), full[:1]), moment, Person(("UTC",), cold=True)).reason == "cold"
    )
    assert set(pacing.WORDS) == {reason.value for reason in pacing.Reason if reason}


@pytest.mark.parametrize("count", [10, 300, 2000])
def test_the_forecast_is_close_to_what_happens(count: int) -> None:
    rules = Pacing(warm_up=())
    people = [Person(("Europe/Berlin",))] * count
    gone = simulate(rules, people, BEFORE_SUMMER_TIME, BEFORE_SUMMER_TIME - timedelta(days=60))
    told = forecast(rules, Past(), BEFORE_SUMMER_TIME, {("Europe/Berlin",): count}).finish
    assert told is not None
    assert abs(told - gone[-1][0]) < timedelta(hours=6)


def test_the_forecast_knows_that_strangers_have_a_smaller_budget() -> None:
    rules = Pacing(warm_up=(), cold_daily=20, daily=60)
    people = [Person(("Europe/Berlin",))] * 50 + [Person(("Europe/Berlin",), cold=True)] * 90
    gone = simulate(rules, people, BEFORE_SUMMER_TIME, BEFORE_SUMMER_TIME - timedelta(days=60))
    told = forecast(rules, Past(), BEFORE_SUMMER_TIME, {("Europe/Berlin",): 140}, cold=90).finish
    assert told is not None
    assert abs(told - gone[-1][0]) < timedelta(hours=12)


def test_the_forecast_gives_up_those_whose_time_is_over() -> None:
    begin = BEFORE_SUMMER_TIME + timedelta(hours=30)
    spans = {("Europe/Berlin",): (begin, begin + timedelta(hours=2)), ("Asia/Kolkata",): (begin, begin + DAY)}
    rules = Pacing(warm_up=(), window_enabled=False, hourly=10)
    told = forecast(
        rules,
        Past(),
        BEFORE_SUMMER_TIME,
        {("Europe/Berlin",): 30, ("Asia/Kolkata",): 5},
        begin=begin,
        spans=spans,
    )
    assert told.missed == 10  # twenty in two hours, and nobody of India, whose turn comes after
    assert told.finish is not None
    assert told.finish > begin


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        ("+447911123456", ("Europe/London",)),
        ("+4915112345678", ("Europe/Berlin",)),
        ("+12025550123", ("America/New_York",)),
        ("+9991000000001", ("Europe/Lisbon",)),
        (None, ("Europe/Lisbon",)),
    ],
)
def test_a_number_tells_its_zone(number: str | None, zones: tuple[str, ...]) -> None:
    found = zones_of(number, "Europe/Lisbon")
    offsets = {BEFORE_SUMMER_TIME.astimezone(ZoneInfo(zone)).utcoffset() for zone in found}
    assert offsets == {BEFORE_SUMMER_TIME.astimezone(ZoneInfo(zone)).utcoffset() for zone in zones}

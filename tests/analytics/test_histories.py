"""Random histories: whatever happened, in whatever order, however often it was counted, the figures are the rows'."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from accounts.models import BusinessProfile, User
from analytics import reports
from analytics.aggregates import local_days, rollup
from analytics.models import StatsClock
from analytics.reports.periods import Period
from analytics.reports.summary import Durations
from analytics.services import rfm
from contacts.models import ConsentProof, Contact, ContactGroup, ContactTag, Tag
from contacts.services import merging
from messaging.models import Conversation, ConversationEvent, Message
from tests import factories
from tests.analytics import naive, naive_pages

pytestmark = pytest.mark.services

ZONES = (
    "UTC",
    "Europe/Lisbon",  # clocks change at one in the morning
    "Africa/Cairo",  # at midnight: the day begins at one
    "Australia/Lord_Howe",  # by half an hour
    "Asia/Kathmandu",  # 5:45 ahead
    "Pacific/Apia",  # once left out a whole day
    "America/St_Johns",  # set its clocks back a minute after midnight: a date came twice
)
TIMES = (  # where clocks change, and where they do not
    datetime(2024, 3, 31, tzinfo=UTC),
    datetime(2024, 4, 25, 22, tzinfo=UTC),
    datetime(2024, 4, 6, 15, tzinfo=UTC),
    datetime(2024, 10, 27, tzinfo=UTC),
    datetime(2011, 12, 30, 9, tzinfo=UTC),
    datetime(2010, 11, 7, 2, 30, tzinfo=UTC),
    datetime(2025, 6, 15, 12, tzinfo=UTC),
)

seconds = st.one_of(
    st.integers(0, 6).map(lambda hours: hours * 3600.0),  # ties
    st.floats(0, 4 * 86400, allow_nan=False),
    st.sampled_from([4 * 86400.0, 7 * 86400.0, 7 * 86400 + 0.5, 8 * 86400.0]),  # what is given up
)
message = st.tuples(
    st.just("message"),
    seconds,
    st.integers(0, 3),
    st.sampled_from(
        ["in", "in", "agent", "agent", "phone", "campaign", "bot", "reaction in", "reaction out"]
    ),
    st.sampled_from(["sent", "delivered", "read", "played", "failed", "queued", "cancelled"]),
    st.integers(0, 1),
)
others = st.one_of(
    st.tuples(st.just("status"), st.integers(0, 30), st.sampled_from(["delivered", "read", "failed"])),
    st.tuples(st.just("merge"), st.integers(0, 3), st.integers(0, 3)),
    st.tuples(st.just("delete"), st.integers(0, 3)),
    st.tuples(st.just("remove message"), st.integers(0, 30)),
    st.tuples(st.just("close"), seconds, st.integers(0, 3), st.integers(0, 1)),
    st.tuples(st.just("opt out"), seconds, st.integers(0, 3), st.sampled_from(["message", "team", "merge"])),
    st.tuples(st.just("tag"), st.integers(0, 3), st.sampled_from(["VIP", "Lead"])),
    st.tuples(st.just("leave"), st.integers(0, 1)),
    st.tuples(st.just("count")),
    st.tuples(st.just("marks")),
    st.tuples(st.just("zone"), st.sampled_from(ZONES)),
)
history = st.lists(st.one_of(message, message, message, others), min_size=1, max_size=25)
BUSY = [
    *(("message", hour * 5000.0, hour % 3, "in", "received", 0) for hour in range(50)),
    *(
        ("message", hour * 5000.0 + hour * 61, hour % 3, "agent", "read", hour % 2)
        for hour in range(0, 50, 2)
    ),
    *(("close", hour * 5000.0 + 4000, hour % 3, hour % 2) for hour in range(0, 50, 7)),
    ("tag", 0, "VIP"),
    ("tag", 1, "VIP"),
    ("opt out", 90_000.0, 2, "message"),
    ("merge", 0, 1),
]
"""Four days with many questions, answers and closings: medians of two values or three say little."""


class World:
    """A business to which things happen."""

    def __init__(self, begin: datetime, zone: str) -> None:
        self.begin = begin
        self.business = factories.BusinessFactory(time_zone=zone)
        self.number = factories.ConnectionFactory(business_profile=self.business)
        self.team = [factories.UserFactory() for _ in range(2)]
        self.contacts = [self.contact(place) for place in range(4)]

    def contact(self, place: int) -> Any:
        made = factories.ContactFactory(business_profile=self.business)
        Contact.objects.filter(pk=made.pk).update(created_at=self.begin + timedelta(hours=9 * place))
        return made.pk

    def talk(self, place: int) -> Conversation:
        contact_id = self.contacts[place]
        found = Conversation.objects.filter(contact_id=contact_id, connection=self.number).first()
        return found or factories.ConversationFactory(
            business_profile=self.business, contact_id=contact_id, connection=self.number
        )

    def member(self, place: int) -> User | None:
        return self.team[place]

    def message(self, at: float, who: int, kind: str, status: str, agent: int) -> None:
        ours = kind not in ("in", "reaction in")
        origin = {"in": "customer", "reaction in": "customer", "campaign": "campaign", "phone": "phone"}
        factories.MessageFactory(
            conversation=self.talk(who),
            created_at=self.begin + timedelta(seconds=at),
            direction="outbound" if ours else "inbound",
            status=status if ours else "received",
            origin=origin.get(kind, "inbox"),
            sender=self.member(agent) if kind in ("agent", "campaign") else None,
            is_from_bot=kind == "bot",
            message_type="reaction" if kind.startswith("reaction") else "text",
        )

    def status(self, place: int, status: str) -> None:
        ours = Message.objects.filter(business_profile=self.business, direction="outbound").order_by("pk")
        for one in ours[place : place + 1]:
            Message.objects.filter(pk=one.pk).update(status=status)

    def merge(self, one: int, other: int) -> None:
        if self.contacts[one] == self.contacts[other]:
            return
        pair = {self.contacts[one], self.contacts[other]}
        kept = merging.merge_all(self.business.pk, pair)
        self.contacts = [kept if key in pair else key for key in self.contacts]

    def delete(self, place: int) -> None:
        gone = self.contacts[place]
        Contact.objects.get(pk=gone).delete()
        fresh = self.contact(place)
        self.contacts = [fresh if key == gone else key for key in self.contacts]

    def remove_message(self, place: int) -> None:
        rows = Message.objects.filter(business_profile=self.business).order_by("pk")
        for one in rows[place : place + 1]:
            one.delete()

    def close(self, at: float, who: int, agent: int) -> None:
        moment = self.begin + timedelta(seconds=at)
        ConversationEvent.objects.create(
            business_profile=self.business,
            conversation=self.talk(who),
            kind="closed",
            actor=self.member(agent),
            begun_at=moment - timedelta(minutes=77) if agent else None,
            created_at=moment,
        )

    def opt_out(self, at: float, who: int, how: str) -> None:
        proof = ConsentProof.objects.create(
            business_profile=self.business, contact_id=self.contacts[who], kind="opt_out", how=how
        )
        ConsentProof.objects.filter(pk=proof.pk).update(created_at=self.begin + timedelta(seconds=at))

    def tag(self, who: int, name: str) -> None:
        tag, _ = Tag.objects.get_or_create(business_profile=self.business, name=name)
        ContactTag.objects.get_or_create(contact_id=self.contacts[who], tag=tag)

    def leave(self, place: int) -> None:
        self.team[place].delete()
        self.team[place] = factories.UserFactory()

    def count(self) -> None:
        rollup.roll_up()

    def marks(self) -> None:
        rollup.open_marked_dates()

    def zone(self, name: str) -> None:
        BusinessProfile.objects.filter(pk=self.business.pk).update(time_zone=name)
        self.business.refresh_from_db()

    def dates(self) -> tuple[date, date]:
        return self.begin.date() - timedelta(days=2), self.begin.date() + timedelta(days=11)


@pytest.mark.django_db
@settings(
    max_examples=20,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example(begin=TIMES[0], zone="Europe/Lisbon", other="Asia/Kathmandu", events=BUSY, split=1)
@given(
    begin=st.sampled_from(TIMES),
    zone=st.sampled_from(ZONES),
    other=st.sampled_from(ZONES),
    events=history,
    split=st.integers(0, 3),
)
def test_every_figure_is_what_its_rows_are(
    begin: datetime, zone: str, other: str, events: list[tuple], split: int
) -> None:
    later = begin + timedelta(days=16)
    with (
        mock.patch.object(rollup, "now", return_value=later),
        mock.patch.object(rfm, "now", return_value=later),
    ):
        _play(begin, zone, other, events, split)


def _play(begin: datetime, zone: str, other: str, events: list[tuple], split: int) -> None:
    """split: the day of the history on which the range of the pages begins; the days before it are compared with."""
    world = World(begin, zone)
    for name, *details in events:
        getattr(world, name.replace(" ", "_"))(*details)

    first, last = world.dates()
    here = ZoneInfo(world.business.time_zone)
    expected = naive.expected(world.business, here, local_days.dates(first, last))
    assert naive.told(world.business, first, last) == expected, "as it stands"

    period = Period(first + timedelta(days=2 + split), last, here)
    _pages_agree(world, period)

    rollup.roll_up()
    assert naive.told(world.business, first, last) == expected, "after the roll-up"
    _pages_agree(world, period)
    rfm.regroup(world.business)
    today = local_days.local_date(begin + timedelta(days=16), here)
    grouped = ContactGroup.objects.filter(business_profile=world.business).values_list("contact_id", "group")
    assert dict(grouped) == naive_pages.Rows(world.business, here).groups(today)
    clock = StatsClock.objects.get(business_profile=world.business)
    assert clock.counted_until is not None, "the roll-up got there"
    assert clock.counted_until > last

    elsewhere = ZoneInfo(other)
    assert naive.told(world.business, first, last, elsewhere) == naive.expected(
        world.business, elsewhere, local_days.dates(first, last)
    ), "in another time zone"
    world.business.delete()


def _pages_agree(world: World, period: Period) -> None:
    """Whatever the pages and the API show of a range, and of the one before it, is what its rows are."""
    rows = naive_pages.Rows(world.business, period.zone)
    for group in ("day", "week", "month"):
        page = reports.overview(world.business, period, group)
        assert naive_pages.shown(page) == naive_pages.counted(rows, page), group
        people = reports.contacts(world.business, period, group)
        assert naive_pages.shown_contacts(people) == naive_pages.counted_contacts(rows, people), group


@given(st.lists(st.lists(st.integers(0, 20) | st.integers(0, 2**32 - 1), max_size=25), max_size=9))
def test_a_percentile_is_the_first_value_that_enough_do_not_exceed(lists: list[list[int]]) -> None:
    together = naive_pages.durations(one for seconds in lists for one in seconds)
    assert Durations.from_lists(sorted(seconds) for seconds in lists) == together


@given(zone=st.sampled_from(ZONES), begin=st.sampled_from(TIMES), after=st.floats(-2 * 86400, 4 * 86400))
@settings(max_examples=200)
def test_every_moment_lies_in_the_hour_that_its_clock_shows(zone: str, begin: datetime, after: float) -> None:
    moment = begin + timedelta(seconds=after)
    local = moment.astimezone(ZoneInfo(zone))
    spans = local_days.hours(
        ZoneInfo(zone), begin.date() - timedelta(days=4), begin.date() + timedelta(days=6)
    )

    found = [span for span in spans if span.begins <= moment < span.ends]

    assert [(span.date, span.hour) for span in found] == [(local.date(), local.hour)]

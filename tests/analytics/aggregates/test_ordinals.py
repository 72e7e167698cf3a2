"""Numbers of contacts and conversations and the bitmaps they make: nobody has two of them, no two people have one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from django.db import connection as database
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import BusinessProfile
from analytics import reports
from analytics.aggregates import bitmaps, local_days, ordinals, queries, rollup
from analytics.aggregates.day import CountedDay, Day
from analytics.aggregates.ordinals import Ordinals
from analytics.aggregates.reader import days
from analytics.models import StatsClock, StatsNumber
from analytics.reports.periods import Period
from analytics.reports.summary import summary
from analytics.services import nightly
from connections.models import WhatsAppConnection
from contacts.models import Contact
from contacts.services import merging
from core.ids import uuid7
from messaging.models import Conversation
from tests import factories
from tests.analytics import naive

pytestmark = pytest.mark.services

MONDAY = date(2026, 3, 2)
FRIDAY = date(2026, 3, 6)
MARCH = Period(MONDAY, FRIDAY, ZoneInfo("UTC"))


def at(day: date, hour: int = 12) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def talk(connection: WhatsAppConnection, *wrote: date) -> Conversation:
    """A conversation of somebody new, who came on a Monday and wrote on these dates."""
    business = connection.business_profile
    contact = factories.ContactFactory(business_profile=business)
    Contact.objects.filter(pk=contact.pk).update(created_at=at(MONDAY, 8))
    made = factories.ConversationFactory(business_profile=business, contact=contact, connection=connection)
    for day in wrote:
        factories.MessageFactory(conversation=made, created_at=at(day))
    return made


def given_numbers(business: BusinessProfile, kind: str = "contact") -> dict[UUID, int]:
    rows = StatsNumber.objects.filter(business_profile=business, kind=kind)
    return dict(rows.values_list("id", "number"))


def active(business: BusinessProfile) -> int:
    return summary(days(business, MONDAY, FRIDAY)).active_contacts


def agree(business: BusinessProfile) -> bool:
    expected = naive.expected(business, ZoneInfo("UTC"), local_days.dates(MONDAY, FRIDAY))
    return naive.told(business, MONDAY, FRIDAY) == expected


@pytest.fixture
def before(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, str, Callable[[], Any]], None]:
    """`before(module, name, work)`: do `work` once, right before that function is called."""

    def arrange(module: Any, name: str, work: Callable[[], Any]) -> None:
        real, waiting = getattr(module, name), [work]

        def call(*args: Any, **more: Any) -> Any:
            if waiting:
                waiting.pop()()
            return real(*args, **more)

        monkeypatch.setattr(module, name, call)

    return arrange


# -- bitmaps ---------------------------------------------------------------------------------------------------------


@given(st.sets(st.integers(0, 3000)), st.sets(st.integers(0, 3000)))
def test_bitmaps_are_sets(one: set[int], other: set[int]) -> None:
    first, second = bitmaps.from_ordinals(list(one)), bitmaps.from_ordinals(list(other))
    assert bitmaps.to_ordinals(first) == sorted(one)
    assert bitmaps.to_ordinals(bitmaps.union([first, second])) == sorted(one | other)
    assert bitmaps.to_ordinals(first & second) == sorted(one & other)
    assert first.bit_count() == len(one)
    assert bitmaps.unpack(bitmaps.pack(first)) == first


def test_few_among_a_million_take_little_room() -> None:
    assert len(bitmaps.pack(bitmaps.from_ordinals([7, 500_000, 1_000_000]))) < 300


# -- one person, one number ------------------------------------------------------------------------------------------


def test_who_is_in_a_counted_day_and_in_one_that_is_not_is_one(
    business: BusinessProfile, connection: WhatsAppConnection
) -> None:
    known = talk(connection, MONDAY)
    rollup.roll_up()
    factories.MessageFactory(conversation=known, created_at=at(FRIDAY))
    talk(connection, FRIDAY)
    assert active(business) == 2
    assert agree(business)


def test_who_gets_a_number_while_a_page_is_made_is_counted_once(
    business: BusinessProfile,
    connection: WhatsAppConnection,
    before: Callable,
) -> None:
    talk(connection, MONDAY)
    rollup.roll_up()
    talk(connection, MONDAY, FRIDAY)
    talk(connection, FRIDAY)
    before(queries, "count", rollup.roll_up)
    assert active(business) == 3, "numbered after the counted days were read"
    assert len(given_numbers(business)) == 3


@pytest.mark.parametrize("moment", ["before the first question", "between the questions"])
def test_who_comes_while_a_page_is_made_is_nobody_that_it_knows(
    moment: str,
    business: BusinessProfile,
    connection: WhatsAppConnection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Their number is the one that the page had lent to somebody else."""
    silent = talk(connection)
    talk(connection, FRIDAY)
    real, questions = ordinals._read, 0

    def read(*args: Any) -> Any:
        nonlocal questions
        questions += 1
        if questions == (1 if moment == "before the first question" else 2):
            with monkeypatch.context() as others:
                others.setattr(ordinals, "_read", real)
                factories.MessageFactory(conversation=silent, created_at=at(FRIDAY))
                rollup.roll_up()
        return real(*args)

    monkeypatch.setattr(ordinals, "_read", read)
    (cohort,) = reports.contacts(business, MARCH).cohorts
    assert (cohort.size, list(cohort.stayed)) == (2, [1])
    assert questions == 2
    monkeypatch.undo()
    (cohort,) = reports.contacts(business, MARCH).cohorts
    assert list(cohort.stayed) == [2], "the next page knows"


def test_pages_write_no_numbers(business: BusinessProfile, connection: WhatsAppConnection) -> None:
    talk(connection, MONDAY)
    assert active(business) == 1
    reports.contacts(business, MARCH)
    assert not StatsNumber.objects.exists()


def test_two_businesses_count_from_zero_each(
    business: BusinessProfile, connection: WhatsAppConnection
) -> None:
    elsewhere = factories.ConnectionFactory()
    for one in (connection, elsewhere, connection, elsewhere):
        talk(one, MONDAY)
    rollup.roll_up()
    for mine in (business, elsewhere.business_profile):
        assert sorted(given_numbers(mine).values()) == [0, 1]
        assert sorted(given_numbers(mine, "conversation").values()) == [0, 1]
        assert active(mine) == 2


# -- giving and taking -----------------------------------------------------------------------------------------------


def test_numbers_are_not_given_again(business: BusinessProfile, connection: WhatsAppConnection) -> None:
    first, second = talk(connection, MONDAY), talk(connection, MONDAY)
    rollup.roll_up()
    taken = given_numbers(business)
    gone = max((first, second), key=lambda one: taken[one.contact_id])
    Contact.objects.get(pk=gone.contact_id).delete()
    assert ordinals.prune_ordinals(business) == 2, "the contact and the conversation"
    talk(connection, MONDAY)
    rollup.roll_up()
    assert sorted(given_numbers(business).values()) == [0, 2]
    assert sorted(given_numbers(business, "conversation").values()) == [0, 2]
    assert active(business) == 2
    assert agree(business)


def test_who_is_pruned_before_their_days_are_counted_anew_is_not_counted(
    business: BusinessProfile, connection: WhatsAppConnection
) -> None:
    gone, stays = talk(connection, MONDAY), talk(connection, MONDAY, FRIDAY)
    rollup.roll_up()
    Contact.objects.get(pk=gone.contact_id).delete()
    ordinals.prune_ordinals(business)
    assert list(given_numbers(business)) == [stays.contact_id]
    assert active(business) == 1
    assert agree(business), "marked"
    rollup.roll_up()
    assert agree(business), "counted anew"


def test_two_who_become_one_are_counted_once(
    business: BusinessProfile, connection: WhatsAppConnection
) -> None:
    pair = {talk(connection, MONDAY).contact_id, talk(connection, FRIDAY).contact_id}
    rollup.roll_up()
    assert active(business) == 2
    kept = merging.merge_all(business.pk, pair)
    assert active(business) == 1
    nightly.run()
    assert list(given_numbers(business)) == [kept]
    assert active(business) == 1
    assert agree(business)


def test_every_night_who_is_gone_loses_their_row(
    business: BusinessProfile, connection: WhatsAppConnection
) -> None:
    gone = talk(connection, MONDAY)
    rollup.roll_up()
    Contact.objects.get(pk=gone.contact_id).delete()
    nightly.run()
    assert not StatsNumber.objects.exists()


def test_counting_everything_anew_keeps_the_numbers(
    business: BusinessProfile, connection: WhatsAppConnection
) -> None:
    gone = talk(connection, MONDAY)
    talk(connection, MONDAY)
    rollup.roll_up()
    Contact.objects.get(pk=gone.contact_id).delete()
    ordinals.prune_ordinals(business)
    rollup.reset(business)
    talk(connection, FRIDAY)
    rollup.roll_up()
    assert sorted(given_numbers(business).values()) == [1, 2]
    assert StatsClock.objects.get(business_profile=business).next_contact == 3
    assert agree(business)


def test_another_time_zone_keeps_the_numbers(
    business: BusinessProfile, connection: WhatsAppConnection
) -> None:
    talk(connection, MONDAY, FRIDAY)
    rollup.roll_up()
    known = given_numbers(business)
    BusinessProfile.objects.filter(pk=business.pk).update(time_zone="Asia/Tokyo")
    rollup.roll_up()
    assert given_numbers(business) == known
    business.refresh_from_db()
    assert active(business) == 1


def test_a_run_that_remembers_little_gives_the_same_numbers(
    business: BusinessProfile, connection: WhatsAppConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk(connection, MONDAY, MONDAY + timedelta(days=100))
    talk(connection, MONDAY, MONDAY + timedelta(days=200))
    monkeypatch.setattr(ordinals, "MAX_CACHED", 0)
    rollup.roll_up()
    assert sorted(given_numbers(business).values()) == [0, 1]
    assert agree(business)


@pytest.mark.django_db(transaction=True)
def test_two_who_give_numbers_at_once_give_each_of_them_once(
    require_postgres: None, business: BusinessProfile, connection: WhatsAppConnection
) -> None:
    rollup.ensure_clock(business)
    common, mine, theirs = ([uuid7() for _ in range(300)] for _ in range(3))
    start = threading.Barrier(2, timeout=20)

    def give(*ids: UUID) -> None:
        start.wait()
        for begin in range(0, len(ids), 50):
            people = b"".join(one.bytes for one in ids[begin : begin + 50])
            Ordinals(business.pk, assign=True).to_days([CountedDay(Day(MONDAY), active=people)])
        database.close()

    workers = [threading.Thread(target=give, args=(*common, *own)) for own in (mine, theirs)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    found = given_numbers(business)
    assert found.keys() == {*common, *mine, *theirs}
    assert sorted(found.values()) == list(range(900))
    assert StatsClock.objects.get(business_profile=business).next_contact == 900


# -- what it costs ---------------------------------------------------------------------------------------------------


def test_numbers_are_asked_for_once_however_many_days_and_people(
    business: BusinessProfile,
    connection: WhatsAppConnection,
    django_assert_max_num_queries: Callable,
) -> None:
    elsewhere = ZoneInfo("Asia/Tokyo")
    with django_assert_max_num_queries(20) as one:
        days(business, MONDAY, FRIDAY, elsewhere)
    for day in local_days.dates(MONDAY, FRIDAY):
        for _ in range(5):
            talk(connection, day)
    rollup.roll_up()
    with django_assert_max_num_queries(len(one) + 1):
        days(business, MONDAY, FRIDAY, elsewhere)


def test_a_stretch_of_days_gives_its_numbers_in_a_few_statements(
    business: BusinessProfile,
    connection: WhatsAppConnection,
    django_assert_max_num_queries: Callable,
) -> None:
    rollup.ensure_clock(business)
    talks = [talk(connection) for _ in range(40)]
    people = [
        CountedDay(Day(MONDAY), *[b"".join(one.contact_id.bytes for one in talks)] * 2) for _ in range(3)
    ]
    with django_assert_max_num_queries(10):
        Ordinals(business.pk, assign=True).to_days(people)
    assert len(given_numbers(business)) == 40
    with django_assert_max_num_queries(1):
        Ordinals(business.pk, assign=True).to_days(people)

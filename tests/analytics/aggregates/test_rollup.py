"""What a roll-up withstands: being killed, being run twice, and changes that come while it counts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.db import connection as database
from django.db import transaction

from accounts.models import BusinessProfile
from accounts.services import businesses, purge
from analytics.aggregates import local_days, rollup
from analytics.aggregates.reader import days
from analytics.models import (
    DailyAgentStats,
    DailyMessageStats,
    DailyStats,
    StatsClock,
    StatsMark,
    StatsNumber,
)
from analytics.reports.summary import Durations, summary
from core import failpoints
from messaging.models import Conversation, Message
from tests import factories
from tests.analytics import naive

pytestmark = pytest.mark.services("analytics.aggregates.triggers")

DAY = date(2026, 3, 3)
NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
At = Callable[[str, Callable[[], Any]], None]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    """`at(place, work)`: do `work` once, when a roll-up comes to `place`."""

    def arrange(place: str, work: Callable[[], Any]) -> None:
        waiting = [work]

        def reach(reached: str) -> None:
            if reached == place and waiting:
                waiting.pop()()

        monkeypatch.setattr(failpoints, "reach", reach)

    return arrange


class Killed(BaseException):
    """The process ends here."""


def killed() -> None:
    raise Killed


def write(conversation: Conversation, **fields: Any) -> Message:
    return factories.MessageFactory(conversation=conversation, **{"created_at": NOON, **fields})


def agree(business: BusinessProfile) -> bool:
    zone = ZoneInfo(business.time_zone)
    wanted = [DAY - timedelta(days=1), DAY, DAY + timedelta(days=1)]
    return naive.told(business, wanted[0], wanted[-1]) == naive.expected(business, zone, wanted)


def state(business: BusinessProfile) -> str:
    return DailyStats.objects.get(business_profile=business, date=DAY).state


@pytest.mark.parametrize("place", ["rollup.started", "rollup.counted", "rollup.numbered"])
def test_a_killed_roll_up_is_done_again(
    place: str, at: At, business: BusinessProfile, conversation: Conversation
) -> None:
    write(conversation)
    at(place, killed)
    with pytest.raises(Killed):
        rollup.roll_up()
    assert state(business) == "started"
    assert agree(business), "what is not done is counted from the rows"

    rollup.roll_up()
    assert state(business) == "done"
    assert sorted(StatsNumber.objects.values_list("kind", "number")) == [("contact", 0), ("conversation", 0)]
    assert agree(business)


@pytest.mark.parametrize("place", ["rollup.started", "rollup.counted", "rollup.numbered"])
def test_of_two_beats_at_once_one_writes(
    place: str, at: At, business: BusinessProfile, conversation: Conversation
) -> None:
    write(conversation)
    write(conversation, outbound=True, created_at=NOON + timedelta(minutes=5))
    at(place, rollup.roll_up)
    rollup.roll_up()
    assert state(business) == "done"
    assert sorted(StatsNumber.objects.values_list("kind", "number")) == [("contact", 0), ("conversation", 0)]
    assert DailyMessageStats.objects.filter(business_profile=business).count() == 2
    assert DailyAgentStats.objects.filter(business_profile=business).count() == 1
    assert agree(business)


def test_what_changes_while_it_counts_is_not_lost(
    at: At, business: BusinessProfile, conversation: Conversation
) -> None:
    write(conversation)
    rollup.roll_up()

    def late() -> None:
        write(conversation)
        rollup.open_marked_dates()

    write(conversation)
    at("rollup.counted", late)
    rollup.roll_up()
    assert state(business) == "open", "what was counted is older than the last change"
    assert agree(business)
    rollup.roll_up()
    assert state(business) == "done"
    assert DailyStats.objects.get(business_profile=business, date=DAY).messages_received == 3


def test_a_late_receipt_opens_its_message_s_day(
    business: BusinessProfile, conversation: Conversation
) -> None:
    sent = write(conversation, outbound=True)
    rollup.roll_up()
    Message.objects.filter(pk=sent.pk).update(status="read")
    assert StatsMark.objects.exists()
    assert agree(business), "before the mark was looked at"
    rollup.open_marked_dates()
    assert agree(business), "after it"
    rollup.roll_up()
    assert DailyMessageStats.objects.get().read == 1


def test_what_happens_now_leaves_no_marks(business: BusinessProfile, conversation: Conversation) -> None:
    StatsMark.objects.all().delete()
    message = factories.MessageFactory(conversation=conversation, outbound=True)
    Message.objects.filter(pk=message.pk).update(status="read")
    message.delete()
    assert not StatsMark.objects.exists()


def test_a_claim_of_an_old_message_leaves_no_mark(
    business: BusinessProfile, conversation: Conversation
) -> None:
    message = write(conversation, outbound=True)
    StatsMark.objects.all().delete()
    Message.objects.filter(pk=message.pk).update(claim_epoch=7, attempts=1)
    assert not StatsMark.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"origin": "api", "is_from_bot": True},
        {"origin": "campaign"},
        {"message_type": "reaction"},
    ],
    ids=["a bot's answer", "a broadcast", "a reaction"],
)
def test_only_an_answer_ends_the_wait_of_a_customer(
    business: BusinessProfile, conversation: Conversation, fields: dict[str, Any]
) -> None:
    write(conversation)
    write(conversation, outbound=True, created_at=NOON + timedelta(seconds=5), **fields)
    write(conversation, outbound=True, created_at=NOON + timedelta(seconds=600))

    rollup.roll_up()

    assert summary(days(business, DAY, DAY)).answers == Durations(count=1, median=600, p90=600)


def test_rows_of_the_specification_are_filled(business: BusinessProfile, conversation: Conversation) -> None:
    write(conversation)
    write(conversation, outbound=True, created_at=NOON + timedelta(minutes=1))
    rollup.roll_up()
    row = DailyStats.objects.get(business_profile=business, date=DAY)
    assert (row.messages_sent, row.messages_received, row.active_contacts) == (1, 1, 1)


def test_the_command_counts_anew(
    business: BusinessProfile, conversation: Conversation, capsys: pytest.CaptureFixture[str]
) -> None:
    write(conversation)
    rollup.roll_up()
    DailyStats.objects.filter(date=DAY).update(messages_received=99)
    call_command("rollup", "--business", str(business.pk), "--from", "2026-03-01", "--to", "2026-03-05")
    assert DailyStats.objects.get(date=DAY).messages_received == 1
    assert "5 days counted" in capsys.readouterr().out


def test_an_unfinished_run_goes_on_where_it_stopped(
    business: BusinessProfile, conversation: Conversation
) -> None:
    write(conversation, created_at=NOON - timedelta(days=200))
    assert rollup.catch_up(business, deadline=0.0) == rollup.CHUNK
    assert StatsClock.objects.get(business_profile=business).counted_until is None
    assert agree(business)
    rollup.catch_up(business)
    assert rollup.catch_up(business) == 0


def test_a_removed_business_leaves_nothing(
    owner: Any, business: BusinessProfile, conversation: Conversation
) -> None:
    write(conversation)
    rollup.roll_up()
    businesses.delete(business, owner, typed_name=business.business_name)
    assert purge.business(business.pk)
    rollup.roll_up()
    for model in (DailyStats, DailyMessageStats, DailyAgentStats, StatsClock, StatsMark, StatsNumber):
        assert not model._default_manager.exists(), model.__name__


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_committed_during_the_count_is_marked(
    require_postgres: None, at: At, business: BusinessProfile, conversation: Conversation
) -> None:
    """Its mark cannot be seen before it can be seen itself: whoever takes marks in between takes none of its."""
    write(conversation)
    rollup.roll_up()
    changed, counted = threading.Event(), threading.Event()

    def other() -> None:
        with transaction.atomic():
            write(conversation)
            changed.set()
            counted.wait(20)
        database.close()

    writer = threading.Thread(target=other)
    writer.start()
    assert changed.wait(20)
    write(conversation)
    rollup.roll_up()
    assert DailyStats.objects.get(business_profile=business, date=DAY).messages_received == 2
    counted.set()
    writer.join(20)
    assert agree(business)
    rollup.roll_up()
    assert DailyStats.objects.get(business_profile=business, date=DAY).messages_received == 3


STRAY = [
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1, 1, 1, 3, tzinfo=UTC),
    datetime(9999, 12, 31, 23, tzinfo=UTC),
]


@pytest.mark.parametrize("stray", STRAY)
@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Pacific/Kiritimati"])
def test_a_stray_time_that_is_stored_already_ends_no_roll_up(
    stray: datetime, zone: str, business: BusinessProfile, conversation: Conversation
) -> None:
    business.time_zone = zone
    business.save()
    write(conversation)
    write(conversation, created_at=stray)
    rollup.roll_up()
    day = local_days.local_date(NOON, ZoneInfo(zone))
    assert DailyStats.objects.get(business_profile=business, date=day).state == "done"
    assert DailyStats.objects.filter(business_profile=business).count() < 1000
    assert rollup.first_date(business).year == 2026

    Message.objects.filter(created_at=stray).update(message_type="image")
    StatsMark.objects.create(business_profile_id=business.pk, hour=stray)
    rollup.roll_up()
    assert not StatsMark.objects.exists()
    assert rollup.roll_up() == 0


def test_a_date_that_an_older_version_has_opened_near_the_year_one_is_left_alone(
    business: BusinessProfile, conversation: Conversation
) -> None:
    write(conversation)
    DailyStats.objects.create(business_profile=business, date=date(1, 1, 1), state="open")
    rollup.roll_up()
    assert state(business) == "done"
    assert rollup.roll_up() == 0


def test_what_fails_for_one_business_does_not_end_the_others(
    business: BusinessProfile,
    conversation: Conversation,
    other_business: BusinessProfile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = sorted([business, other_business], key=lambda one: one.pk)
    number = factories.ConnectionFactory(business_profile=other_business, phone_number="+9991000000099")
    write(conversation)
    write(factories.ConversationFactory(business_profile=other_business, connection=number))
    real = rollup.catch_up

    def catch_up(one: BusinessProfile, deadline: float | None = None) -> int:
        if one == first:
            raise ValueError
        return real(one, deadline)

    monkeypatch.setattr(rollup, "catch_up", catch_up)
    rollup.roll_up()
    assert state(second) == "done"
    assert not DailyStats.objects.filter(business_profile=first).exists()

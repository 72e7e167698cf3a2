"""SIGKILL of a real roll-up, and two of them at once: the result is that of one that nobody disturbed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from accounts.models import BusinessProfile, User
from analytics.aggregates import local_days, rollup
from analytics.models import DailyAgentStats, DailyMessageStats, DailyStats
from messaging.models import Conversation
from tests import factories
from tests.analytics import naive
from tests.connections.driver_contract import until
from tests.faults.conftest import Workers

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

FIRST, LAST = date(2026, 3, 2), date(2026, 3, 6)


@pytest.fixture
def talk(conversation: Conversation, teammate: User) -> Conversation:
    """A question and its answer every hour of five days."""
    for hour in range(5 * 24):
        at = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=hour)
        factories.MessageFactory(conversation=conversation, created_at=at)
        factories.MessageFactory(
            conversation=conversation,
            created_at=at + timedelta(minutes=hour % 50),
            outbound=True,
            sender=teammate,
            status="read" if hour % 3 else "failed",
        )
    return conversation


def tables() -> list[Any]:
    """What the roll-up keeps, but for keys, tokens and the time of counting."""
    left_out = {"id", "token", "counted_at", "created_at", "updated_at"}
    found = []
    for model in (DailyStats, DailyMessageStats, DailyAgentStats):
        names = [field.attname for field in model._meta.fields if field.name not in left_out]
        rows = model._default_manager.filter(date__range=(FIRST, LAST)).values_list(*names)
        found.append(sorted(map(_comparable, rows)))
    return found


def _comparable(row: tuple[Any, ...]) -> list[str]:
    return [str(bytes(cell)) if isinstance(cell, bytes | memoryview) else str(cell) for cell in row]


def agree(business: BusinessProfile) -> bool:
    zone = ZoneInfo(business.time_zone)
    return naive.told(business, FIRST, LAST) == naive.expected(business, zone, local_days.dates(FIRST, LAST))


def undisturbed(business: BusinessProfile) -> list[Any]:
    """What one roll-up writes that is left alone."""
    rollup.reset(business)
    rollup.rebuild(business, FIRST, LAST)
    return tables()


@pytest.mark.parametrize("place", ["rollup.started", "rollup.counted", "rollup.numbered"])
def test_a_killed_roll_up_is_done_again(
    place: str, business: BusinessProfile, talk: Conversation, processes: Workers, reached: Callable[[], Path]
) -> None:
    victim = processes("manage", "rollup", place=place)
    reached()
    victim.kill()
    victim.wait(10)
    assert agree(business), "what is not done is counted from the rows"
    assert processes("manage", "rollup").wait(60) == 0
    assert DailyStats.objects.filter(date__range=(FIRST, LAST), state="done").count() == 5
    assert agree(business)
    assert tables() == undisturbed(business)


def test_two_roll_ups_at_once_write_what_one_writes(
    business: BusinessProfile, talk: Conversation, processes: Workers, reached: Callable[[], Path]
) -> None:
    slow = processes("manage", "rollup", place="rollup.counted")
    marker = reached()
    assert processes("manage", "rollup").wait(60) == 0
    until(lambda: marker.unlink(missing_ok=True) or slow.poll() is not None, "its end, stretch by stretch")
    assert slow.returncode == 0
    assert agree(business)
    assert tables() == undisturbed(business)

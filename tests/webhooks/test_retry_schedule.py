"""When a delivery is tried again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from webhooks.delivery import retry_schedule

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def test_ten_attempts_go_out_in_about_three_days() -> None:
    waits = [retry_schedule.next_wait(settings.WEBHOOK_RETRY_SECONDS, tried, 0.0) for tried in range(11)]
    assert waits == [
        *(0.0, 5.0, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR),
        None,
    ]
    assert 3 * DAY < sum(wait for wait in waits if wait) < 3.5 * DAY


@given(tried=st.integers(0, 9), chance=st.floats(0, 1), asked=st.none() | st.floats(0, 10 * DAY))
def test_a_wait_is_spread_and_as_long_as_the_receiver_asks_for_up_to_a_day(
    tried: int, chance: float, asked: float | None
) -> None:
    planned = settings.WEBHOOK_RETRY_SECONDS[tried]
    wait = retry_schedule.next_wait(settings.WEBHOOK_RETRY_SECONDS, tried, chance, asked)
    assert wait is not None
    assert planned <= wait <= max(planned * 1.2, min(asked or 0.0, DAY))
    assert wait >= min(asked or 0.0, DAY)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("0", 0.0),
        (" 120 ", 120.0),
        ("9" * 40, DAY),
        (format_datetime(NOW + timedelta(minutes=10), usegmt=True), 600.0),
        (format_datetime(NOW - timedelta(minutes=10), usegmt=True), 0.0),
        (format_datetime(NOW + timedelta(days=400), usegmt=True), DAY),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_schedule.retry_after(header, NOW) == seconds

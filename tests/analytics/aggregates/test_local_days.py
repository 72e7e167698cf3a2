"""When dates begin and end, also where a zone has left one out."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from analytics.aggregates import local_days

APIA = ZoneInfo("Pacific/Apia")
LEAP = datetime(2011, 12, 30, 10, tzinfo=UTC)
"""At midnight after 29 December 2011 Samoa went over the date line: the 31st came next."""


@pytest.mark.parametrize(
    ("first", "last", "begins", "ends"),
    [
        (date(2011, 12, 30), date(2011, 12, 30), LEAP, LEAP),
        (date(2011, 12, 30), date(2011, 12, 31), LEAP, datetime(2011, 12, 31, 10, tzinfo=UTC)),
        (date(2011, 12, 29), date(2011, 12, 30), datetime(2011, 12, 29, 10, tzinfo=UTC), LEAP),
    ],
)
def test_a_range_with_a_date_that_never_was_begins_or_ends_at_the_leap(
    first: date, last: date, begins: datetime, ends: datetime
) -> None:
    assert local_days.utc_bounds(APIA, first, last) == (begins, ends)


def test_a_day_has_as_many_hours_as_the_clock_makes_of_it() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    lengths = [
        (ends - begins).total_seconds() / 3600
        for when in (date(2026, 3, 29), date(2026, 6, 1), date(2026, 10, 25))
        for begins, ends in [local_days.utc_bounds(berlin, when, when)]
    ]
    assert lengths == [23, 24, 25]

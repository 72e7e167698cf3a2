"""Periods: ranges of dates, and the pieces that they are cut into."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from analytics.aggregates import DAY, Day
from core.errors import InvalidInput

LONGEST = 731
"""Days of the longest period: two years."""
PRESETS = {
    "today": "Today",
    "7": "Last 7 days",
    "30": "Last 30 days",
    "90": "Last 90 days",
    "365": "Last 365 days",
    "month": "This month",
    "last_month": "Last month",
}
DEFAULT = "30"
GROUPS = ("day", "week", "month")


@dataclass(frozen=True)
class Period:
    """The dates from `first` to `last`, both included, in `zone`."""

    first: date
    last: date
    zone: ZoneInfo

    @property
    def length(self) -> int:
        """Return the number of days."""
        return (self.last - self.first).days + 1

    @property
    def before(self) -> Period:
        """Return the period of the same length right before this one."""
        return Period(self.first - timedelta(days=self.length), self.first - DAY, self.zone)

    @property
    def group(self) -> str:
        """Return the grouping that fits a chart of this length."""
        return "day" if self.length <= 62 else "week" if self.length <= 200 else "month"


def preset(name: str, today: date, zone: ZoneInfo) -> Period:
    """Return one of PRESETS as of `today`. Raises InvalidInput("unknown_range")."""
    if name not in PRESETS:
        choices = ", ".join(PRESETS)
        raise InvalidInput("unknown_range", f"Choose one of these ranges: {choices}.", field="range")
    if name.isdigit():
        return Period(today - timedelta(days=int(name) - 1), today, zone)
    if name == "last_month":
        last = today.replace(day=1) - DAY
        return Period(last.replace(day=1), last, zone)
    return Period(today.replace(day=1) if name == "month" else today, today, zone)


def between(first: str, last: str, zone: ZoneInfo, *, fields: tuple[str, str] = ("from", "to")) -> Period:
    """Return the period between two dates (YYYY-MM-DD).

    Raises InvalidInput with the invalid field.
    """
    begin, end = _date(first, fields[0]), _date(last, fields[1])
    if begin > end:
        raise InvalidInput("range_backwards", "The range ends before it begins.", field=fields[1])
    if (end - begin).days >= LONGEST:
        raise InvalidInput("range_too_long", f"A range has at most {LONGEST} days.", field=fields[0])
    return Period(begin, end, zone)


def _date(text: str, field: str) -> date:
    try:
        parsed = date.fromisoformat(text)
    except ValueError:
        raise InvalidInput("invalid_date", "Write dates like 2026-03-31.", field=field) from None
    if not date(1990, 1, 1) <= parsed <= date(2199, 12, 31):
        raise InvalidInput("invalid_date", "Choose a date between 1990 and 2199.", field=field)
    return parsed


def time_zone(name: str) -> ZoneInfo:
    """Return the time zone called `name`. Raises InvalidInput("unknown_time_zone")."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        message = "Use a name of the time zone database, like Europe/Lisbon."
        raise InvalidInput("unknown_time_zone", message, field="timezone") from None


def pieces(days: Sequence[Day], group: str) -> list[list[Day]]:
    """Cut consecutive days into days, weeks (from Monday) or months."""
    return [list(piece) for _, piece in groupby(days, key=lambda day: begin(day.date, group))]


def begin(when: date, group: str) -> date:
    """Return the first date of the day, week or month of `when`."""
    if group == "week":
        return when - timedelta(days=when.weekday())
    return when.replace(day=1) if group == "month" else when


def label(when: date, group: str) -> str:
    """Return the name of a piece: "Mon 3 Mar", "Week of 3 Mar", "March 2026"."""
    if group == "month":
        return f"{when:%B %Y}"
    day = f"{when.day} {when:%b}"
    return f"Week of {day}" if group == "week" else f"{when:%a} {day}"

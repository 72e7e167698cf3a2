"""The days and hours of a time zone as spans of UTC, so that both databases count by the same clock: Python's.

A day is not always 24 hours, an hour of the clock not always 60 minutes, and where clocks are set back over midnight
a date comes twice. Counting by spans instead of by a database's own idea of a zone makes all of that the same sum.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
EARLIEST = datetime(2009, 1, 1, tzinfo=UTC)
"""Nothing is counted before: WhatsApp did not exist. Near the year 1 a time has no local date in some zones."""


@dataclass(frozen=True, slots=True)
class Span:
    """From `begins` up to, not including, `ends` (UTC) a clock on the wall shows this date and hour."""

    date: date
    hour: int
    begins: datetime
    ends: datetime


def local_date(moment: datetime, zone: ZoneInfo) -> date:
    """The date on the wall at `moment`."""
    return moment.astimezone(zone).date()


def dates(first: date, last: date) -> list[date]:
    """Every date from `first` to `last`, both included."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


@lru_cache(maxsize=64)
def hours(zone: ZoneInfo, first: date, last: date) -> tuple[Span, ...]:
    """The hours of the clock in `zone` on the dates from `first` to `last`, in the order of time.

    Where the clock is set back an hour may come in two spans; where it is set forward one is missing.
    """
    begin = datetime(first.year, first.month, first.day, tzinfo=UTC) - DAY
    end = datetime(last.year, last.month, last.day, tzinfo=UTC) + 2 * DAY
    found = []
    for begins, ends in _even(zone, begin, end):
        found += [span for span in _hours_within(zone, begins, ends) if first <= span.date <= last]
    return tuple(_joined(found))


def days(zone: ZoneInfo, first: date, last: date) -> list[Span]:
    """The dates from `first` to `last` as spans; `hour` is 0."""
    whole: list[Span] = []
    for span in hours(zone, first, last):
        if whole and whole[-1].date == span.date and whole[-1].ends == span.begins:
            whole[-1] = Span(span.date, 0, whole[-1].begins, span.ends)
        else:
            whole.append(Span(span.date, 0, span.begins, span.ends))
    return whole


def bounds(zone: ZoneInfo, first: date, last: date) -> tuple[datetime, datetime]:
    """When the first of these dates begins and the last one ends (UTC)."""
    return _one(zone, first)[0], max(_one(zone, first)[1], _one(zone, last)[1])


def _one(zone: ZoneInfo, when: date) -> tuple[datetime, datetime]:
    """When a date begins and ends. One that the zone left out altogether does both at the moment of the leap."""
    spans = days(zone, when, when)
    if not spans:
        moment = datetime(when.year, when.month, when.day, tzinfo=zone).astimezone(UTC)
        return moment, moment
    return spans[0].begins, max(span.ends for span in spans)


def _even(zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Stretches of [begin, end) in which the zone's distance from UTC does not change."""
    start = at = begin
    while at < end:
        following = min(at + 6 * HOUR, end)
        if _offset(zone, at) != _offset(zone, following):
            change = _change(zone, at, following)
            yield start, change
            start = following = change
        at = following
    yield start, end


def _change(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """The second at which the offset of `low` ends, somewhere up to `high`."""
    before = _offset(zone, low)
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    return high


def _offset(zone: ZoneInfo, moment: datetime) -> timedelta:
    offset = moment.astimezone(zone).utcoffset()
    assert offset is not None
    return offset


def _hours_within(zone: ZoneInfo, begins: datetime, ends: datetime) -> Iterator[Span]:
    offset = _offset(zone, begins)
    at = begins
    while at < ends:
        wall = (at + offset).replace(tzinfo=None)
        full = wall.replace(minute=0, second=0, microsecond=0) + HOUR
        following = min(at + (full - wall), ends)
        yield Span(wall.date(), wall.hour, at, following)
        at = following


def _joined(spans: list[Span]) -> Iterator[Span]:
    """Neighbours that show the same hour as one."""
    waiting: Span | None = None
    for span in spans:
        same = waiting and (waiting.date, waiting.hour, waiting.ends) == (span.date, span.hour, span.begins)
        if waiting and same:
            waiting = Span(span.date, span.hour, waiting.begins, span.ends)
            continue
        if waiting:
            yield waiting
        waiting = span
    if waiting:
        yield waiting

"""Days and hours of a time zone as spans of UTC.

Both databases count by them, and so by Python's time zones. A day does not always have 24 hours, nor an hour of the
clock 60 minutes, and where clocks are set back over midnight a date comes twice. Spans cover all of that.
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
"""Nothing earlier is counted: WhatsApp did not exist. Near the year 1 a time has no local date in some zones."""


@dataclass(frozen=True, slots=True)
class Span:
    """A local date and hour, from `begins` up to, not including, `ends` (UTC)."""

    date: date
    hour: int
    begins: datetime
    ends: datetime


def local_date(moment: datetime, zone: ZoneInfo) -> date:
    """Return the local date at `moment`."""
    return moment.astimezone(zone).date()


def dates(first: date, last: date) -> list[date]:
    """Return every date from `first` to `last`, both included."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


@lru_cache(maxsize=64)
def hours(zone: ZoneInfo, first: date, last: date) -> tuple[Span, ...]:
    """Return the hours of the dates from `first` to `last`, chronologically.

    Where the clock is set back an hour may have two spans; where it is set forward one is missing.
    """
    begin = datetime(first.year, first.month, first.day, tzinfo=UTC) - DAY
    end = datetime(last.year, last.month, last.day, tzinfo=UTC) + 2 * DAY
    spans: list[Span] = []
    for begins, ends in _constant_offsets(zone, begin, end):
        spans += [span for span in _hours_within(zone, begins, ends) if first <= span.date <= last]
    return tuple(_merged(spans))


def days(zone: ZoneInfo, first: date, last: date) -> list[Span]:
    """Return the dates from `first` to `last` as spans; `hour` is 0."""
    merged: list[Span] = []
    for span in hours(zone, first, last):
        if merged and merged[-1].date == span.date and merged[-1].ends == span.begins:
            merged[-1] = Span(span.date, 0, merged[-1].begins, span.ends)
        else:
            merged.append(Span(span.date, 0, span.begins, span.ends))
    return merged


def utc_bounds(zone: ZoneInfo, first: date, last: date) -> tuple[datetime, datetime]:
    """Return when the first of these dates begins and the last one ends (UTC)."""
    return _date_bounds(zone, first)[0], max(_date_bounds(zone, first)[1], _date_bounds(zone, last)[1])


def _date_bounds(zone: ZoneInfo, when: date) -> tuple[datetime, datetime]:
    """Return when a date begins and ends.

    A date that the zone skips does both at the moment of the change.
    """
    spans = days(zone, when, when)
    if not spans:
        moment = datetime(when.year, when.month, when.day, tzinfo=zone).astimezone(UTC)
        return moment, moment
    return spans[0].begins, max(span.ends for span in spans)


def _constant_offsets(zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the parts of [begin, end) in which the offset from UTC does not change."""
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
    """Return the second, after `low` and up to `high`, at which the offset changes."""
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


def _merged(spans: list[Span]) -> Iterator[Span]:
    """Merge adjacent spans of the same hour."""
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

"""Read the days of a business: stored figures where valid, else the rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

from accounts.models import BusinessProfile
from analytics.aggregates import local_days, queries, rollup, storage
from analytics.aggregates.day import Day
from analytics.aggregates.ordinals import Ordinals
from analytics.models import StatsClock, StatsMark


def days(
    business: BusinessProfile,
    first: date,
    last: date,
    zone: ZoneInfo | None = None,
    *,
    reached: bool = True,
    ordinals: Ordinals | None = None,
) -> list[Day]:
    """Return every date from `first` to `last`.

    zone: another one than the business's; then everything is counted from the rows. reached: whether `Day.reached` is
    needed; it is a third of what there is to read. ordinals: for callers that need more bitmaps of the same contacts.
    Bitmaps of two calls are comparable only with the same `ordinals` that assigns.
    """
    zone = zone or ZoneInfo(business.time_zone)
    known = _counted_in_advance(business.pk, zone, first, last, reached)
    missing = [when for when in local_days.dates(first, last) if when not in known]
    counted = [one for begin, end in _runs(missing) for one in queries.count(business.pk, zone, begin, end)]
    known.update((day.date, day) for day in (ordinals or Ordinals(business.pk)).to_days(counted))
    return [known[when] for when in local_days.dates(first, last)]


def _counted_in_advance(
    business_id: UUID, zone: ZoneInfo, first: date, last: date, reached: bool
) -> dict[date, Day]:
    """Return the dates whose stored figures are up to date."""
    clock = StatsClock.objects.filter(business_profile_id=business_id, time_zone=zone.key).first()
    if clock is None:
        return {}
    begins, ends = local_days.utc_bounds(zone, first, last)
    marks = StatsMark.objects.filter(
        business_profile_id=business_id, hour__gt=begins - local_days.HOUR, hour__lt=ends
    )
    changed = rollup.local_dates_of(marks.values_list("hour", flat=True).distinct(), zone)
    known, undone = storage.read(business_id, first, last, changed, reached)
    if clock.counted_until:
        for when in local_days.dates(first, min(last, clock.counted_until)):
            if when not in known and when not in undone and when not in changed:
                known[when] = Day(when)
    return known


def _runs(ordered: Iterable[date]) -> list[tuple[date, date]]:
    """Group consecutive dates as (first, last)."""
    ordered = list(ordered)
    if not ordered:
        return []
    breaks = [(before, after) for before, after in pairwise(ordered) if after - before > timedelta(days=1)]
    firsts = [ordered[0], *(after for _, after in breaks)]
    lasts = [*(before for before, _ in breaks), ordered[-1]]
    return list(zip(firsts, lasts, strict=True))

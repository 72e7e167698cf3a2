"""The dates of a business, as every page, export and endpoint reads them: counted in advance where that still holds,
from the rows where it does not."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

from accounts.models import BusinessProfile
from analytics.aggregates import local_days, queries, rollup, storage
from analytics.aggregates.day import Day
from analytics.aggregates.ordinals import Numbers
from analytics.models import StatsClock, StatsMark


def days(
    business: BusinessProfile,
    first: date,
    last: date,
    zone: ZoneInfo | None = None,
    *,
    reached: bool = True,
    numbers: Numbers | None = None,
) -> list[Day]:
    """Every date from `first` to `last`. zone: another one than the business's; then everything is counted now.

    reached: whether somebody looks at `Day.reached`. A third of what there is to read. numbers: for whoever asks for
    more numbers of the same people afterwards. The sets of one call are of one numbering, and those of two calls only
    with the same `numbers` that assigns.
    """
    wanted = zone or ZoneInfo(business.time_zone)
    known = _known(business.pk, wanted, first, last, reached)
    missing = [when for when in local_days.dates(first, last) if when not in known]
    counted = [one for begin, end in _runs(missing) for one in queries.count(business.pk, wanted, begin, end)]
    known.update((day.date, day) for day in (numbers or Numbers(business.pk)).number(counted))
    return [known[when] for when in local_days.dates(first, last)]


def _known(business_id: UUID, zone: ZoneInfo, first: date, last: date, reached: bool) -> dict[date, Day]:
    """The dates whose counted figures hold."""
    clock = StatsClock.objects.filter(business_profile_id=business_id, time_zone=zone.key).first()
    if clock is None:
        return {}
    begins, ends = local_days.bounds(zone, first, last)
    marks = StatsMark.objects.filter(
        business_profile_id=business_id, hour__gt=begins - local_days.HOUR, hour__lt=ends
    )
    changed = rollup.touched(marks.values_list("hour", flat=True).distinct(), zone)
    found, undone = storage.read(business_id, first, last, changed, reached)
    if clock.counted_until:
        for when in local_days.dates(first, min(last, clock.counted_until)):
            if when not in found and when not in undone and when not in changed:
                found[when] = Day(when)
    return found


def _runs(ordered: Iterable[date]) -> list[tuple[date, date]]:
    """Dates that follow each other as (first, last)."""
    ordered = list(ordered)
    if not ordered:
        return []
    breaks = [(before, after) for before, after in pairwise(ordered) if after - before > timedelta(days=1)]
    firsts = [ordered[0], *(after for _, after in breaks)]
    lasts = [*(before for before, _ in breaks), ordered[-1]]
    return list(zip(firsts, lasts, strict=True))

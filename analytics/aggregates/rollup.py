"""Counting days in advance, so that pages need not read every message.

    (no row) -> started -> done -> open (something in it was changed late) -> started -> ...

A date is `started` and committed, then counted, then written and `done` in one transaction, and only if it is still
the same start: whoever is killed leaves a date that is not done, which pages count from the rows and the next run
counts again; of two who count the same date, one writes. Nothing here is needed for the figures to be right, only for
them to be fast: `figures.days` reads what is done and counts the rest.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, Min, Q

from accounts.models import BusinessProfile
from analytics.aggregates import local_days, queries, storage
from analytics.aggregates.day import Day
from analytics.aggregates.ordinals import Numbers
from analytics.models import DailyAgentStats, DailyMessageStats, DailyStats, StatsClock, StatsMark
from contacts.models import Contact
from core import failpoints
from core.clock import now
from core.db.compiled_queries import Prepared
from core.db.models import commit_lazily
from core.ids import uuid7
from messaging.models import Message

log = structlog.get_logger(__name__)

GRACE = timedelta(hours=4)
"""A date is counted once it has been over for so long: an hour more than what is too young to be marked (triggers)."""
CHUNK = 92
"""Dates counted by one set of statements."""
MARKS = 10_000
"""Marks looked at in one transaction."""
State = DailyStats.State
Progress = Callable[[int], None]
"""Called with how many dates have just been done."""


def run(seconds: float = 240.0) -> int:
    """Count what is due in every business, for about so long. Returns how many dates were counted."""
    deadline = time.monotonic() + seconds
    while take_marks():
        pass
    _start_clocks()
    done = 0
    for business in _due():
        if time.monotonic() > deadline:
            break
        with apart(business.pk, "rollup_failed"):
            done += catch_up(business, deadline)
    return done


@contextmanager
def apart(business_id: UUID, failure: str) -> Iterator[None]:
    """Log what fails for one business, so that the work for the others goes on. A database that fails ends it."""
    try:
        yield
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception(failure, business_id=str(business_id))


def _start_clocks() -> None:
    """A clock for each business that has none yet."""
    new = BusinessProfile.objects.filter(deleted_at=None, stats_clock__isnull=True)
    StatsClock.objects.bulk_create(
        [StatsClock(business_profile=one, time_zone=one.time_zone, due_at=now()) for one in new[:1000]],
        ignore_conflicts=True,
    )


def _due() -> list[BusinessProfile]:
    """Businesses with a date that can be counted, with one to be counted again, or with another time zone by now."""
    dates = DailyStats.objects.filter(date__gte=local_days.EARLIEST.date())
    waiting = dates.exclude(state=State.DONE).values("business_profile_id")
    due = Q(stats_clock__due_at__lte=now()) | Q(pk__in=waiting) | ~Q(stats_clock__time_zone=F("time_zone"))
    return list(
        BusinessProfile.objects.filter(due, deleted_at=None, stats_clock__isnull=False).order_by("pk")
    )


# -- marks -----------------------------------------------------------------------------------------------------------


def take_marks() -> int:
    """Open the dates that late changes have marked; returns how many marks there were.

    Marks go in the transaction that opens their dates. One that another transaction is still to commit stays, with the
    change that it stands for.
    """
    with transaction.atomic():
        marks = list(
            StatsMark.objects.order_by("pk").values_list("pk", "business_profile_id", "hour")[:MARKS]
        )
        hours: dict[UUID, set[datetime]] = defaultdict(set)
        for _, business_id, hour in marks:
            hours[business_id].add(hour)
        for business_id in sorted(hours):
            _open(business_id, hours[business_id])
        StatsMark.objects.filter(pk__in=[pk for pk, *_ in marks]).delete()
    return len(marks)


def _open(business_id: UUID, hours: Iterable[datetime]) -> None:
    clock = StatsClock.objects.filter(business_profile_id=business_id).first()
    if clock is None:
        return
    dates = touched(hours, ZoneInfo(clock.time_zone))
    rows = DailyStats.objects.filter(business_profile_id=business_id, date__in=dates)
    known = set(rows.order_by("date").select_for_update(no_key=True).values_list("date", flat=True))
    rows.update(state=State.OPEN, token=None)
    until = clock.counted_until
    missing = sorted(when for when in dates - known if until and when <= until)
    DailyStats.objects.bulk_create(
        [DailyStats(business_profile_id=business_id, date=when, state=State.OPEN) for when in missing],
        ignore_conflicts=True,
    )


def touched(hours: Iterable[datetime], zone: ZoneInfo) -> set[date]:
    """The local dates that these hours (UTC) lie in; an hour may lie in two. Impossible hours are left out."""
    last = timedelta(minutes=59, seconds=59)
    shown = [hour for hour in hours if local_days.EARLIEST <= hour <= now() + local_days.DAY]
    return {local_days.local_date(hour + part, zone) for hour in shown for part in (timedelta(0), last)}


# -- counting --------------------------------------------------------------------------------------------------------


def catch_up(business: BusinessProfile, deadline: float | None = None) -> int:
    """Count the business's dates that are over or open, oldest first; returns how many. deadline: monotonic seconds."""
    clock, zone = wind(business)
    last = local_days.local_date(now() - GRACE, zone) - local_days.DAY
    first = clock.counted_until + local_days.DAY if clock.counted_until else _first_date(business, zone)
    rows = DailyStats.objects.filter(
        business_profile=business, date__range=(local_days.EARLIEST.date(), last)
    )
    wanted = set(rows.exclude(state=State.DONE).values_list("date", flat=True))
    if first and first <= last:
        counted = rows.filter(state=State.DONE, date__gte=first).values_list("date", flat=True)
        wanted |= set(local_days.dates(first, last)).difference(counted)
    done, numbers = 0, Numbers(business.pk, assign=True)
    for chunk in _chunks(wanted):
        done += fill(business, zone, chunk, numbers)
        if deadline is not None and time.monotonic() > deadline:
            return done
    _advance(business, zone, last)
    return done


def rebuild(
    business: BusinessProfile, first: date, last: date, progress: Progress = lambda done: None
) -> int:
    """Count the dates from `first` to `last` anew, as far as they are over; returns how many."""
    _, zone = wind(business)
    last = min(last, local_days.local_date(now() - GRACE, zone) - local_days.DAY)
    done, numbers = 0, Numbers(business.pk, assign=True)
    for chunk in _chunks(local_days.dates(first, last) if first <= last else ()):
        done += fill(business, zone, chunk, numbers)
        progress(len(chunk))
    return done


def forget(business: BusinessProfile) -> None:
    """Have everything counted anew, for whoever wrote a history without leaving marks.

    The clock stays, for it knows which numbers somebody has had.
    """
    with transaction.atomic():
        clock = StatsClock.objects.filter(business_profile=business)
        clock.update(counted_until=None, due_at=now(), grouped_on=None)
        _empty(business)


def _empty(business: BusinessProfile) -> None:
    for model in (DailyStats, DailyMessageStats, DailyAgentStats):
        model._default_manager.filter(business_profile=business).delete()


def first_date(business: BusinessProfile) -> date | None:
    """The first date on which anything happened, in the business's time zone."""
    return _first_date(business, ZoneInfo(business.time_zone))


def wind(business: BusinessProfile) -> tuple[StatsClock, ZoneInfo]:
    """The business's clock. In another time zone no date is what it was: everything counted so far goes."""
    with transaction.atomic():
        StatsClock.objects.bulk_create(
            [StatsClock(business_profile=business, time_zone=business.time_zone, due_at=now())],
            ignore_conflicts=True,
        )
        clock = StatsClock.objects.select_for_update(no_key=True).get(business_profile=business)
        if clock.time_zone != business.time_zone:
            _empty(business)
            clock.time_zone, clock.counted_until, clock.due_at = business.time_zone, None, now()
            clock.save()
    return clock, ZoneInfo(clock.time_zone)


def _first_date(business: BusinessProfile, zone: ZoneInfo) -> date | None:
    """A stray time that an import or an older version has stored begins no history: see `localtime.EARLIEST`."""
    messages = Message.objects.filter(business_profile=business, created_at__gte=local_days.EARLIEST)
    contacts = Contact.objects.filter(business_profile=business, created_at__gte=local_days.EARLIEST)
    found = [
        messages.order_by("created_at").values_list("created_at", flat=True).first(),
        contacts.aggregate(first=Min("created_at"))["first"],
    ]
    moments = [moment for moment in found if moment is not None]
    return local_days.local_date(min(moments), zone) if moments else None


def _chunks(wanted: Iterable[date]) -> list[list[date]]:
    """Dates that follow each other, so many at a time."""
    ordered = sorted(set(wanted))
    chunks = [ordered[:1]] if ordered else []
    for before, after in pairwise(ordered):
        if after - before == local_days.DAY and len(chunks[-1]) < CHUNK:
            chunks[-1].append(after)
        else:
            chunks.append([after])
    return chunks


def fill(
    business: BusinessProfile, zone: ZoneInfo, dates: Sequence[date], numbers: Numbers | None = None
) -> int:
    """Count dates that follow each other; returns how many were written (not those that somebody opened meanwhile).

    numbers: what one run of many such stretches knows of the business's numbers, so that it asks for each once.
    """
    token = uuid7()
    _start(business.pk, dates, token)
    failpoints.reach("rollup.started")
    counted = queries.count(business.pk, zone, dates[0], dates[-1])
    failpoints.reach("rollup.counted")
    days = (numbers or Numbers(business.pk, assign=True)).number(counted)
    failpoints.reach("rollup.numbered")
    return _finish(business.pk, zone, days, token)


def _start(business_id: UUID, dates: Sequence[date], token: UUID) -> None:
    """On the disk before anything is counted: what says that a date is not done must not be lost with what would."""
    DailyStats.objects.bulk_create(
        [
            DailyStats(business_profile_id=business_id, date=when, state=State.STARTED, token=token)
            for when in dates
        ],
        update_conflicts=True,
        unique_fields=["business_profile", "date"],
        update_fields=["state", "token"],
    )


def _finish(business_id: UUID, zone: ZoneInfo, counted: Sequence[Day], token: UUID) -> int:
    """Write what was counted of the dates that are still ours, while the business has the same time zone."""
    with transaction.atomic():
        commit_lazily()  # undone, the dates are `started` still, and counted again
        counts_in = _ZONE.first(business_id)
        dates = set(_OURS.rows(business_id, token)) if counts_in == zone.key else set()
        days = [day for day in counted if day.date in dates]
        storage.write(business_id, days)
        storage.write_done(business_id, days, now())
    return len(days)


_ZONE = Prepared[str](
    lambda business_id: (
        StatsClock.objects.select_for_update(no_key=True)
        .filter(business_profile_id=business_id)
        .values_list("time_zone", flat=True)
    ),
    by_key=True,
)
_OURS = Prepared[date](
    lambda business_id, token: (
        DailyStats.objects.select_for_update(no_key=True)
        .filter(business_profile_id=business_id, token=token, state=State.STARTED)
        .order_by("date")
        .values_list("date", flat=True)
    ),
    by_key=True,
)


def _advance(business: BusinessProfile, zone: ZoneInfo, last: date) -> None:
    """Everything up to `last` is counted; the next date when it has been over for long enough."""
    due = local_days.bounds(zone, last + local_days.DAY, last + local_days.DAY)[1] + GRACE
    StatsClock.objects.filter(business_profile=business, time_zone=zone.key).update(
        counted_until=last, due_at=due
    )

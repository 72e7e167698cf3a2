"""The roll-up: count days in advance, so that pages need not read every message.

    (no row) -> started -> done -> open (something in it was changed late) -> started -> ...

A date is `started` and committed, then counted, then written and `done` in one transaction, and only if its token is
still the same. A killed process leaves a date that is not done: pages count it from the rows, the next run counts it
again. Of two processes that count the same date, one writes. The figures are right without a roll-up, only slower:
`reader.days` reads what is done and counts the rest.
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
from analytics.aggregates.ordinals import Ordinals
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
"""How long a date must be over before it is counted: an hour more than the age from which triggers mark changes."""
CHUNK = 92
"""Dates that one set of statements counts."""
MARKS = 10_000
"""Marks that one transaction handles."""
State = DailyStats.State
Progress = Callable[[int], None]
"""Called with the number of dates that have just been counted."""


def roll_up(seconds: float = 240.0) -> int:
    """Count what is due in every business, for about `seconds`.

    Returns the number of counted dates.
    """
    deadline = time.monotonic() + seconds
    while open_marked_dates():
        pass
    _create_clocks()
    done = 0
    for business in _due():
        if time.monotonic() > deadline:
            break
        with isolated(business.pk, "rollup_failed"):
            done += catch_up(business, deadline)
    return done


@contextmanager
def isolated(business_id: UUID, failure: str) -> Iterator[None]:
    """Log exceptions of the work for one business, so that other businesses are still processed.

    Errors of the database connection pass.
    """
    try:
        yield
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception(failure, business_id=str(business_id))


def _create_clocks() -> None:
    """Create the missing clocks."""
    new = BusinessProfile.objects.filter(deleted_at=None, stats_clock__isnull=True)
    StatsClock.objects.bulk_create(
        [StatsClock(business_profile=one, time_zone=one.time_zone, due_at=now()) for one in new[:1000]],
        ignore_conflicts=True,
    )


def _due() -> list[BusinessProfile]:
    """Return the businesses with dates to be counted or a changed time zone."""
    dates = DailyStats.objects.filter(date__gte=local_days.EARLIEST.date())
    waiting = dates.exclude(state=State.DONE).values("business_profile_id")
    due = Q(stats_clock__due_at__lte=now()) | Q(pk__in=waiting) | ~Q(stats_clock__time_zone=F("time_zone"))
    return list(
        BusinessProfile.objects.filter(due, deleted_at=None, stats_clock__isnull=False).order_by("pk")
    )


# -- marks -----------------------------------------------------------------------------------------------------------


def open_marked_dates() -> int:
    """Open the dates that triggers have marked, to be counted again.

    Returns the number of marks. Marks are deleted in the transaction that opens their dates. A mark that is not
    committed yet stays, like the change that it stands for.
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
    dates = local_dates_of(hours, ZoneInfo(clock.time_zone))
    rows = DailyStats.objects.filter(business_profile_id=business_id, date__in=dates)
    known = set(rows.order_by("date").select_for_update(no_key=True).values_list("date", flat=True))
    rows.update(state=State.OPEN, token=None)
    until = clock.counted_until
    missing = sorted(when for when in dates - known if until and when <= until)
    DailyStats.objects.bulk_create(
        [DailyStats(business_profile_id=business_id, date=when, state=State.OPEN) for when in missing],
        ignore_conflicts=True,
    )


def local_dates_of(hours: Iterable[datetime], zone: ZoneInfo) -> set[date]:
    """Return the local dates of these hours (UTC); an hour may touch two.

    Implausible hours are left out.
    """
    last = timedelta(minutes=59, seconds=59)
    shown = [hour for hour in hours if local_days.EARLIEST <= hour <= now() + local_days.DAY]
    return {local_days.local_date(hour + part, zone) for hour in shown for part in (timedelta(0), last)}


# -- counting --------------------------------------------------------------------------------------------------------


def catch_up(business: BusinessProfile, deadline: float | None = None) -> int:
    """Count the dates that are over or open, oldest first; returns how many.

    deadline: monotonic seconds.
    """
    clock, zone = ensure_clock(business)
    last = local_days.local_date(now() - GRACE, zone) - local_days.DAY
    first = clock.counted_until + local_days.DAY if clock.counted_until else _first_date(business, zone)
    rows = DailyStats.objects.filter(
        business_profile=business, date__range=(local_days.EARLIEST.date(), last)
    )
    pending = set(rows.exclude(state=State.DONE).values_list("date", flat=True))
    if first and first <= last:
        counted = rows.filter(state=State.DONE, date__gte=first).values_list("date", flat=True)
        pending |= set(local_days.dates(first, last)).difference(counted)
    done, ordinals = 0, Ordinals(business.pk, assign=True)
    for chunk in _chunks(pending):
        done += count_days(business, zone, chunk, ordinals)
        if deadline is not None and time.monotonic() > deadline:
            return done
    _advance(business, zone, last)
    return done


def rebuild(
    business: BusinessProfile, first: date, last: date, progress: Progress = lambda done: None
) -> int:
    """Count the dates from `first` to `last` again, as far as they are over.

    Returns how many.
    """
    _, zone = ensure_clock(business)
    last = min(last, local_days.local_date(now() - GRACE, zone) - local_days.DAY)
    done, ordinals = 0, Ordinals(business.pk, assign=True)
    for chunk in _chunks(local_days.dates(first, last) if first <= last else ()):
        done += count_days(business, zone, chunk, ordinals)
        progress(len(chunk))
    return done


def reset(business: BusinessProfile) -> None:
    """Delete all counted figures, after a history was written without marks.

    The next roll-up counts them again. The clock stays, because it knows which ordinals are taken.
    """
    with transaction.atomic():
        clock = StatsClock.objects.filter(business_profile=business)
        clock.update(counted_until=None, due_at=now(), grouped_on=None)
        _empty(business)


def _empty(business: BusinessProfile) -> None:
    for model in (DailyStats, DailyMessageStats, DailyAgentStats):
        model._default_manager.filter(business_profile=business).delete()


def first_date(business: BusinessProfile) -> date | None:
    """Return the date of the first message or contact; None without any."""
    return _first_date(business, ZoneInfo(business.time_zone))


def ensure_clock(business: BusinessProfile) -> tuple[StatsClock, ZoneInfo]:
    """Return the business's clock, created if missing.

    A changed time zone deletes everything counted so far.
    """
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
    """Return the first date, ignoring implausible times (local_days.EARLIEST)."""
    messages = Message.objects.filter(business_profile=business, created_at__gte=local_days.EARLIEST)
    contacts = Contact.objects.filter(business_profile=business, created_at__gte=local_days.EARLIEST)
    candidates = [
        messages.order_by("created_at").values_list("created_at", flat=True).first(),
        contacts.aggregate(first=Min("created_at"))["first"],
    ]
    moments = [moment for moment in candidates if moment is not None]
    return local_days.local_date(min(moments), zone) if moments else None


def _chunks(dates: Iterable[date]) -> list[list[date]]:
    """Group consecutive dates, at most CHUNK at a time."""
    ordered = sorted(set(dates))
    chunks = [ordered[:1]] if ordered else []
    for before, after in pairwise(ordered):
        if after - before == local_days.DAY and len(chunks[-1]) < CHUNK:
            chunks[-1].append(after)
        else:
            chunks.append([after])
    return chunks


def count_days(
    business: BusinessProfile, zone: ZoneInfo, dates: Sequence[date], ordinals: Ordinals | None = None
) -> int:
    """Count consecutive dates.

    Returns how many were written (dates that were opened meanwhile are not). ordinals: shared by the calls of one run,
    so that each ordinal is looked up once.
    """
    token = uuid7()
    _start(business.pk, dates, token)
    failpoints.reach("rollup.started")
    counted = queries.count(business.pk, zone, dates[0], dates[-1])
    failpoints.reach("rollup.counted")
    days = (ordinals or Ordinals(business.pk, assign=True)).to_days(counted)
    failpoints.reach("rollup.numbered")
    return _finish(business.pk, zone, days, token)


def _start(business_id: UUID, dates: Sequence[date], token: UUID) -> None:
    """Mark the dates as `started`.

    Committed durably before counting, so that a crash cannot leave them as empty.
    """
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
    """Write the dates that still have our token and time zone."""
    with transaction.atomic():
        commit_lazily()  # after a crash the dates are still `started`, and counted again
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
    """Note that everything up to `last` is counted, and when the next date is due."""
    due = local_days.utc_bounds(zone, last + local_days.DAY, last + local_days.DAY)[1] + GRACE
    StatsClock.objects.filter(business_profile=business, time_zone=zone.key).update(
        counted_until=last, due_at=due
    )

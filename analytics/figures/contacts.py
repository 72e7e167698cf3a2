"""The contacts page: how many there are, who stays, who answers, and what they are tagged with."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.db.models import Count, Q

from accounts.models import BusinessProfile
from analytics import localtime, periods
from analytics.day import Day, unpack
from analytics.figures.days import days
from analytics.figures.overview import Piece, cut
from analytics.figures.summary import Summary, share, summary
from analytics.periods import Period
from contacts.models import Contact, ContactGroup, ContactTag, Tag

COHORTS = 12
"""Weeks of newcomers that are shown at most, the latest ones."""
TAGS = 10


@dataclass(frozen=True)
class Growth:
    """How many contacts came in a piece of the range, and how many there were at its end."""

    begins: date
    label: str
    came: int
    total: int


@dataclass(frozen=True)
class Cohort:
    """Contacts who came in one week (from Monday). stayed: how many of them wrote in that week, the next one, ..."""

    week: date
    size: int
    stayed: Sequence[int]


@dataclass(frozen=True)
class TagFigures:
    """A tag, the contacts that have it, and those of them who came in the range."""

    name: str
    contacts: int
    came: int


@dataclass(frozen=True)
class GroupFigures:
    """A group by recency and frequency."""

    group: str
    label: str
    contacts: int


@dataclass(frozen=True)
class ContactFigures:
    """reached: contacts to whom something was sent; responded: those of them who wrote in the same range."""

    period: Period
    now: Summary
    before: Summary
    pieces: Sequence[Piece]
    total: int
    total_before: int
    reached: int
    responded: int
    growth: Sequence[Growth]
    cohorts: Sequence[Cohort]
    tags: Sequence[TagFigures]
    groups: Sequence[GroupFigures]

    @property
    def response_rate(self) -> float | None:
        return share(self.responded, self.reached)


def contacts(business: BusinessProfile, period: Period, group: str = "") -> ContactFigures:
    """Contacts in `period`. Who was deleted or merged into somebody else is not counted any more, anywhere."""
    group = group or period.group
    every = days(business, period.before.first, period.last, period.zone)
    earlier, found = every[: period.length], every[period.length :]
    begins, ends = localtime.bounds(period.zone, period.first, period.last)
    rows = Contact.objects.filter(business_profile=business)
    known = rows.filter(created_at__lt=begins).count()
    reached = {one for day in found for one in unpack(day.reached)}
    wrote = {one for day in found for one in unpack(day.active)}
    pieces, whole = cut(found, group)
    growth = _growth(known, pieces)
    return ContactFigures(
        period=period,
        now=whole,
        before=summary(earlier),
        pieces=pieces,
        total=growth[-1].total,
        total_before=known,
        reached=len(reached),
        responded=len(reached & wrote),
        growth=growth,
        cohorts=_cohorts(business, period, found),
        tags=_tags(business, Q(contact__created_at__gte=begins, contact__created_at__lt=ends)),
        groups=_groups(business),
    )


def _growth(known: int, pieces: Sequence[Piece]) -> list[Growth]:
    found = []
    for piece in pieces:
        known += piece.figures.new_contacts
        found.append(Growth(piece.begins, piece.label, piece.figures.new_contacts, known))
    return found


def _cohorts(business: BusinessProfile, period: Period, found: Sequence[Day]) -> list[Cohort]:
    """Newcomers by week. A range of few days, or many, shows its last weeks."""
    last = periods.begin(period.last, "week")
    first = max(periods.begin(period.first, "week"), last - timedelta(weeks=COHORTS - 1))
    begins, _ = localtime.bounds(period.zone, first, first)
    _, ends = localtime.bounds(period.zone, period.last, period.last)
    came: dict[date, set[bytes]] = defaultdict(set)
    newcomers = Contact.objects.filter(
        business_profile=business, created_at__gte=begins, created_at__lt=ends
    ).values_list("pk", "created_at")
    for key, at in newcomers:
        came[periods.begin(localtime.local_date(at, period.zone), "week")].add(_bytes(key))
    wrote: dict[date, set[bytes]] = defaultdict(set)
    whole = found
    if first < period.first:
        whole = [*days(business, first, period.first - localtime.DAY, period.zone), *found]
    for day in whole:
        wrote[periods.begin(day.date, "week")].update(unpack(day.active))
    weeks = [first + timedelta(weeks=number) for number in range((last - first).days // 7 + 1)]
    return [
        Cohort(week, len(came[week]), [len(came[week] & wrote[later]) for later in weeks if later >= week])
        for week in weeks
    ]


def _bytes(key: UUID) -> bytes:
    return key.bytes


def _tags(business: BusinessProfile, new: Q) -> list[TagFigures]:
    """The tags that most contacts have."""
    rows = (
        ContactTag.objects.filter(tag__business_profile=business)
        .values("tag_id")
        .annotate(contacts=Count("contact_id"), came=Count("contact_id", filter=new))
        .order_by("-contacts", "tag_id")[:TAGS]
    )
    counted = list(rows)
    names = dict(Tag.objects.filter(pk__in=[row["tag_id"] for row in counted]).values_list("pk", "name"))
    return [TagFigures(names[row["tag_id"]], row["contacts"], row["came"]) for row in counted]


def _groups(business: BusinessProfile) -> list[GroupFigures]:
    rows = (
        ContactGroup.objects.filter(business_profile=business)
        .values("group")
        .annotate(contacts=Count("contact_id"))
    )
    counted = {row["group"]: row["contacts"] for row in rows.order_by()}
    return [GroupFigures(name, label, counted.get(name, 0)) for name, label in ContactGroup.Group.choices]

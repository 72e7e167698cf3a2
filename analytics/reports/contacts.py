"""The contacts page: growth, cohorts, response rate, tags and groups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from django.db.models import Count, Q

from accounts.models import BusinessProfile
from analytics.aggregates import Day, Ordinals, days, local_date, union, utc_bounds
from analytics.reports import periods
from analytics.reports.overview import Piece, cut
from analytics.reports.periods import Period
from analytics.reports.summary import Summary, share, summary
from contacts.models import Contact, ContactGroup, ContactTag, Tag

COHORTS = 12
"""Weeks whose new contacts are shown, the latest ones."""
TAGS = 10


@dataclass(frozen=True)
class Growth:
    """New contacts of a piece of the period, and all contacts at its end."""

    begins: date
    label: str
    came: int
    total: int


@dataclass(frozen=True)
class Cohort:
    """New contacts of one week (from Monday).

    stayed: how many of them wrote in that week, the next one, ...
    """

    week: date
    size: int
    stayed: Sequence[int]


@dataclass(frozen=True)
class TagFigures:
    """A tag, the contacts that carry it, and those of them who are new in the period."""

    name: str
    contacts: int
    came: int


@dataclass(frozen=True)
class GroupFigures:
    """The number of contacts in an RFM group."""

    group: str
    label: str
    contacts: int


@dataclass(frozen=True)
class ContactFigures:
    """The figures of the contacts page.

    reached: contacts to whom something was sent; responded: those of them who wrote in the same period.
    """

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
    """Return the contacts' figures in `period`.

    Deleted and merged contacts are not counted.
    """
    group = group or period.group
    ordinals = Ordinals(business.pk)
    week = _first_week(period)
    begin = min(period.before.first, week)
    every = days(business, begin, period.last, period.zone, ordinals=ordinals)
    earlier, current = every[-2 * period.length : -period.length], every[-period.length :]
    begins, ends = utc_bounds(period.zone, period.first, period.last)
    rows = Contact.objects.filter(business_profile=business)
    known = rows.filter(created_at__lt=begins).count()
    reached = union(day.reached for day in current)
    wrote = union(day.active for day in current)
    pieces, whole = cut(current, group)
    growth = _growth(known, pieces)
    return ContactFigures(
        period=period,
        now=whole,
        before=summary(earlier),
        pieces=pieces,
        total=growth[-1].total,
        total_before=known,
        reached=reached.bit_count(),
        responded=(reached & wrote).bit_count(),
        growth=growth,
        cohorts=_cohorts(business, period, every[(week - begin).days :], ordinals),
        tags=_tags(business, Q(contact__created_at__gte=begins, contact__created_at__lt=ends)),
        groups=_groups(business),
    )


def _growth(known: int, pieces: Sequence[Piece]) -> list[Growth]:
    growth = []
    for piece in pieces:
        known += piece.figures.new_contacts
        growth.append(Growth(piece.begins, piece.label, piece.figures.new_contacts, known))
    return growth


def _first_week(period: Period) -> date:
    """Return the Monday of the first cohort: at most COHORTS weeks before the end."""
    last = periods.begin(period.last, "week")
    return max(periods.begin(period.first, "week"), last - timedelta(weeks=COHORTS - 1))


def _cohorts(
    business: BusinessProfile, period: Period, daily: Sequence[Day], ordinals: Ordinals
) -> list[Cohort]:
    """Return the cohorts by week. daily: days from a Monday on."""
    whole = {piece[0].date: piece for piece in periods.pieces(daily, "week")}
    wrote = {week: union(day.active for day in piece) for week, piece in whole.items()}
    newcomers = _newcomers(business, period, daily[0].date)
    sets = ordinals.contact_bitmaps([newcomers[week] for week in wrote])
    return [
        Cohort(
            week, came.bit_count(), [(came & wrote[later]).bit_count() for later in wrote if later >= week]
        )
        for week, came in zip(wrote, sets, strict=True)
    ]


def _newcomers(business: BusinessProfile, period: Period, first: date) -> Mapping[date, Sequence[UUID]]:
    """Return the new contacts from `first` on, by week."""
    begins, _ = utc_bounds(period.zone, first, first)
    _, ends = utc_bounds(period.zone, period.last, period.last)
    came: dict[date, list[UUID]] = defaultdict(list)
    rows = Contact.objects.filter(business_profile=business, created_at__gte=begins, created_at__lt=ends)
    for key, at in rows.values_list("pk", "created_at"):
        came[periods.begin(local_date(at, period.zone), "week")].append(key)
    return came


def _tags(business: BusinessProfile, new: Q) -> list[TagFigures]:
    """Return the TAGS tags that most contacts carry."""
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

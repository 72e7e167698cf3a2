"""The weekly report by e-mail, for members who subscribed.

A week is reported once: the subscription is updated and committed before the mail is sent. If the mail server refuses
the mail, the subscription is reset and the next run tries again.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.models import BusinessProfile, Membership, User
from accounts.services import audit
from analytics.aggregates import isolated, local_date
from analytics.models import ReportSubscription
from analytics.reports import overview, periods
from analytics.reports.periods import Period
from analytics.reports.tiles import overview_tiles
from core.clock import now
from core.errors import NotFound

log = structlog.get_logger(__name__)

HOUR = 7
"""Hour of Monday, in the business's time zone, from which reports are sent; later if nothing ran then."""


def set_subscribed(business: BusinessProfile, user: User, subscribed: bool) -> None:
    """Subscribe or unsubscribe a member. The first report covers the current week.

    Raises NotFound.
    """
    membership = Membership.objects.filter(business_profile=business, user=user).first()
    if membership is None:
        raise NotFound("Your membership")
    with transaction.atomic():
        if subscribed:
            week = last_week(business).first
            _, changed = ReportSubscription.objects.get_or_create(
                membership=membership, defaults={"sent_week": week}
            )
        else:
            changed = bool(ReportSubscription.objects.filter(membership=membership).delete()[0])
        if changed:
            audit.record(business, user, "report.chosen" if subscribed else "report.declined", membership)


def is_subscribed(business: BusinessProfile, user: User) -> bool:
    """Return whether `user` gets the report."""
    return ReportSubscription.objects.filter(
        membership__business_profile=business, membership__user=user
    ).exists()


def last_week(business: BusinessProfile, moment: datetime | None = None) -> Period:
    """Return the last complete week, Monday to Sunday, as of Monday morning."""
    zone = ZoneInfo(business.time_zone)
    today = local_date((moment or now()) - timedelta(hours=HOUR), zone)
    monday = periods.begin(today, "week") - timedelta(weeks=1)
    return Period(monday, monday + timedelta(days=6), zone)


def send_due() -> int:
    """Send every report that is due; returns how many were sent."""
    rows = (
        ReportSubscription.objects.filter(
            membership__business_profile__deleted_at=None, membership__user__is_active=True
        )
        .select_related("membership__business_profile", "membership__user")
        .order_by("membership__business_profile_id", "pk")
    )
    due = Q(sent_week=None) | Q(sent_week__lt=local_date(now(), ZoneInfo("UTC")) - timedelta(days=6))
    sent = 0
    for row in rows.filter(due):
        with isolated(row.membership.business_profile_id, "report_not_sent"):
            sent += _send_if_due(row)
    return sent


def _send_if_due(row: ReportSubscription) -> bool:
    business, user = row.membership.business_profile, row.membership.user
    week = last_week(business)
    before = row.sent_week
    if before is not None and before >= week.first:
        return False
    if not _claim(row, before, week.first):
        return False
    try:
        _mail(business, user, week)
    except Exception:
        ReportSubscription.objects.filter(pk=row.pk, sent_week=week.first).update(sent_week=before)
        log.exception("report_not_sent", business_id=str(business.pk), user_id=str(user.pk))
        return False
    return True


def _claim(row: ReportSubscription, before: date | None, week: date) -> bool:
    """Compare-and-set the reported week. Returns False if another process won."""
    rows = ReportSubscription.objects.filter(pk=row.pk)
    rows = rows.filter(sent_week=before) if before else rows.filter(sent_week__isnull=True)
    return bool(rows.update(sent_week=week, updated_at=now()))


def _mail(business: BusinessProfile, user: User, week: Period) -> None:
    figures = overview(business, week)
    query = f"?from={week.first}&to={week.last}"
    text = render_to_string(
        "analytics/mail/report.txt",
        {
            "user": user,
            "business": business,
            "week": week,
            "tiles": overview_tiles(figures),
            "agents": figures.agents,
            "link": f"{settings.PUBLIC_URL}{reverse('analytics')}{query}",
        },
    )
    subject = f"{business.business_name}: {week.first.day} {week.first:%b} to {week.last.day} {week.last:%b}"
    send_mail(" ".join(subject.split()), text, None, [user.email])

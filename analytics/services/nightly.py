"""What is done once a date is over: it is counted, who is gone loses their number, contacts are put into groups."""

from __future__ import annotations

import time
from datetime import date
from zoneinfo import ZoneInfo

from django.db.models import Q

from accounts.models import BusinessProfile
from analytics.aggregates import local_days, ordinals, rollup
from analytics.models import StatsClock
from analytics.services import rfm
from core.clock import now

SECONDS = 240.0
"""How long one run takes at most, about; the next one goes on."""


def run(seconds: float = SECONDS) -> None:
    """Do what is due, in every business."""
    deadline = time.monotonic() + seconds
    rollup.run(seconds)
    for clock in _ungrouped():
        if time.monotonic() > deadline:
            return
        with rollup.apart(clock.business_profile_id, "regrouping_failed"):
            _regroup(clock.business_profile)


def _ungrouped() -> list[StatsClock]:
    """Clocks whose dates are counted and whose contacts were not put into groups since."""
    rows = StatsClock.objects.filter(business_profile__deleted_at=None, counted_until__isnull=False)
    rows = rows.filter(due_at__gt=now()).select_related("business_profile")
    stale = Q(grouped_on=None) | Q(grouped_on__lte=local_days.local_date(now(), ZoneInfo("Etc/GMT+12")))
    return [
        clock
        for clock in rows.filter(stale).order_by("pk")
        if clock.grouped_on != _today(clock.business_profile)
    ]


def _regroup(business: BusinessProfile) -> None:
    today = _today(business)
    ordinals.prune(business)
    rfm.regroup(business)
    StatsClock.objects.filter(business_profile=business).update(grouped_on=today)


def _today(business: BusinessProfile) -> date:
    return local_days.local_date(now(), ZoneInfo(business.time_zone))

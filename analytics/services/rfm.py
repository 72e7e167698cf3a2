"""Contacts in groups by how lately and how often they wrote, so that lists, segments and campaigns can ask for them.

    new      wrote for the first time within NEW_DAYS
    loyal    wrote within RECENT_DAYS, and on LOYAL_DAYS different days of the last FREQUENT_DAYS
    active   wrote within RECENT_DAYS
    cooling  wrote within LOST_DAYS
    lost     longer ago

The first that fits. Days are the business's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from zoneinfo import ZoneInfo

from accounts.models import BusinessProfile
from analytics.aggregates import local_days, ordinals, rollup
from analytics.aggregates.day import Day
from analytics.reports.days import days
from contacts.models import ContactGroup
from contacts.services import contacts
from core.clock import now

NEW_DAYS = 14
RECENT_DAYS = 30
FREQUENT_DAYS = 90
LOYAL_DAYS = 8
LOST_DAYS = 90
AT_A_TIME = 92
"""Dates held in memory at once."""
Group = ContactGroup.Group


def regroup(business: BusinessProfile) -> int:
    """Put every contact of the business into its group as of today; returns how many moved."""
    rollup.wind(business)
    today = local_days.local_date(now(), ZoneInfo(business.time_zone))
    found = grouped(_days(business, today), today)
    return contacts.assign_groups(business, ordinals.named(business.pk, found), today)


def grouped(history: Iterable[Day], today: date) -> dict[str, int]:
    """Sets of everybody who wrote, by group. history: the days up to today, in any order.

    often[n]: who wrote on more than n of the last FREQUENT_DAYS.
    """
    everybody = earlier = recent = lately = 0
    often = [0] * LOYAL_DAYS
    for day in history:
        ago = (today - day.date).days
        everybody |= day.active
        earlier |= day.active if ago >= NEW_DAYS else 0
        recent |= day.active if ago < RECENT_DAYS else 0
        lately |= day.active if ago < LOST_DAYS else 0
        if ago < FREQUENT_DAYS:
            for more in range(LOYAL_DAYS - 1, 0, -1):
                often[more] |= often[more - 1] & day.active
            often[0] |= day.active
    return {
        Group.NEW: everybody & ~earlier,
        Group.LOYAL: earlier & recent & often[-1],
        Group.ACTIVE: earlier & recent & ~often[-1],
        Group.COOLING: earlier & lately & ~recent,
        Group.LOST: earlier & ~lately,
    }


def _days(business: BusinessProfile, today: date) -> Iterator[Day]:
    """Everything up to today. Who has no number gets one, so that those of all stretches are the same."""
    assigned = ordinals.Numbers(business.pk, assign=True)
    begin = rollup.first_date(business) or today
    while begin <= today:
        end = min(begin + (AT_A_TIME - 1) * local_days.DAY, today)
        yield from days(business, begin, end, reached=False, numbers=assigned)
        begin = end + local_days.DAY

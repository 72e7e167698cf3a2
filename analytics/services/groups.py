"""Contacts in groups by how lately and how often they wrote, so that lists, segments and campaigns can ask for them.

    new      wrote for the first time within NEW_DAYS
    loyal    wrote within RECENT_DAYS, and on LOYAL_DAYS different days of the last FREQUENT_DAYS
    active   wrote within RECENT_DAYS
    cooling  wrote within LOST_DAYS
    lost     longer ago

The first that fits. Days are the business's.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from accounts.models import BusinessProfile
from analytics import localtime
from analytics.day import unpack
from analytics.figures.days import days
from analytics.services import rollups
from contacts.models import ContactGroup
from contacts.services import groups
from whatsflow.core.clock import now

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
    today = localtime.local_date(now(), ZoneInfo(business.time_zone))
    wrote = _wrote(business, today)
    return groups.assign(
        business, {UUID(bytes=key): group(*seen, today) for key, seen in wrote.items()}, today
    )


def group(first: date, last: date, often: int, today: date) -> str:
    """The group of somebody who wrote first and last on these dates, and on so many days of the last FREQUENT_DAYS."""
    ago = (today - last).days
    if (today - first).days < NEW_DAYS:
        return Group.NEW
    if ago < RECENT_DAYS:
        return Group.LOYAL if often >= LOYAL_DAYS else Group.ACTIVE
    return Group.COOLING if ago < LOST_DAYS else Group.LOST


def _wrote(business: BusinessProfile, today: date) -> dict[bytes, tuple[date, date, int]]:
    """(first date, last date, how many of the last FREQUENT_DAYS) of everybody who wrote."""
    begin = rollups.first_date(business) or today
    found: dict[bytes, tuple[date, date, int]] = {}
    while begin <= today:
        end = min(begin + (AT_A_TIME - 1) * localtime.DAY, today)
        for day in days(business, begin, end):
            lately = int((today - day.date).days < FREQUENT_DAYS)
            for key in unpack(day.active):
                first, _, often = found.get(key, (day.date, day.date, 0))
                found[key] = (first, day.date, often + lately)
        begin = end + localtime.DAY
    return found

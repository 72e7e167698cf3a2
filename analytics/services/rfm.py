"""RFM groups: contacts by recency and frequency of their messages.

    new      wrote for the first time within NEW_DAYS
    loyal    wrote within RECENT_DAYS, and on LOYAL_DAYS different days of the last FREQUENT_DAYS
    active   wrote within RECENT_DAYS
    cooling  wrote within LOST_DAYS
    lost     longer ago

The first match applies. Days are in the business's time zone. Lists, segments and campaigns filter by group.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from zoneinfo import ZoneInfo

from accounts.models import BusinessProfile
from analytics import aggregates
from analytics.aggregates import DAY, Bitmap, Day, Ordinals
from contacts.models import ContactGroup
from contacts.services import contacts
from core.clock import now

NEW_DAYS = 14
RECENT_DAYS = 30
FREQUENT_DAYS = 90
LOYAL_DAYS = 8
LOST_DAYS = 90
AT_A_TIME = 92
"""Dates that are held in memory at once."""
Group = ContactGroup.Group


def regroup(business: BusinessProfile) -> int:
    """Assign every contact of the business to its group as of today.

    Returns how many changed.
    """
    aggregates.ensure_clock(business)
    today = aggregates.local_date(now(), ZoneInfo(business.time_zone))
    groups = grouped(_days(business, today), today)
    return contacts.assign_groups(business, aggregates.contacts_in(business.pk, groups), today)


def grouped(history: Iterable[Day], today: date) -> dict[str, Bitmap]:
    """Return a bitmap of the contacts of each group.

    history: the days up to today, in any order.
    """
    everybody = earlier = recent = lately = 0
    often = [0] * LOYAL_DAYS  # often[n]: wrote on more than n of the last FREQUENT_DAYS
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
    """Yield every day up to today.

    Missing ordinals are assigned, so that all chunks use the same.
    """
    ordinals = Ordinals(business.pk, assign=True)
    begin = aggregates.first_date(business) or today
    while begin <= today:
        end = min(begin + (AT_A_TIME - 1) * DAY, today)
        yield from aggregates.days(business, begin, end, reached=False, ordinals=ordinals)
        begin = end + DAY

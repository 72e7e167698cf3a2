"""Figures of a business by day.

Counted in advance by the roll-up, marked as outdated by triggers, read through `days`. Everything outside this package
imports from here only.
"""

from analytics.aggregates.bitmaps import Bitmap, union
from analytics.aggregates.day import HOURS, Day, Tally
from analytics.aggregates.local_days import DAY, local_date, utc_bounds
from analytics.aggregates.ordinals import Ordinals, contacts_in, prune_ordinals
from analytics.aggregates.reader import days
from analytics.aggregates.rollup import (
    catch_up,
    ensure_clock,
    first_date,
    isolated,
    open_marked_dates,
    rebuild,
    reset,
    roll_up,
)
from analytics.aggregates.triggers import install_triggers

__all__ = [
    "DAY",
    "HOURS",
    "Bitmap",
    "Day",
    "Ordinals",
    "Tally",
    "catch_up",
    "contacts_in",
    "days",
    "ensure_clock",
    "first_date",
    "install_triggers",
    "isolated",
    "local_date",
    "open_marked_dates",
    "prune_ordinals",
    "rebuild",
    "reset",
    "roll_up",
    "union",
    "utc_bounds",
]

"""Retry schedule of deliveries. Pure functions without database and clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime

JITTER = 0.2
"""A wait is up to a fifth longer than planned, so that what failed together does not come back together."""
MAX_RETRY_AFTER = 24 * 3600.0
"""Upper limit of a receiver's Retry-After, in seconds."""


def next_wait(
    waits: Sequence[float], attempts: int, chance: float, retry_after: float | None = None
) -> float | None:
    """Return the seconds to wait after `attempts` failed attempts, or None to give up.

    waits: seconds before the first attempt, the second, ... chance: random number from 0 to 1 for the jitter.
    retry_after: seconds requested by the receiver; it can make the wait longer, never shorter.
    """
    if attempts >= len(waits):
        return None
    wait = waits[attempts] * (1 + JITTER * chance)
    return wait if retry_after is None else max(wait, min(retry_after, MAX_RETRY_AFTER))


def retry_after(header: str | None, now: datetime) -> float | None:
    """Parse a Retry-After header (seconds or a date) to seconds. None if it is missing or invalid."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), MAX_RETRY_AFTER)
    try:
        at = parsedate_to_datetime(text)
        return min(max((at - now).total_seconds(), 0.0), MAX_RETRY_AFTER)
    except (TypeError, ValueError, OverflowError):
        return None

"""When a delivery is tried again. Pure: no database, no clock of its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime

JITTER = 0.2
"""A wait is up to a fifth longer than planned, so that what failed together does not come back together."""
LONGEST_REST = 24 * 3600.0
"""Seconds that a receiver may ask us to wait for."""


def next_wait(
    waits: Sequence[float], attempts: int, chance: float, retry_after: float | None = None
) -> float | None:
    """Seconds until the next attempt after `attempts` that failed; None: it is given up.

    waits: before the first attempt, the second, ... chance: 0 to 1, spreads the waits. retry_after: what the receiver
    asked for; it can make the wait longer, never shorter.
    """
    if attempts >= len(waits):
        return None
    wait = waits[attempts] * (1 + JITTER * chance)
    return wait if retry_after is None else max(wait, min(retry_after, LONGEST_REST))


def retry_after(header: str | None, now: datetime) -> float | None:
    """Seconds from a Retry-After header (a number, or a date), None for none and for nonsense."""
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_REST)
    try:
        at = parsedate_to_datetime(text)
        return min(max((at - now).total_seconds(), 0.0), LONGEST_REST)
    except (TypeError, ValueError, OverflowError):
        return None

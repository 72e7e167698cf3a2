"""Time zones of phone numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

import phonenumbers

UNKNOWN = "Etc/Unknown"


@lru_cache(maxsize=8192)
def zones_of(number: str | None, fallback: str) -> tuple[str, ...]:
    """Return the time zones of a number (E.164).

    (fallback,) if it does not determine any. Of many, the most eastern and the most western: hours that suit both suit
    those between.
    """
    zones = _known(number or "")
    if not zones:
        return (fallback,)
    if len(zones) == 1 or fallback in zones:
        return (fallback,) if fallback in zones else zones
    by_offset = sorted(zones, key=_offset)
    ends = (by_offset[0], by_offset[-1])
    return ends if _offset(ends[0]) != _offset(ends[1]) else ends[:1]


def _known(number: str) -> tuple[str, ...]:
    from phonenumbers import timezone  # here: its tables take a while to load, and only campaigns need them

    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return ()
    return tuple(zone for zone in timezone.time_zones_for_number(parsed) if _exists(zone))


@lru_cache(maxsize=512)
def _exists(name: str) -> bool:
    if name == UNKNOWN:
        return False
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _offset(zone: str) -> float:
    """Seconds east of UTC in January; orders zones independently of the season."""
    offset = datetime(2026, 1, 15, tzinfo=UTC).astimezone(ZoneInfo(zone)).utcoffset()
    return offset.total_seconds() if offset else 0.0

"""Rate limits: one fixed-window counter in the cache, for anonymous forms, wrong passwords and the API.

Windows begin at multiples of their length. Without a cache nothing is counted and everything is allowed.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.core.cache import cache

from core.errors import DomainError
from core.security.crypto import fingerprint

MINUTE = 60
HOUR = 3600
PREFIX = "rate-limit"


class TooManyRequests(DomainError):
    """Exceeded rate limit."""

    status = 429


@dataclass(frozen=True)
class Window:
    """Count of one caller in the current window. reset: seconds until the next window."""

    limit: int
    used: int
    reset: int

    @property
    def exceeded(self) -> bool:
        """Whether the count is above the limit."""
        return self.used > self.limit

    @property
    def headers(self) -> dict[str, str]:
        """Headers of the IETF draft "RateLimit header fields for HTTP"."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(max(0, self.limit - self.used)),
            "RateLimit-Reset": str(self.reset),
        }


def hit(action: str, who: str, limit: int, seconds: int = HOUR) -> Window:
    """Count one `action` of `who`. Returns the window after it."""
    key, reset = _key(action, who, seconds)
    return Window(limit, _increment(key, seconds), reset)


def require(action: str, who: str, limit: int, seconds: int = HOUR) -> None:
    """Count one `action` of `who`. Raises TooManyRequests above `limit` in a window."""
    if hit(action, who, limit, seconds).exceeded:
        raise _too_many()


def require_unspent(action: str, who: str, limit: int, seconds: int = HOUR) -> None:
    """Raise TooManyRequests if `limit` hits were counted already. Counts none."""
    key, _reset = _key(action, who, seconds)
    if cache.get(key, 0) >= limit:
        raise _too_many()


def _key(action: str, who: str, seconds: int) -> tuple[str, int]:
    """Return the current window's cache key, and the seconds until the next window."""
    window, passed = divmod(int(time.time()), seconds)
    return f"{PREFIX}:{action}:{fingerprint(who)[:32]}:{window}", seconds - passed


def _increment(key: str, seconds: int) -> int:
    try:
        return int(cache.incr(key))
    except ValueError:  # no such key, or no cache
        if cache.add(key, 1, seconds * 2):
            return 1
    try:
        return int(cache.incr(key))
    except ValueError:
        return 1


def _too_many() -> TooManyRequests:
    return TooManyRequests("too_many_requests", "That was a lot in a short time. Wait an hour and try again.")

"""Brakes on pages that strangers may post to: counted in the cache, per address of the client or of the mailbox."""

from __future__ import annotations

from django.core.cache import cache

from core.errors import DomainError
from core.security.crypto import fingerprint

HOUR = 3600
PREFIX = "throttle"


class TooManyRequests(DomainError):
    """The caller should wait."""

    status = 429


def hit(action: str, who: str, limit: int, seconds: int = HOUR) -> bool:
    """Count one `action` by `who`; False when it is more than `limit` in a window of `seconds`."""
    key = _key(action, who)
    cache.add(key, 0, seconds)
    try:
        return cache.incr(key) <= limit
    except ValueError:
        return True


def require(action: str, who: str, limit: int, seconds: int = HOUR) -> None:
    """Raise TooManyRequests when `hit` says no."""
    if not hit(action, who, limit, seconds):
        raise _too_many()


def require_unspent(action: str, who: str, limit: int) -> None:
    """Raise TooManyRequests when `limit` hits were counted already; counts none."""
    if cache.get(_key(action, who), 0) >= limit:
        raise _too_many()


def _key(action: str, who: str) -> str:
    return f"{PREFIX}:{action}:{fingerprint(who)}"


def _too_many() -> TooManyRequests:
    return TooManyRequests("too_many_requests", "That was a lot in a short time. Wait an hour and try again.")

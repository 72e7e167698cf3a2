"""How much a caller may ask: counted by key, by person, and by address for those who have shown no credential.

Fixed windows of a minute in the cache. Every answer says what is left; a refused one says when to come back.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest
from rest_framework.exceptions import Throttled

from accounts.access import Access
from accounts.lockout import client_address
from accounts.models import User
from core.security.crypto import fingerprint

WINDOW = 60
"""Seconds."""


@dataclass(frozen=True)
class Budget:
    """What a caller has. reset: seconds until it is whole again."""

    limit: int
    remaining: int
    reset: int

    @property
    def headers(self) -> dict[str, str]:
        """As the answer tells it."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }


def caller(access: Access | None, user: User | None, request: HttpRequest) -> tuple[str, int]:
    """Who is counted, and how often they may ask in a minute."""
    if access is not None and access.key is not None:
        return f"key:{access.key.pk}", settings.API_REQUESTS_PER_KEY
    if user is not None:
        return f"user:{user.pk}", settings.API_REQUESTS_PER_USER
    return f"address:{client_address(request)}", settings.API_REQUESTS_PER_ADDRESS


def count(who: str, limit: int) -> Budget:
    """Count one request of `who`. Raises Throttled, with its budget as `budget`, when there are too many."""
    moment = time.time()
    reset = WINDOW - int(moment) % WINDOW
    used = _increment(f"api:{fingerprint(who)[:32]}:{int(moment) // WINDOW}")
    budget = Budget(limit, max(0, limit - used), reset)
    if used > limit:
        refusal = Throttled(wait=reset, detail="Too many requests. Slow down, and come back then.")
        refusal.budget = budget  # type: ignore[attr-defined]
        raise refusal
    return budget


def _increment(key: str) -> int:
    try:
        return cache.incr(key)
    except ValueError:
        if cache.add(key, 1, WINDOW * 2):
            return 1
        return cache.incr(key)

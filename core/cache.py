"""Redis cache that may be unreachable: it only saves work and counts for the rate limits.

What could not be deleted meanwhile (the session of somebody who signed out) is deleted when Redis is back.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar

import structlog
from django.core.cache.backends import redis as backend
from django.core.cache.backends.base import DEFAULT_TIMEOUT
from redis import RedisError

log = structlog.get_logger(__name__)

MOST_OWED = 10_000
REST_SECONDS = 2.0
"""After a failure Redis is not asked again for so long, so that a Redis that hangs does not slow every request."""


class RedisCache(backend.RedisCache):
    """Django's backend that acts as an empty cache while Redis is away: sessions are then read from the database."""

    _rests_until = 0.0
    _owed: ClassVar[set[tuple[Any, Any]]] = set()
    """(key, version) of what is to be deleted yet."""

    def _tried(self, act: Callable[[], Any], instead: Any) -> Any:
        if time.monotonic() < RedisCache._rests_until:
            return instead
        try:
            while RedisCache._owed:
                key, version = next(iter(RedisCache._owed))
                super().delete(key, version)
                RedisCache._owed.discard((key, version))
            return act()
        except (RedisError, OSError) as error:
            RedisCache._rests_until = time.monotonic() + REST_SECONDS
            log.warning("cache_unreachable", reason=type(error).__name__)
            return instead

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        return self._tried(lambda: super(RedisCache, self).get(key, default, version), default)

    def get_many(self, keys: Any, version: Any = None) -> Any:
        return self._tried(lambda: super(RedisCache, self).get_many(keys, version), {})

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> None:
        self._tried(lambda: super(RedisCache, self).set(key, value, timeout, version), None)

    def set_many(self, data: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> Any:
        return self._tried(lambda: super(RedisCache, self).set_many(data, timeout, version), [])

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> Any:
        return self._tried(lambda: super(RedisCache, self).add(key, value, timeout, version), True)

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> Any:
        return self._tried(lambda: super(RedisCache, self).touch(key, timeout, version), False)

    def delete(self, key: Any, version: Any = None) -> Any:
        done = self._tried(lambda: super(RedisCache, self).delete(key, version), None)
        if done is None and len(RedisCache._owed) < MOST_OWED:
            RedisCache._owed.add((key, version))
        return bool(done)

    def has_key(self, key: Any, version: Any = None) -> Any:
        return self._tried(lambda: super(RedisCache, self).has_key(key, version), False)

    def incr(self, key: Any, delta: int = 1, version: Any = None) -> Any:
        """Raises ValueError, as for a key that is not there."""
        value = self._tried(lambda: super(RedisCache, self).incr(key, delta, version), None)
        if value is None:
            raise ValueError("The cache cannot be reached")
        return value

"""Redis cache backend that tolerates an unreachable Redis.

The cache only saves work and counts for the rate limits. A key that could not be deleted during an outage (the session
of a user who signed out) is deleted when Redis is back.
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

MAX_PENDING_DELETES = 10_000
RETRY_SECONDS = 2.0
"""Time after a failure without calls to Redis, so that a hanging Redis does not slow down every request."""


class RedisCache(backend.RedisCache):
    """Django's Redis backend; an empty cache during an outage (sessions are then read from the database)."""

    _retry_at = 0.0
    _pending_deletes: ClassVar[set[tuple[Any, Any]]] = set()
    """(key, version) of deletions that failed."""

    def _attempt(self, call: Callable[[], Any], default: Any) -> Any:
        if time.monotonic() < RedisCache._retry_at:
            return default
        try:
            while RedisCache._pending_deletes:
                key, version = next(iter(RedisCache._pending_deletes))
                super().delete(key, version)
                RedisCache._pending_deletes.discard((key, version))
            return call()
        except (RedisError, OSError) as error:
            RedisCache._retry_at = time.monotonic() + RETRY_SECONDS
            log.warning("cache_unreachable", reason=type(error).__name__)
            return default

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        return self._attempt(lambda: super(RedisCache, self).get(key, default, version), default)

    def get_many(self, keys: Any, version: Any = None) -> Any:
        return self._attempt(lambda: super(RedisCache, self).get_many(keys, version), {})

    def set(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> None:
        self._attempt(lambda: super(RedisCache, self).set(key, value, timeout, version), None)

    def set_many(self, data: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> Any:
        return self._attempt(lambda: super(RedisCache, self).set_many(data, timeout, version), [])

    def add(self, key: Any, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> Any:
        return self._attempt(lambda: super(RedisCache, self).add(key, value, timeout, version), True)

    def touch(self, key: Any, timeout: Any = DEFAULT_TIMEOUT, version: Any = None) -> Any:
        return self._attempt(lambda: super(RedisCache, self).touch(key, timeout, version), False)

    def delete(self, key: Any, version: Any = None) -> Any:
        done = self._attempt(lambda: super(RedisCache, self).delete(key, version), None)
        if done is None and len(RedisCache._pending_deletes) < MAX_PENDING_DELETES:
            RedisCache._pending_deletes.add((key, version))
        return bool(done)

    def has_key(self, key: Any, version: Any = None) -> Any:
        return self._attempt(lambda: super(RedisCache, self).has_key(key, version), False)

    def incr(self, key: Any, delta: int = 1, version: Any = None) -> Any:
        """Increment `key`. Raises ValueError for a missing key and during an outage."""
        value = self._attempt(lambda: super(RedisCache, self).incr(key, delta, version), None)
        if value is None:
            raise ValueError("The cache cannot be reached")
        return value

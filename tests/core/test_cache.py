"""The cache without its Redis: empty, never an error; and nothing that was to be deleted comes back with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.cache.backends import redis as backend
from redis import ConnectionError as Unreachable

from core.cache import RedisCache
from core.ids import uuid7

pytestmark = pytest.mark.services

NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    RedisCache._retry_at = 0.0
    RedisCache._pending_deletes.clear()
    yield
    RedisCache._retry_at = 0.0
    RedisCache._pending_deletes.clear()


def test_without_redis_the_cache_is_empty() -> None:
    cache = RedisCache(NOBODY, {})
    cache.set("name", 1)
    cache.set_many({"name": 1})
    assert cache.add("name", 1) is True
    assert cache.get("name") is None
    assert cache.get("name", 7) == 7
    assert cache.get_many(["name"]) == {}
    assert cache.delete("name") is False
    assert cache.touch("name") is False
    assert "name" not in cache
    with pytest.raises(ValueError, match="cannot be reached"):
        cache.incr("name")


def test_a_redis_that_failed_is_left_alone_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def fail(self: object, key: str, default: object) -> None:
        asked.append(key)
        raise Unreachable

    monkeypatch.setattr(backend.RedisCacheClient, "get", fail)
    cache = RedisCache(NOBODY, {})
    for _ in range(5):
        cache.get("name")
    assert len(asked) == 1
    RedisCache._retry_at = 0.0
    cache.get("name")
    assert len(asked) == 2


def test_what_was_to_be_deleted_meanwhile_is_gone_when_redis_is_back(
    require_redis: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, key = RedisCache(require_redis, {}), uuid7().hex
    cache.set(key, "a session")
    with monkeypatch.context() as away:
        away.setattr(cache, "_cache", RedisCache(NOBODY, {})._cache)
        cache.delete(key)
    RedisCache._retry_at = 0.0
    assert cache.get(key) is None

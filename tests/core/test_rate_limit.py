"""The fixed-window counter behind every rate limit."""

from uuid import uuid4

import pytest
from django.core.cache import cache

from core import rate_limit
from core.rate_limit import TooManyRequests


@pytest.fixture(autouse=True)
def _own_counters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "PREFIX", f"rate-limit-{uuid4()}")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Its one element is the time."""
    moment = [3600.0 * 1000]
    monkeypatch.setattr(rate_limit.time, "time", lambda: moment[0])
    return moment


def test_one_more_than_the_limit_is_too_many() -> None:
    for _ in range(3):
        rate_limit.require("post", "somebody", 3)
    with pytest.raises(TooManyRequests):
        rate_limit.require("post", "somebody", 3)
    rate_limit.require("post", "another", 3)
    rate_limit.require("read", "somebody", 3)


def test_the_next_window_begins_at_nothing(clock: list[float]) -> None:
    assert [rate_limit.hit("post", "somebody", 1).exceeded for _ in range(2)] == [False, True]
    clock[0] += 3599
    assert rate_limit.hit("post", "somebody", 1).exceeded
    clock[0] += 1
    assert not rate_limit.hit("post", "somebody", 1).exceeded


def test_the_headers_say_what_is_left_and_when_the_next_window_begins(clock: list[float]) -> None:
    clock[0] += 18
    assert rate_limit.hit("post", "somebody", 2, rate_limit.MINUTE).headers == {
        "RateLimit-Limit": "2",
        "RateLimit-Remaining": "1",
        "RateLimit-Reset": "42",
    }
    for _ in range(3):
        window = rate_limit.hit("post", "somebody", 2, rate_limit.MINUTE)
    assert window.headers["RateLimit-Remaining"] == "0"


def test_asking_whether_it_is_spent_counts_nothing() -> None:
    for _ in range(5):
        rate_limit.require_unspent("guess", "somebody", 1)
    rate_limit.hit("guess", "somebody", 1)
    with pytest.raises(TooManyRequests):
        rate_limit.require_unspent("guess", "somebody", 1)


def test_without_a_cache_everything_is_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> int:
        raise ValueError

    monkeypatch.setattr(cache, "incr", away)
    monkeypatch.setattr(cache, "add", lambda *_, **__: False)
    for _ in range(5):
        rate_limit.require("post", "somebody", 1)


def test_the_cache_keeps_no_name_of_a_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    keys: list[str] = []
    monkeypatch.setattr(cache, "incr", lambda key: keys.append(key) or 1)
    rate_limit.hit("reset-address", "maria@example.com", 1)
    assert "maria" not in keys[0]

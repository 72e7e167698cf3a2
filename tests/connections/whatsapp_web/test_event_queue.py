"""Pushes come in any order, twice, or not at all; what is taken is whole, in order and told once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connections.drivers.whatsapp_web.event_queue import Feed


def event(number: int, epoch: str = "a", uid: str = "") -> dict[str, Any]:
    return {"n": number, "uid": uid or f"{epoch}:{number}", "type": "ack", "data": {"id": str(number)}}


def push(feed: Feed, number: int, epoch: str = "a", uid: str = "") -> None:
    feed.hear(json.dumps({"epoch": epoch, "event": event(number, epoch, uid)}))


def numbers(feed: Feed) -> list[int]:
    return [raw["n"] for raw in feed.take(500)]


def test_shuffled_pushes_are_taken_in_order() -> None:
    feed = Feed(lambda: None)
    for number in (2, 3, 1):
        push(feed, number)
    assert numbers(feed) == [1, 2, 3]


def test_a_lost_push_is_asked_for() -> None:
    feed = Feed(lambda: None)
    feed.pulled({"epoch": "a", "events": [], "last": 0})
    assert not feed.must_pull()
    push(feed, 2)
    assert numbers(feed) == []
    assert feed.must_pull()
    feed.pulled({"epoch": "a", "events": [event(1), event(2)], "last": 2})
    assert numbers(feed) == [1, 2]
    assert not feed.must_pull()


def test_what_was_pushed_and_pulled_is_told_once() -> None:
    feed = Feed(lambda: None)
    push(feed, 1)
    feed.pulled({"epoch": "a", "events": [event(1)], "last": 1})
    push(feed, 1)
    assert numbers(feed) == [1]


def test_a_reloaded_page_begins_anew_and_what_it_carried_over_is_told_once() -> None:
    feed = Feed(lambda: None)
    push(feed, 1)
    push(feed, 1, epoch="b", uid="a:1")
    push(feed, 2, epoch="b")
    assert [raw["uid"] for raw in feed.take(500)] == ["a:1", "b:2"]
    assert feed.cursor("b") == 2
    assert feed.cursor("c") == 0


def test_a_page_that_dropped_its_oldest_does_not_stop_the_rest() -> None:
    feed = Feed(lambda: None)
    feed.pulled({"epoch": "a", "events": [event(7), event(8)], "last": 8})
    assert numbers(feed) == [7, 8]
    assert feed.take_lost(), "what it dropped has to be looked for"
    assert not feed.take_lost(), "once"


def test_nothing_is_lost_while_every_number_comes() -> None:
    feed = Feed(lambda: None)
    push(feed, 1)
    feed.pulled({"epoch": "a", "events": [event(2), event(3)], "last": 3})
    feed.pulled({"epoch": "a", "events": [], "last": 3})
    assert numbers(feed) == [1, 2, 3]
    assert not feed.take_lost()


def test_what_a_page_tells_that_was_left_changes_nothing() -> None:
    """Such a push once turned the reader back to the old page, and then it asked the new one without end."""
    feed = Feed(lambda: None)
    feed.pulled({"epoch": "a", "events": [event(1)], "last": 1})
    feed.pulled({"epoch": "b", "events": [event(n, "b") for n in (1, 2, 3)], "last": 3})
    push(feed, 2, epoch="a")
    assert feed.cursor("b") == 3
    push(feed, 4, epoch="b")
    assert [raw["uid"] for raw in feed.take(500)] == ["a:1", "b:1", "b:2", "b:3", "b:4"]
    assert not feed.must_pull()


@pytest.mark.parametrize(
    ("kept", "told"),
    [([7, 8, 9], [5, 7, 8, 9]), ([9], [5, 9]), ([], [5, 9])],
)
def test_what_the_page_no_longer_has_is_not_waited_for(kept: list[int], told: list[int]) -> None:
    feed = Feed(lambda: None)
    push(feed, 5)
    push(feed, 9)
    assert not feed.pulled({"epoch": "a", "events": [event(n) for n in kept], "last": 9})
    assert numbers(feed) == told
    assert feed.cursor("a") == 9
    assert not feed.must_pull()


def test_every_push_wakes_and_nonsense_does_no_harm() -> None:
    woken: list[int] = []
    feed = Feed(lambda: woken.append(1))
    feed.hear("not json")
    push(feed, 1)
    assert len(woken) == 2
    assert numbers(feed) == [1]

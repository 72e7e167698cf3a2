"""Pushes come in any order, twice, or not at all; what is taken is whole, in order and told once."""

from __future__ import annotations

import json
from typing import Any

from connections.drivers.whatsapp_web.feed import Feed


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


def test_every_push_wakes_and_nonsense_does_no_harm() -> None:
    woken: list[int] = []
    feed = Feed(lambda: woken.append(1))
    feed.hear("not json")
    push(feed, 1)
    assert len(woken) == 2
    assert numbers(feed) == [1]

"""Pushes come in any order, twice, or not at all; what is taken is whole, in order and told once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connections.drivers.whatsapp_web.event_queue import EventQueue


def event(number: int, epoch: str = "a", uid: str = "") -> dict[str, Any]:
    return {"n": number, "uid": uid or f"{epoch}:{number}", "type": "ack", "data": {"id": str(number)}}


def push(queue: EventQueue, number: int, epoch: str = "a", uid: str = "") -> None:
    queue.push(json.dumps({"epoch": epoch, "event": event(number, epoch, uid)}))


def numbers(queue: EventQueue) -> list[int]:
    return [raw["n"] for raw in queue.take(500)]


def test_shuffled_pushes_are_taken_in_order() -> None:
    queue = EventQueue(lambda: None)
    for number in (2, 3, 1):
        push(queue, number)
    assert numbers(queue) == [1, 2, 3]


def test_a_lost_push_is_asked_for() -> None:
    queue = EventQueue(lambda: None)
    queue.add_pulled({"epoch": "a", "events": [], "last": 0})
    assert not queue.should_pull()
    push(queue, 2)
    assert numbers(queue) == []
    assert queue.should_pull()
    queue.add_pulled({"epoch": "a", "events": [event(1), event(2)], "last": 2})
    assert numbers(queue) == [1, 2]
    assert not queue.should_pull()


def test_what_was_pushed_and_pulled_is_told_once() -> None:
    queue = EventQueue(lambda: None)
    push(queue, 1)
    queue.add_pulled({"epoch": "a", "events": [event(1)], "last": 1})
    push(queue, 1)
    assert numbers(queue) == [1]


def test_a_reloaded_page_begins_anew_and_what_it_carried_over_is_told_once() -> None:
    queue = EventQueue(lambda: None)
    push(queue, 1)
    push(queue, 1, epoch="b", uid="a:1")
    push(queue, 2, epoch="b")
    assert [raw["uid"] for raw in queue.take(500)] == ["a:1", "b:2"]
    assert queue.cursor("b") == 2
    assert queue.cursor("c") == 0


def test_a_page_that_dropped_its_oldest_does_not_stop_the_rest() -> None:
    queue = EventQueue(lambda: None)
    queue.add_pulled({"epoch": "a", "events": [event(7), event(8)], "last": 8})
    assert numbers(queue) == [7, 8]
    assert queue.take_lost(), "what it dropped has to be looked for"
    assert not queue.take_lost(), "once"


def test_nothing_is_lost_while_every_number_comes() -> None:
    queue = EventQueue(lambda: None)
    push(queue, 1)
    queue.add_pulled({"epoch": "a", "events": [event(2), event(3)], "last": 3})
    queue.add_pulled({"epoch": "a", "events": [], "last": 3})
    assert numbers(queue) == [1, 2, 3]
    assert not queue.take_lost()


def test_what_a_page_tells_that_was_left_changes_nothing() -> None:
    """Such a push once turned the reader back to the old page, and then it asked the new one without end."""
    queue = EventQueue(lambda: None)
    queue.add_pulled({"epoch": "a", "events": [event(1)], "last": 1})
    queue.add_pulled({"epoch": "b", "events": [event(n, "b") for n in (1, 2, 3)], "last": 3})
    push(queue, 2, epoch="a")
    assert queue.cursor("b") == 3
    push(queue, 4, epoch="b")
    assert [raw["uid"] for raw in queue.take(500)] == ["a:1", "b:1", "b:2", "b:3", "b:4"]
    assert not queue.should_pull()


@pytest.mark.parametrize(
    ("kept", "taken"),
    [([7, 8, 9], [5, 7, 8, 9]), ([9], [5, 9]), ([], [5, 9])],
)
def test_what_the_page_no_longer_has_is_not_waited_for(kept: list[int], taken: list[int]) -> None:
    queue = EventQueue(lambda: None)
    push(queue, 5)
    push(queue, 9)
    assert not queue.add_pulled({"epoch": "a", "events": [event(n) for n in kept], "last": 9})
    assert numbers(queue) == taken
    assert queue.cursor("a") == 9
    assert not queue.should_pull()


def test_every_push_wakes_and_nonsense_does_no_harm() -> None:
    woken: list[int] = []
    queue = EventQueue(lambda: woken.append(1))
    queue.push("not json")
    push(queue, 1)
    assert len(woken) == 2
    assert numbers(queue) == [1]

"""A number that looks connected while nothing is confirmed is detected."""

from __future__ import annotations

from connections.drivers.base import AckLevel, Chat
from messaging.runner.ack_watchdog import AckWatchdog

CHAT = Chat(phone="+9992000000001")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def watchdog_after(sends: int, clock: Clock) -> AckWatchdog:
    watchdog = AckWatchdog(window=60, threshold=3, clock=clock)
    for number in range(sends):
        watchdog.record_send(CHAT, f"id-{number}", AckLevel.PENDING)
    return watchdog


def test_three_sends_without_a_receipt_for_a_minute_are_too_many() -> None:
    clock = Clock()
    watchdog = watchdog_after(3, clock)
    assert watchdog.seconds_until_overdue() == 60
    clock.now = 59
    assert not watchdog.is_overdue()
    clock.now = 60
    assert watchdog.is_overdue()


def test_two_are_not_enough() -> None:
    clock = Clock()
    watchdog = watchdog_after(2, clock)
    clock.now = 600
    assert not watchdog.is_overdue()


def test_any_receipt_proves_that_receipts_come() -> None:
    clock = Clock()
    watchdog = watchdog_after(5, clock)
    watchdog.record_receipt()
    clock.now = 600
    assert not watchdog.is_overdue()
    assert watchdog.seconds_until_overdue() is None


def test_a_send_that_is_confirmed_at_once_needs_no_watching() -> None:
    watchdog = watchdog_after(2, Clock())
    watchdog.record_send(CHAT, "confirmed", AckLevel.SENT)
    assert watchdog.unconfirmed() == []


def test_after_a_restart_one_unconfirmed_send_is_enough() -> None:
    clock = Clock()
    watchdog = watchdog_after(3, clock)
    clock.now = 60
    watchdog.restart()
    assert watchdog.suspicious
    assert not watchdog.is_overdue()
    for number in range(3):
        watchdog.forget(f"id-{number}")
    watchdog.record_send(CHAT, "probe", AckLevel.PENDING)
    clock.now = 120
    assert watchdog.is_overdue()
    watchdog.record_receipt()
    assert not watchdog.suspicious

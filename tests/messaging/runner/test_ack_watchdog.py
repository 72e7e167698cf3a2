"""A number that looks connected and is deaf is found out."""

from __future__ import annotations

from connections.drivers.base import AckLevel, Chat
from messaging.runner.ack_watchdog import Hearing

CHAT = Chat(phone="+9992000000001")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def hearing(sends: int, clock: Clock) -> Hearing:
    ears = Hearing(window=60, enough=3, clock=clock)
    for number in range(sends):
        ears.sent(CHAT, f"id-{number}", AckLevel.PENDING)
    return ears


def test_three_sends_without_a_receipt_for_a_minute_make_it_deaf() -> None:
    clock = Clock()
    ears = hearing(3, clock)
    assert ears.seconds_until_deaf() == 60
    clock.now = 59
    assert not ears.deaf()
    clock.now = 60
    assert ears.deaf()


def test_two_are_not_enough() -> None:
    clock = Clock()
    ears = hearing(2, clock)
    clock.now = 600
    assert not ears.deaf()


def test_any_receipt_proves_that_receipts_come() -> None:
    clock = Clock()
    ears = hearing(5, clock)
    ears.heard()
    clock.now = 600
    assert not ears.deaf()
    assert ears.seconds_until_deaf() is None


def test_a_send_that_is_confirmed_at_once_needs_no_watching() -> None:
    ears = hearing(2, Clock())
    ears.sent(CHAT, "confirmed", AckLevel.SENT)
    assert ears.unconfirmed() == []


def test_after_a_deaf_spell_one_unconfirmed_send_is_enough() -> None:
    clock = Clock()
    ears = hearing(3, clock)
    clock.now = 60
    ears.recycled()
    assert ears.suspicious
    assert not ears.deaf()
    for number in range(3):
        ears.forget(f"id-{number}")
    ears.sent(CHAT, "probe", AckLevel.PENDING)
    clock.now = 120
    assert ears.deaf()
    ears.heard()
    assert not ears.suspicious

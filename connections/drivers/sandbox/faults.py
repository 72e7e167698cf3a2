"""Faults that tests and the phone page can inject into the sandbox, by name."""

from __future__ import annotations

from typing import Any

COUNTED = {
    "fail_next": "So many sends fail for now (nothing leaves).",
    "fail_permanently_next": "So many sends are refused for good.",
    "drop_next": "So many sends lose the connection before WhatsApp took the message.",
    "lost_result_next": "So many sends lose the connection after WhatsApp took the message.",
    "lose_events": "So many events never reach the linked device.",
    "fail_downloads": "So many downloads of media fail for now.",
    "fail_lookups": "So many times WhatsApp cannot say whether a number is on WhatsApp.",
    "fail_history": "So many times the recent chats cannot be read after a gap.",
}
"""Faults with a counter, each occurrence of which uses one up."""

SWITCHES = {
    "double_events": "Every event is told twice.",
    "shuffle_events": "Events are told in the wrong order.",
    "ack_before_return": "Receipts are there before the send returns.",
    "drop_acks": "No receipts at all.",
    "limit_new_chats": "WhatsApp lets nobody be written to who has not written first.",
    "encrypted_first": "Messages come without their content first, and once more with it.",
}
"""Faults that stay until they are switched off."""

SLOW = "slow_ms"
"""Delay of each send in milliseconds, at most MAX_SLOW_MS."""

MAX_SLOW_MS = 30_000
MAX_COUNT = 10_000


def validated(faults: dict[str, Any]) -> dict[str, Any]:
    """Return the faults in stored form, without those that are off. Raises ValueError for an invalid one."""
    result: dict[str, Any] = {}
    for name, value in faults.items():
        if name in SWITCHES:
            if value:
                result[name] = True
            continue
        if name not in COUNTED and name != SLOW:
            raise ValueError(f"There is no fault called {name}")
        number = int(value or 0)
        if not 0 <= number <= (MAX_SLOW_MS if name == SLOW else MAX_COUNT):
            raise ValueError(f"{name} is out of range")
        if number:
            result[name] = number
    return result

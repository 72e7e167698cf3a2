"""Detects a number that looks connected while WhatsApp confirms none of its sends."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from connections.drivers.base import AckLevel, Chat


@dataclass
class _Unconfirmed:
    chat: Chat
    since: float


class AckWatchdog:
    """Tracks sends without a receipt.

    Lives as long as the runner, over several sessions. window: seconds within which a send should be confirmed.
    threshold: number of overdue sends that is too many.
    """

    def __init__(
        self, window: float = 60.0, threshold: int = 3, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.window = window
        self.threshold = threshold
        self.suspicious = False
        """Whether the session was restarted because receipts were overdue, and none has come since."""
        self._clock = clock
        self._unconfirmed: dict[str, _Unconfirmed] = {}

    def record_send(self, chat: Chat, wa_id: str, level: int) -> None:
        """Watch a message that was sent, unless WhatsApp has confirmed it already."""
        if level == AckLevel.PENDING:
            self._unconfirmed[wa_id] = _Unconfirmed(chat, self._clock())
        else:
            self.record_receipt()

    def record_receipt(self) -> None:
        """Clear all unconfirmed sends: receipts do arrive."""
        self._unconfirmed.clear()
        self.suspicious = False

    def forget(self, wa_id: str) -> None:
        """Stop watching a message that WhatsApp does not know."""
        self._unconfirmed.pop(wa_id, None)

    def is_overdue(self) -> bool:
        """Return whether too many sends have waited too long for a receipt."""
        return self.seconds_until_overdue() == 0.0

    def restart(self) -> None:
        """Give every message another window, because the session is opened again."""
        self.suspicious = True
        for send in self._unconfirmed.values():
            send.since = self._clock()

    def unconfirmed(self) -> list[tuple[Chat, str]]:
        """Return chat and WhatsApp id of the messages without a receipt."""
        return [(send.chat, wa_id) for wa_id, send in self._unconfirmed.items()]

    def seconds_until_overdue(self) -> float | None:
        """Return the time left if no receipt comes. None: too few sends are unconfirmed."""
        threshold = 1 if self.suspicious else self.threshold
        since = sorted(send.since for send in self._unconfirmed.values())
        if len(since) < threshold:
            return None
        return max(0.0, since[threshold - 1] + self.window - self._clock())

"""Does WhatsApp confirm what we send? A number that looks connected and is deaf must say so."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from connections.drivers.base import AckLevel, Chat


@dataclass
class _Waiting:
    chat: Chat
    since: float


class Hearing:
    """Counts sends without a receipt. Lives as long as the runner, over several sessions.

    window: seconds after which a send should have been confirmed. enough: so many unconfirmed ones make it deaf.
    """

    def __init__(
        self, window: float = 60.0, enough: int = 3, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.window = window
        self.enough = enough
        self.suspicious = False
        """It was deaf, and nothing has been confirmed since."""
        self._clock = clock
        self._waiting: dict[str, _Waiting] = {}

    def sent(self, chat: Chat, wa_id: str, level: int) -> None:
        """A message left. One that WhatsApp has confirmed already needs no watching."""
        if level == AckLevel.PENDING:
            self._waiting[wa_id] = _Waiting(chat, self._clock())
        else:
            self.heard()

    def heard(self) -> None:
        """A receipt came: receipts do come."""
        self._waiting.clear()
        self.suspicious = False

    def forget(self, wa_id: str) -> None:
        """WhatsApp does not know this message: there will be no receipt."""
        self._waiting.pop(wa_id, None)

    def deaf(self) -> bool:
        """Whether too many sends have waited too long."""
        return self.seconds_until_deaf() == 0.0

    def recycled(self) -> None:
        """The session is opened anew because of that: give every message another window."""
        self.suspicious = True
        for one in self._waiting.values():
            one.since = self._clock()

    def unconfirmed(self) -> list[tuple[Chat, str]]:
        """The messages without a receipt, to be looked up."""
        return [(one.chat, wa_id) for wa_id, one in self._waiting.items()]

    def seconds_until_deaf(self) -> float | None:
        """When it will be deaf if no receipt comes; None when too few sends wait for one."""
        enough = 1 if self.suspicious else self.enough
        since = sorted(one.since for one in self._waiting.values())
        if len(since) < enough:
            return None
        return max(0.0, since[enough - 1] + self.window - self._clock())

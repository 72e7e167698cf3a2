"""Queue of page events, in order and deduplicated, across threads and page reloads."""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

PULL_SECONDS = 5.0
REMEMBERED = 20_000

Raw = dict[str, Any]
"""Event of bridge.js: {n, uid, type, data}."""


class EventQueue:
    """Ordered events of a page. Each page load is an epoch that numbers its events from 1.

    wake: called when events may be available. `push` may be called from any thread, all else from the runner's.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._epoch = ""
        self._old_epochs: deque[str] = deque(maxlen=50)
        """Previous epochs, whose late pushes are ignored: their page has carried the events over to the next one."""
        self._next = 1
        self._out_of_order: dict[int, Raw] = {}
        self._ready: list[Raw] = []
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._gap = False
        self._pulled_at = 0.0
        self._pulled_epoch = ""
        self._lost = False
        self.logout = ""
        """WhatsApp's reason for a logout; "" if none was reported."""
        self.state_changed = threading.Event()
        """Set when the page reports a change of state."""

    def push(self, text: str) -> None:
        """Add an event pushed by the page. Never raises."""
        try:
            message = json.loads(text)
            epoch, event = str(message["epoch"]), message.get("event")
            with self._lock:
                if epoch in self._old_epochs:
                    return
                self._switch_to(epoch)
                self.logout = str(message.get("logout") or self.logout)
                if isinstance(event, dict):
                    self._out_of_order[int(event["n"])] = event
                    self._gap = not self._advance()
        except (ValueError, KeyError, TypeError):
            self._gap = True
        self.state_changed.set()
        self._wake()

    def should_pull(self) -> bool:
        """Return True if an event is missing or the last pull is PULL_SECONDS old."""
        return self._gap or time.monotonic() - self._pulled_at >= PULL_SECONDS

    def take_lost(self) -> bool:
        """Return and reset whether the page has dropped events that were never taken."""
        with self._lock:
            lost, self._lost = self._lost, False
        return lost

    def is_new_epoch(self, epoch: str) -> bool:
        """Return True if the page was reloaded since the last pull."""
        with self._lock:
            return bool(self._pulled_epoch) and epoch != self._pulled_epoch

    def cursor(self, epoch: str) -> int:
        """Return the number of the last event taken of this epoch."""
        with self._lock:
            self._switch_to(epoch)
            return self._next - 1

    def add_pulled(self, answer: dict[str, Any]) -> bool:
        """Add the page's answer to `drain`. Returns True if the page has more events."""
        with self._lock:
            epoch, events = str(answer["epoch"]), answer["events"]
            self._switch_to(epoch)
            for event in events:
                self._out_of_order[int(event["n"])] = event
            self._skip_to(int(events[0]["n"]) if events else int(answer["last"]) + 1)
            self._gap = not self._advance()
            self._pulled_at, self._pulled_epoch = time.monotonic(), epoch
            return self._next <= int(answer["last"]) and bool(events)

    def take(self, limit: int) -> list[Raw]:
        """Remove and return the next events."""
        with self._lock:
            taken, self._ready = self._ready[:limit], self._ready[limit:]
        return taken

    def prepend(self, events: list[Raw]) -> None:
        """Add events that an earlier session took but did not confirm."""
        with self._lock:
            self._ready = [*events, *self._ready]

    def pending(self) -> list[Raw]:
        """Return the events not taken yet."""
        with self._lock:
            return list(self._ready)

    def _switch_to(self, epoch: str) -> None:
        """Switch to this epoch if it is new."""
        if epoch != self._epoch:
            if self._epoch:
                self._old_epochs.append(self._epoch)
            self._epoch, self._next, self._out_of_order, self._pulled_at = epoch, 1, {}, 0.0

    def _skip_to(self, oldest: int) -> None:
        """Skip events that the page has dropped, keeping those that were pushed. Records whether any were lost."""
        pushed = sorted(n for n in self._out_of_order if self._next <= n < oldest)
        self._lost = self._lost or len(pushed) < oldest - self._next
        for number in pushed:
            self._add(self._out_of_order.pop(number))
        self._next = max(self._next, oldest)

    def _advance(self) -> bool:
        """Move consecutive events to `_ready`. Returns False if a number is missing before the rest."""
        for number in [n for n in self._out_of_order if n < self._next]:
            del self._out_of_order[number]
        while event := self._out_of_order.pop(self._next, None):
            self._next += 1
            self._add(event)
        return not self._out_of_order

    def _add(self, event: Raw) -> None:
        """Append an event unless its uid was seen before."""
        uid = str(event["uid"])
        if uid not in self._seen:
            self._seen[uid] = None
            self._ready.append(event)
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)

"""What the page tells, once and in order, although it is pushed by many threads and the page may be loaded anew."""

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
"""An event as bridge.js puts it: {n, uid, type, data}."""


class Feed:
    """A cursor belongs to an epoch: each page load numbers its events from 1 on.

    wake: called when something new can be taken. Pushes come in any thread; everything else from the runner's.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._epoch = ""
        self._past: deque[str] = deque(maxlen=50)
        """Pages that were left: what still comes of them late, they have carried over to the next one."""
        self._next = 1
        self._early: dict[int, Raw] = {}
        self._ready: list[Raw] = []
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._gap = False
        self._pulled_at = 0.0
        self._pulled_epoch = ""
        self._lost = False
        self.logout = ""
        """Why the page says that the login is over; "" while it does not."""
        self.nudged = threading.Event()
        """The page says that its state has changed."""

    def hear(self, text: str) -> None:
        """Take what the page pushed. Never raises."""
        try:
            told = json.loads(text)
            epoch, event = str(told["epoch"]), told.get("event")
            with self._lock:
                if epoch in self._past:
                    return
                self._begin(epoch)
                self.logout = str(told.get("logout") or self.logout)
                if isinstance(event, dict):
                    self._early[int(event["n"])] = event
                    self._gap = not self._advance()
        except (ValueError, KeyError, TypeError):
            self._gap = True
        self.nudged.set()
        self._wake()

    def must_pull(self) -> bool:
        """Whether to ask the page for its queue: something is missing, or it is time to make sure that nothing is."""
        return self._gap or time.monotonic() - self._pulled_at >= PULL_SECONDS

    def take_lost(self) -> bool:
        """Whether events were lost since this was last asked: the page had dropped them before they were taken."""
        with self._lock:
            lost, self._lost = self._lost, False
        return lost

    def is_another(self, epoch: str) -> bool:
        """Whether the page was loaded anew since it was last listened to."""
        with self._lock:
            return bool(self._pulled_epoch) and epoch != self._pulled_epoch

    def cursor(self, epoch: str) -> int:
        """The number up to which this page's events were taken."""
        with self._lock:
            self._begin(epoch)
            return self._next - 1

    def pulled(self, answer: dict[str, Any]) -> bool:
        """Take the page's answer to `drain`. True: there is more to be pulled."""
        with self._lock:
            epoch, events = str(answer["epoch"]), answer["events"]
            self._begin(epoch)
            for event in events:
                self._early[int(event["n"])] = event
            self._skip_to(int(events[0]["n"]) if events else int(answer["last"]) + 1)
            self._gap = not self._advance()
            self._pulled_at, self._pulled_epoch = time.monotonic(), epoch
            return self._next <= int(answer["last"]) and bool(events)

    def take(self, limit: int) -> list[Raw]:
        """The next events; they are gone from here."""
        with self._lock:
            taken, self._ready = self._ready[:limit], self._ready[limit:]
        return taken

    def put_first(self, events: list[Raw]) -> None:
        """Events that an earlier session took and did not confirm."""
        with self._lock:
            self._ready = [*events, *self._ready]

    def waiting(self) -> list[Raw]:
        """What has not been taken yet."""
        with self._lock:
            return list(self._ready)

    def _begin(self, epoch: str) -> None:
        """Listen to this page."""
        if epoch != self._epoch:
            if self._epoch:
                self._past.append(self._epoch)
            self._epoch, self._next, self._early, self._pulled_at = epoch, 1, {}, 0.0

    def _skip_to(self, oldest: int) -> None:
        """The page has nothing before this number any more: take what was pushed, and note that the rest is lost."""
        pushed = sorted(known for known in self._early if self._next <= known < oldest)
        self._lost = self._lost or len(pushed) < oldest - self._next
        for number in pushed:
            self._add(self._early.pop(number))
        self._next = max(self._next, oldest)

    def _advance(self) -> bool:
        """Move what has become complete over to `ready`. False: a number is missing before what came."""
        for number in [known for known in self._early if known < self._next]:
            del self._early[number]
        while event := self._early.pop(self._next, None):
            self._next += 1
            self._add(event)
        return not self._early

    def _add(self, event: Raw) -> None:
        """One more to be taken, unless it was told before."""
        uid = str(event["uid"])
        if uid not in self._seen:
            self._seen[uid] = None
            self._ready.append(event)
        while len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)

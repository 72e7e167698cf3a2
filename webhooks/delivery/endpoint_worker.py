"""A lane: the deliveries of one endpoint that are claimed, and the threads that post them.

A lane starts with one thread and gets more while its receiver answers well; a failure takes it back to one, and after
some in a row it rests. So an endpoint that hangs holds one thread, whatever waits for it, and delays no other. Of many
that hang at once the dispatcher lets only some post at a time: those that are quick (`quick`) always find a thread.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from datetime import UTC, datetime

import structlog

from core.http import OutboundError, Session
from webhooks.delivery import http
from webhooks.delivery.http import Attempt, Claimed, Endpoint

log = structlog.get_logger(__name__)

MOST_THREADS = 8
AHEAD_SECONDS = 0.4
"""So much work is claimed ahead of a receiver that answers fast."""
MOST_AHEAD = 40
"""Deliveries a thread that are claimed ahead at most."""
REST_AFTER = 3
"""Failures in a row after which the lane rests between two tries."""
LONGEST_REST = 30.0
QUICK_SECONDS = 2.0
"""An answer that takes longer holds a thread for too long."""
SMOOTHING = 0.2


class Lane:
    """One endpoint's. report: takes what became of each delivery, from any thread.

    offered_at: when it was last given something to post, on the monotonic clock.
    """

    def __init__(
        self, endpoint: Endpoint, threads: Executor, report: Callable[[Attempt, bool], None]
    ) -> None:
        self.endpoint = endpoint
        self._threads = threads
        self._report = report
        self._lock = threading.Lock()
        self._waiting: deque[Claimed] = deque()
        self._working = 0
        self._allowed = 1
        self._failures = 0
        self._seconds = 1.0
        self._proven = False
        self._begun: dict[int, float] = {}
        self._rest_until = 0.0
        self._last = time.monotonic()
        self.offered_at = 0.0
        self._session: Session | None = None
        self._signers = http.signers(endpoint)

    @property
    def busy(self) -> bool:
        """Whether it has claimed deliveries."""
        return bool(self._waiting or self._working)

    @property
    def failing(self) -> bool:
        """Whether its receiver has failed several times in a row."""
        return self._failures >= REST_AFTER

    @property
    def working(self) -> int:
        """How many threads it holds."""
        return self._working

    @property
    def quick(self) -> bool:
        """Whether its receiver has answered well and fast, and is not just now taking its time."""
        with self._lock:
            late = any(time.monotonic() - begun > QUICK_SECONDS for begun in self._begun.values())
            return self._proven and not self.failing and self._seconds < QUICK_SECONDS and not late

    def renew(self, endpoint: Endpoint) -> None:
        """Go on with what the endpoint is now; what is under way ends as it began."""
        if endpoint == self.endpoint:
            return
        with self._lock:
            moved = endpoint.url != self.endpoint.url
            self.endpoint, self._signers = endpoint, http.signers(endpoint)
            if moved:
                self._session = None

    def room(self) -> int:
        """How many deliveries to claim for it now."""
        with self._lock:
            if self._failures and self._waiting:
                return 0
            if time.monotonic() < self._rest_until:
                return 0
            ahead = 1 if self._failures else max(1, min(int(AHEAD_SECONDS / self._seconds), MOST_AHEAD))
            return max(0, self._allowed * ahead - len(self._waiting))

    def rest_left(self) -> float:
        """Seconds until it may be claimed for again."""
        return max(0.0, self._rest_until - time.monotonic())

    def idle_for(self) -> float:
        """Seconds since it last had an answer, or was made."""
        return time.monotonic() - max(self._last, self._rest_until)

    def offer(self, claimed: Sequence[Claimed]) -> None:
        """Post these."""
        with self._lock:
            self.offered_at = time.monotonic()
            self._waiting.extend(claimed)
            start = min(self._allowed - self._working, len(self._waiting))
            self._working += max(start, 0)
        for _ in range(start):
            self._threads.submit(self._work)

    def empty(self) -> list[Attempt]:
        """Give back what was not begun."""
        with self._lock:
            left, self._waiting = list(self._waiting), deque()
        return [Attempt(self.endpoint, claimed, datetime.now(UTC)) for claimed in left]

    def close(self) -> None:
        """End the connections; only when it is not busy."""
        if self._session is not None:
            self._session.close()

    def _work(self) -> None:
        while (claimed := self._next()) is not None:
            try:
                result = self._post(claimed)
            except Exception:  # a mistake of ours must neither lose the delivery nor stop the lane
                log.exception("webhook_attempt_broke", webhook_id=str(self.endpoint.id))
                result = Attempt(self.endpoint, claimed, datetime.now(UTC), error="internal_error")
            hungry = self._learn(result)
            for given_back in self.empty() if self.failing else ():
                self._report(given_back, False)
            self._report(result, hungry)

    def _next(self) -> Claimed | None:
        with self._lock:
            if not self._waiting or self._working > self._allowed:
                self._working -= 1
                self._begun.pop(threading.get_ident(), None)
                return None
            self._begun[threading.get_ident()] = time.monotonic()
            return self._waiting.popleft()

    def _post(self, claimed: Claimed) -> Attempt:
        if time.monotonic() > claimed.good_until:
            return Attempt(self.endpoint, claimed, datetime.now(UTC))
        endpoint, signers = self.endpoint, self._signers
        try:
            session = self._open_session()
        except OutboundError as error:
            return Attempt(endpoint, claimed, datetime.now(UTC), error=error.code)
        return http.attempt(endpoint, signers, session, claimed)

    def _open_session(self) -> Session:
        with self._lock:
            if self._session is None:
                self._session = Session(self.endpoint.url, connections=MOST_THREADS)
            return self._session

    def _learn(self, result: Attempt) -> bool:
        """Adjust to how the receiver does. Returns whether more should be claimed soon."""
        with self._lock:
            self._last = time.monotonic()
            if result.succeeded:
                self._failures, self._rest_until = 0, 0.0
                taken = max(result.duration_ms / 1000, 0.001)
                self._seconds += SMOOTHING * (taken - self._seconds)
                self._proven = True
                if taken < QUICK_SECONDS:
                    self._allowed = min(self._allowed + 1, MOST_THREADS)
                else:
                    self._allowed = max(1, self._allowed - 1)
            elif result.tried:
                self._failures += 1
                self._allowed = 1
                if self.failing:
                    rest = 0.5 * 2 ** min(self._failures - REST_AFTER, 10)
                    self._rest_until = time.monotonic() + min(rest, LONGEST_REST)
            return len(self._waiting) <= self._allowed * 2

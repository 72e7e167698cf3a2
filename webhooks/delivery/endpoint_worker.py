"""Endpoint worker: the claimed deliveries of one endpoint and the threads that post them.

A worker starts with one thread and gets more while its receiver answers well; a failure takes it back to one, and after
`BACKOFF_AFTER` failures in a row it pauses between tries. So an endpoint that hangs holds one thread, however much is
queued for it, and delays no other. When many endpoints hang, the dispatcher limits how many threads they hold together,
so that fast endpoints always find a free one.
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
from webhooks.delivery.http import Attempt, ClaimedDelivery, Endpoint

log = structlog.get_logger(__name__)

MAX_THREADS = 8
AHEAD_SECONDS = 0.4
"""Seconds of work to claim ahead for a receiver that answers fast."""
MAX_AHEAD = 40
"""Deliveries per thread to claim ahead at most."""
BACKOFF_AFTER = 3
"""Failures in a row after which the worker pauses between two tries."""
MAX_BACKOFF_SECONDS = 30.0
FAST_SECONDS = 2.0
"""A response that takes longer holds a thread for too long."""
SMOOTHING = 0.2


class EndpointWorker:
    """Posts the claimed deliveries of one endpoint.

    report: called with each result, from any thread, and whether more should be claimed soon.
    last_offered_at: when deliveries were last handed over, on the monotonic clock.
    """

    def __init__(
        self, endpoint: Endpoint, threads: Executor, report: Callable[[Attempt, bool], None]
    ) -> None:
        self.endpoint = endpoint
        self._threads = threads
        self._report = report
        self._lock = threading.Lock()
        self._waiting: deque[ClaimedDelivery] = deque()
        self._threads_in_use = 0
        self._max_threads = 1
        self._failures = 0
        self._average_seconds = 1.0
        self._has_succeeded = False
        self._post_started_at: dict[int, float] = {}
        self._backoff_until = 0.0
        self._last_result_at = time.monotonic()
        self.last_offered_at = 0.0
        self._session: Session | None = None
        self._signers = http.signers(endpoint)

    @property
    def busy(self) -> bool:
        """Whether the worker holds claimed deliveries."""
        return bool(self._waiting or self._threads_in_use)

    @property
    def failing(self) -> bool:
        """Whether the receiver has failed several times in a row."""
        return self._failures >= BACKOFF_AFTER

    @property
    def threads_in_use(self) -> int:
        return self._threads_in_use

    @property
    def fast(self) -> bool:
        """Whether the receiver has answered successfully and fast, and no current request is slow."""
        with self._lock:
            late = any(
                time.monotonic() - started > FAST_SECONDS for started in self._post_started_at.values()
            )
            return (
                self._has_succeeded and not self.failing and self._average_seconds < FAST_SECONDS and not late
            )

    def update_endpoint(self, endpoint: Endpoint) -> None:
        """Use the current address, secrets and headers; requests under way finish with the old ones."""
        if endpoint == self.endpoint:
            return
        with self._lock:
            url_changed = endpoint.url != self.endpoint.url
            self.endpoint, self._signers = endpoint, http.signers(endpoint)
            if url_changed:
                self._session = None

    def capacity(self) -> int:
        """Return the number of deliveries to claim for the endpoint now."""
        with self._lock:
            if self._failures and self._waiting:
                return 0
            if time.monotonic() < self._backoff_until:
                return 0
            ahead = 1
            if not self._failures:
                ahead = max(1, min(int(AHEAD_SECONDS / self._average_seconds), MAX_AHEAD))
            return max(0, self._max_threads * ahead - len(self._waiting))

    def backoff_left(self) -> float:
        """Return the seconds until deliveries may be claimed for the endpoint again."""
        return max(0.0, self._backoff_until - time.monotonic())

    def idle_for(self) -> float:
        """Return the seconds since the last result or the end of the backoff, or since the worker was created."""
        return time.monotonic() - max(self._last_result_at, self._backoff_until)

    def offer(self, claimed: Sequence[ClaimedDelivery]) -> None:
        """Queue claimed deliveries and start threads for them."""
        with self._lock:
            self.last_offered_at = time.monotonic()
            self._waiting.extend(claimed)
            start = min(self._max_threads - self._threads_in_use, len(self._waiting))
            self._threads_in_use += max(start, 0)
        for _ in range(start):
            self._threads.submit(self._work)

    def release_waiting(self) -> list[Attempt]:
        """Empty the queue. Returns an untried Attempt for each delivery that was in it."""
        with self._lock:
            released, self._waiting = list(self._waiting), deque()
        return [Attempt(self.endpoint, claimed, datetime.now(UTC)) for claimed in released]

    def close(self) -> None:
        """Close the connections. The worker must not be busy."""
        if self._session is not None:
            self._session.close()

    def _work(self) -> None:
        while (claimed := self._next()) is not None:
            try:
                result = self._post(claimed)
            except Exception:  # a bug of ours must neither lose the delivery nor stop the worker
                log.exception("webhook_attempt_broke", webhook_id=str(self.endpoint.id))
                result = Attempt(self.endpoint, claimed, datetime.now(UTC), error="internal_error")
            claim_more = self._learn(result)
            for released in self.release_waiting() if self.failing else ():
                self._report(released, False)
            self._report(result, claim_more)

    def _next(self) -> ClaimedDelivery | None:
        with self._lock:
            if not self._waiting or self._threads_in_use > self._max_threads:
                self._threads_in_use -= 1
                self._post_started_at.pop(threading.get_ident(), None)
                return None
            self._post_started_at[threading.get_ident()] = time.monotonic()
            return self._waiting.popleft()

    def _post(self, claimed: ClaimedDelivery) -> Attempt:
        if time.monotonic() > claimed.start_before:
            return Attempt(self.endpoint, claimed, datetime.now(UTC))
        endpoint, signers = self.endpoint, self._signers
        try:
            session = self._get_session()
        except OutboundError as error:
            return Attempt(endpoint, claimed, datetime.now(UTC), error=error.code)
        return http.post(endpoint, signers, session, claimed)

    def _get_session(self) -> Session:
        with self._lock:
            if self._session is None:
                self._session = Session(self.endpoint.url, connections=MAX_THREADS)
            return self._session

    def _learn(self, result: Attempt) -> bool:
        """Update latency average and concurrency from one result. Returns whether to claim more soon."""
        with self._lock:
            self._last_result_at = time.monotonic()
            if result.succeeded:
                self._failures, self._backoff_until = 0, 0.0
                seconds = max(result.duration_ms / 1000, 0.001)
                self._average_seconds += SMOOTHING * (seconds - self._average_seconds)
                self._has_succeeded = True
                if seconds < FAST_SECONDS:
                    self._max_threads = min(self._max_threads + 1, MAX_THREADS)
                else:
                    self._max_threads = max(1, self._max_threads - 1)
            elif result.tried:
                self._failures += 1
                self._max_threads = 1
                if self.failing:
                    backoff = 0.5 * 2 ** min(self._failures - BACKOFF_AFTER, 10)
                    self._backoff_until = time.monotonic() + min(backoff, MAX_BACKOFF_SECONDS)
            return len(self._waiting) <= self._max_threads * 2

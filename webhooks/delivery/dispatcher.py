"""Dispatcher: one thread that talks to the database, and endpoint workers that talk to receivers.

The thread claims for each endpoint as many deliveries as its worker has capacity for, and writes results in batches.
A task starts it (`ensure_running`), wake-ups shorten its sleep, and it ends when nothing has been due for a while; beat
has it started again. Any number of processes may run one: claims keep them apart.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, SimpleQueue
from uuid import UUID

import structlog
from django.db import Error, close_old_connections, connections

from core.failpoints import reach
from core.realtime import hub, wakeup
from core.shutdown import on_stop, stopping
from webhooks.delivery import queue
from webhooks.delivery.endpoint_worker import EndpointWorker
from webhooks.delivery.http import Attempt, Endpoint

log = structlog.get_logger(__name__)

MAX_THREADS = 64
MAX_SLOW_THREADS = MAX_THREADS // 2
"""Threads that endpoints which are not `fast` (or new) may hold together; the others are reserved for fast ones."""
BATCH_SECONDS = 0.05
"""While deliveries are under way: how long results are collected before they are written."""
POLL_SECONDS = 5.0
IDLE_SECONDS = 30.0
"""The thread ends after nothing has been due for this long."""
STOP_SECONDS = 3.0
"""How long requests under way may take when the process is asked to stop."""
FRAME_INTERVAL = 1.0
"""Seconds between two live frames about one endpoint."""
RECOVER_SECONDS = 1.0


class Dispatcher:
    """Claims due deliveries, hands them to endpoint workers and records the results."""

    def __init__(self, idle_seconds: float = IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._workers: dict[UUID, EndpointWorker] = {}
        self._threads = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="webhook")
        self._results: SimpleQueue[Attempt] = SimpleQueue()
        self._unwritten: list[Attempt] = []
        self._unannounced: dict[UUID, UUID] = {}
        self._announced_at: dict[UUID, float] = {}
        self._stopped = threading.Event()

    def run(self) -> None:
        """Work until nothing has been due for a while, or the process is asked to stop."""
        idle_since = time.monotonic()
        with wakeup.listen(queue.TOPIC) as listener:
            self._listener = listener
            unregister = on_stop(self.stop)
            try:
                while not self._stopped.is_set():
                    if self._round():
                        idle_since = time.monotonic()
                    elif time.monotonic() - idle_since > self._idle_seconds:
                        break
                    listener.wait(self._wait())
            finally:
                unregister()
                self._shut_down()

    def stop(self) -> None:
        """Make `run` return soon; safe from any thread."""
        self._stopped.set()
        wakeup.notify(queue.TOPIC)

    def _round(self) -> bool:
        """Write results, claim and hand out deliveries. Returns whether there is anything to do."""
        try:
            self._write()
            self._claim()
            self._announce()
        except Error:  # the database is away: claims expire by themselves, results are kept and written later
            log.warning("webhook_round_failed", exc_info=True)
            connections.close_all()
            time.sleep(RECOVER_SECONDS)
            return True
        return self._busy()

    def _busy(self) -> bool:
        return bool(self._unwritten) or any(worker.busy for worker in self._workers.values())

    def _wait(self) -> float:
        """Seconds to sleep unless woken."""
        if self._busy():
            return BATCH_SECONDS
        if self._unannounced:
            return FRAME_INTERVAL / 4
        backoffs = [worker.backoff_left() for worker in self._workers.values() if worker.backoff_left()]
        try:
            due = queue.seconds_until_due()
        except Error:
            return RECOVER_SECONDS
        close_old_connections()
        soonest = [POLL_SECONDS] if due is None else [POLL_SECONDS, max(due, min(backoffs, default=0.0))]
        return max(min(soonest), 0.01)

    def _write(self) -> None:
        """Settle the results that have come back; they are dropped only after the commit."""
        while True:
            try:
                self._unwritten.append(self._results.get_nowait())
            except Empty:
                break
        if not self._unwritten:
            return
        reach("webhooks.posted")
        queue.settle(self._unwritten)
        self._unannounced |= {result.endpoint.id: result.endpoint.business_id for result in self._unwritten}
        self._unwritten = []

    def _claim(self) -> None:
        """Claim for every due endpoint whose worker has capacity, the least recently served first."""
        due = queue.due_endpoints()
        slow_threads = sum(worker.threads_in_use for worker in self._workers.values() if not worker.fast)
        for worker in sorted(map(self._worker, due), key=lambda worker: worker.last_offered_at):
            capacity = worker.capacity()
            if not capacity or (not worker.fast and slow_threads >= MAX_SLOW_THREADS):
                continue
            slow_threads += not worker.fast
            claimed = queue.claim(worker.endpoint.id, capacity)
            reach("webhooks.claimed")
            worker.offer(claimed)
        self._drop_idle(keep={endpoint.id for endpoint in due})

    def _worker(self, endpoint: Endpoint) -> EndpointWorker:
        """Get or create the endpoint's worker, updated to the endpoint's current settings."""
        worker = self._workers.get(endpoint.id)
        if worker is None:
            worker = self._workers[endpoint.id] = EndpointWorker(endpoint, self._threads, self._report)
        worker.update_endpoint(endpoint)
        return worker

    def _drop_idle(self, keep: set[UUID]) -> None:
        """Close workers that have been idle for long, except those of the endpoints in `keep`."""
        for endpoint_id, worker in list(self._workers.items()):
            if endpoint_id not in keep and not worker.busy and worker.idle_for() > self._idle_seconds:
                del self._workers[endpoint_id]
                self._announced_at.pop(endpoint_id, None)
                worker.close()

    def _report(self, result: Attempt, claim_more: bool) -> None:
        """Take a result; called by the workers' threads."""
        self._results.put(result)
        if claim_more:
            self._listener.notify()

    def _announce(self, at_once: bool = False) -> None:
        """Push a live frame for each endpoint with new results, at most one in FRAME_INTERVAL seconds.

        A frame that comes too early is delayed, never dropped. at_once: do not delay.
        """
        moment = time.monotonic()
        for endpoint_id, business_id in list(self._unannounced.items()):
            if at_once or moment - self._announced_at.get(endpoint_id, -FRAME_INTERVAL) >= FRAME_INTERVAL:
                self._announced_at[endpoint_id] = moment
                del self._unannounced[endpoint_id]
                hub.push(hub.business_group(business_id), {"type": "webhook", "webhook": str(endpoint_id)})

    def _shut_down(self) -> None:
        """Release unstarted deliveries, wait up to STOP_SECONDS for requests under way, write the results."""
        for worker in self._workers.values():
            for released in worker.release_waiting():
                self._results.put(released)
        deadline = time.monotonic() + STOP_SECONDS
        while any(worker.busy for worker in self._workers.values()) and time.monotonic() < deadline:
            time.sleep(0.02)
        try:
            self._write()
            self._announce(at_once=True)
        except Error:
            log.warning("webhook_results_not_written", exc_info=True)
        self._threads.shutdown(wait=False, cancel_futures=True)
        connections.close_all()


_thread: threading.Thread | None = None
_lock = threading.Lock()


def ensure_running() -> None:
    """Start this process's dispatcher if it is not running, and wake it."""
    global _thread
    with _lock:
        if (_thread is None or not _thread.is_alive()) and not stopping.is_set():
            _thread = threading.Thread(target=_run, name="webhooks", daemon=True)
            _thread.start()
    wakeup.notify(queue.TOPIC)


def _run() -> None:
    try:
        Dispatcher().run()
    except Exception:
        log.exception("webhook_dispatcher_failed")  # beat has it started again
    finally:
        connections.close_all()

"""Whoever posts what is due: one thread that talks to the database, and lanes that talk to receivers.

The thread claims for each endpoint as much as its lane has room for and writes results in batches. It is started by a
task (`ensure_running`), woken by a wake-up, and ends when nothing has been due for a while; beat's sweeper has it
started again. Any number of processes may run one: claims keep them apart.
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
from webhooks.delivery.endpoint_worker import Lane
from webhooks.delivery.http import Attempt, Endpoint
from webhooks.services import deliveries

log = structlog.get_logger(__name__)

MOST_THREADS = 64
FOR_DOUBTFUL = MOST_THREADS // 2
"""Threads that endpoints which are not `quick` may hold at once, new ones too; the others are for those that are."""
ROUND_SECONDS = 0.05
"""While deliveries are under way: how long results are gathered before they are written."""
LOOK_SECONDS = 5.0
IDLE_SECONDS = 30.0
"""With nothing due for so long the thread ends."""
STOP_SECONDS = 3.0
"""How long attempts that are under way may take when the process is asked to stop."""
TOLD_EVERY = 1.0
"""Seconds between two frames to the pages about one endpoint."""
RECOVER_SECONDS = 1.0


class Dispatcher:
    """See the module. `run` returns when there is nothing to do or the process stops."""

    def __init__(self, idle_seconds: float = IDLE_SECONDS) -> None:
        self._idle_seconds = idle_seconds
        self._lanes: dict[UUID, Lane] = {}
        self._threads = ThreadPoolExecutor(MOST_THREADS, thread_name_prefix="webhook")
        self._results: SimpleQueue[Attempt] = SimpleQueue()
        self._unwritten: list[Attempt] = []
        self._untold: dict[UUID, UUID] = {}
        self._told: dict[UUID, float] = {}
        self._stopped = threading.Event()

    def run(self) -> None:
        """Work until nothing has been due for a while, or the process is asked to stop."""
        idle_since = time.monotonic()
        with wakeup.listen(deliveries.TOPIC) as listener:
            self._listener = listener
            forget = on_stop(self.stop)
            try:
                while not self._stopped.is_set():
                    if self._round():
                        idle_since = time.monotonic()
                    elif time.monotonic() - idle_since > self._idle_seconds:
                        break
                    listener.wait(self._wait())
            finally:
                forget()
                self._wind_up()

    def stop(self) -> None:
        """Have `run` return soon; safe from any thread."""
        self._stopped.set()
        wakeup.notify(deliveries.TOPIC)

    def _round(self) -> bool:
        """Write results, claim, hand out. Returns whether there is anything to do."""
        try:
            self._write()
            self._take()
            self._tell()
        except Error:  # the database is away: claims end by themselves, results are kept and written later
            log.warning("webhook_round_failed", exc_info=True)
            connections.close_all()
            time.sleep(RECOVER_SECONDS)
            return True
        return self._busy()

    def _busy(self) -> bool:
        return bool(self._unwritten) or any(lane.busy for lane in self._lanes.values())

    def _wait(self) -> float:
        """Seconds to sleep unless notified."""
        if self._busy():
            return ROUND_SECONDS
        if self._untold:
            return TOLD_EVERY / 4
        rests = [lane.rest_left() for lane in self._lanes.values() if lane.rest_left()]
        try:
            due = deliveries.seconds_until_due()
        except Error:
            return RECOVER_SECONDS
        close_old_connections()
        soonest = [LOOK_SECONDS] if due is None else [LOOK_SECONDS, max(due, min(rests, default=0.0))]
        return max(min(soonest), 0.01)

    def _write(self) -> None:
        """Settle what has come back. It is forgotten only when the commit is done."""
        while True:
            try:
                self._unwritten.append(self._results.get_nowait())
            except Empty:
                break
        if not self._unwritten:
            return
        reach("webhooks.posted")
        deliveries.settle(self._unwritten)
        self._untold |= {one.endpoint.id: one.endpoint.business_id for one in self._unwritten}
        self._unwritten = []

    def _take(self) -> None:
        """Claim for every endpoint that has something due and whose lane has room; who was served longest ago first."""
        due = deliveries.due_endpoints()
        doubtful = sum(lane.working for lane in self._lanes.values() if not lane.quick)
        for lane in sorted(map(self._lane, due), key=lambda lane: lane.offered_at):
            room = lane.room()
            if not room or (not lane.quick and doubtful >= FOR_DOUBTFUL):
                continue
            doubtful += not lane.quick
            claimed = deliveries.claim(lane.endpoint.id, room)
            reach("webhooks.claimed")
            lane.offer(claimed)
        self._drop({endpoint.id for endpoint in due})

    def _lane(self, endpoint: Endpoint) -> Lane:
        """The endpoint's lane, made if there is none, knowing what the endpoint is now."""
        lane = self._lanes.get(endpoint.id)
        if lane is None:
            lane = self._lanes[endpoint.id] = Lane(endpoint, self._threads, self._report)
        lane.renew(endpoint)
        return lane

    def _drop(self, wanted: set[UUID]) -> None:
        """Forget lanes that have nothing to do, are not resting, and whose connections have long been idle."""
        for key, lane in list(self._lanes.items()):
            if key not in wanted and not lane.busy and lane.idle_for() > self._idle_seconds:
                del self._lanes[key]
                self._told.pop(key, None)
                lane.close()

    def _report(self, result: Attempt, hungry: bool) -> None:
        """Called by lanes, from their threads."""
        self._results.put(result)
        if hungry:
            self._listener.notify()

    def _tell(self, at_once: bool = False) -> None:
        """Let the open pages fetch anew what they show of endpoints: at most once a second each, never too few."""
        moment = time.monotonic()
        for key, business_id in list(self._untold.items()):
            if at_once or moment - self._told.get(key, -TOLD_EVERY) >= TOLD_EVERY:
                self._told[key] = moment
                del self._untold[key]
                hub.push(hub.business_group(business_id), {"type": "webhook", "webhook": str(key)})

    def _wind_up(self) -> None:
        """Give back what was not begun, wait a moment for what was, and write it all."""
        for lane in self._lanes.values():
            for given_back in lane.empty():
                self._results.put(given_back)
        deadline = time.monotonic() + STOP_SECONDS
        while any(lane.busy for lane in self._lanes.values()) and time.monotonic() < deadline:
            time.sleep(0.02)
        try:
            self._write()
            self._tell(at_once=True)
        except Error:
            log.warning("webhook_results_not_written", exc_info=True)
        self._threads.shutdown(wait=False, cancel_futures=True)
        connections.close_all()


_thread: threading.Thread | None = None
_lock = threading.Lock()


def ensure_running() -> None:
    """Start this process's dispatcher unless it runs, and wake it."""
    global _thread
    with _lock:
        if (_thread is None or not _thread.is_alive()) and not stopping.is_set():
            _thread = threading.Thread(target=_run, name="webhooks", daemon=True)
            _thread.start()
    wakeup.notify(deliveries.TOPIC)


def _run() -> None:
    try:
        Dispatcher().run()
    except Exception:
        log.exception("webhook_dispatcher_failed")  # the sweeper has it started again
    finally:
        connections.close_all()

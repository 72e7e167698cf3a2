"""Publishing on Redis from any thread without waiting for it.

One thread and one connection a process; what is handed over is sent in order, many at a time. Best effort by design:
with Redis away or the queue full, messages are dropped and the log says so once, because every receiver makes up for a
lost one (sweepers, and pages that refetch).
"""

from __future__ import annotations

import os
import threading
from queue import Empty, Full, Queue

import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

CAPACITY = 10_000
BATCH = 200


class Courier:
    """Takes messages at once, delivers them from its own thread."""

    def __init__(self, url: str, capacity: int = CAPACITY) -> None:
        self._url = url
        self._queue: Queue[tuple[str, bytes]] = Queue(capacity)
        self._failing = False
        threading.Thread(target=self._run, name="courier", daemon=True).start()

    def publish(self, channel: str, payload: bytes) -> None:
        """Queue `payload` for `channel`. Never blocks, never raises."""
        try:
            self._queue.put_nowait((channel, payload))
        except Full:
            self._note_failure("queue full")

    def _run(self) -> None:
        import redis  # here, because the embedded default must not pay for it: 0.2 s and 12 MB

        client = redis.Redis.from_url(self._url, socket_connect_timeout=2, socket_timeout=5)
        while True:
            batch = self._next_batch()
            try:
                pipeline = client.pipeline(transaction=False)
                for channel, payload in batch:
                    pipeline.publish(channel, payload)
                pipeline.execute()
            except (redis.RedisError, OSError) as error:
                self._note_failure(type(error).__name__)
            except Exception:
                log.exception("courier_failed")
            else:
                self._note_success()

    def _next_batch(self) -> list[tuple[str, bytes]]:
        batch = [self._queue.get()]
        while len(batch) < BATCH:
            try:
                batch.append(self._queue.get_nowait())
            except Empty:
                break
        return batch

    def _note_failure(self, reason: str) -> None:
        if not self._failing:
            self._failing = True
            log.warning("redis_publish_failed", reason=reason)

    def _note_success(self) -> None:
        if self._failing:
            self._failing = False
            log.warning("redis_publish_recovered")


_courier: Courier | None = None
_lock = threading.Lock()


def courier() -> Courier:
    """This process's courier, started on first use."""
    global _courier
    with _lock:
        if _courier is None:
            _courier = Courier(settings.REDIS_URL)
        return _courier


def _forget() -> None:
    global _courier, _lock
    _courier, _lock = None, threading.Lock()


os.register_at_fork(after_in_child=_forget)

"""Waking those who wait for work: "look at the database, there may be something for you".

A bell carries no data and may get lost; whoever waits looks again by itself after its timeout. Embedded, bells are
events within the process. With Redis they also go to the other processes, over one channel that one thread a process
listens to.
"""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from types import TracebackType
from uuid import UUID

import structlog
from django.conf import settings

from core.realtime.redis_publisher import courier

log = structlog.get_logger(__name__)

RECONNECT_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)


class Bell:
    """Waits for rings of one topic. Use as a context manager; rings between two waits are kept as one."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self._rung = threading.Event()

    def ring(self) -> None:
        """Wake the one who waits, from any thread of this process."""
        self._rung.set()

    def wait(self, timeout: float) -> bool:
        """Sleep until rung, at most `timeout` seconds. True when it was rung."""
        rung = self._rung.wait(max(timeout, 0))
        self._rung.clear()
        return rung

    def __enter__(self) -> Bell:
        with _lock:
            _bells[self.topic].add(self)
        if not settings.EMBEDDED:
            _ensure_ear()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _lock:
            _bells[self.topic].discard(self)
            if not _bells[self.topic]:
                del _bells[self.topic]


_bells: dict[str, set[Bell]] = defaultdict(set)
_lock = threading.Lock()
_ear: threading.Thread | None = None


def connection_topic(connection_id: UUID | str) -> str:
    """The topic of one WhatsApp number: rung when its runner has something to do."""
    return f"connection.{UUID(str(connection_id)).hex}"


def listen(topic: str) -> Bell:
    """A bell that rings with `topic` while its `with` block lasts."""
    return Bell(topic)


def ring(topic: str) -> None:
    """Wake everybody who listens to `topic`, here and in other processes. Never blocks, never raises."""
    try:
        _ring_here(topic)
        if not settings.EMBEDDED:
            courier().publish(_channel(), topic.encode())
    except Exception:
        log.exception("doorbell_failed", topic=topic)


def _ring_here(topic: str) -> None:
    with _lock:
        bells = tuple(_bells.get(topic, ()))
    for bell in bells:
        bell.ring()


def _ring_all() -> None:
    with _lock:
        bells = [bell for group in _bells.values() for bell in group]
    for bell in bells:
        bell.ring()


def _channel() -> str:
    return f"{settings.REDIS_PREFIX}.doorbell"


def _ensure_ear() -> None:
    """Start the thread that hears other processes' bells."""
    global _ear
    with _lock:
        if _ear is None or not _ear.is_alive():
            _ear = threading.Thread(target=_hear_forever, name="doorbell", daemon=True)
            _ear.start()


def _hear_forever() -> None:
    import redis  # here, because the embedded default must not pay for it: 0.2 s and 12 MB

    failures = 0
    while True:
        try:
            for kind in _hear():
                failures = 0
                if kind == "subscribed":
                    _ring_all()  # something may have been missed
        except (redis.RedisError, OSError) as error:
            if not failures:
                log.warning("doorbell_lost", reason=type(error).__name__)
        except Exception:
            log.exception("doorbell_ear_failed")
        time.sleep(RECONNECT_SECONDS[min(failures, len(RECONNECT_SECONDS) - 1)])
        failures += 1


def _hear() -> Iterator[str]:
    """Ring what Redis brings. Yields "subscribed" once listening, "rung" for each bell; raises when Redis goes away."""
    import redis

    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=3, socket_timeout=None, socket_keepalive=True
    )
    with client, client.pubsub() as pubsub:
        pubsub.subscribe(_channel())
        for message in pubsub.listen():
            if message["type"] == "subscribe":
                yield "subscribed"
            elif message["type"] == "message":
                _ring_here(message["data"].decode())
                yield "rung"


def _after_fork() -> None:
    global _ear, _lock
    _ear, _lock = None, threading.Lock()
    _bells.clear()


os.register_at_fork(after_in_child=_after_fork)

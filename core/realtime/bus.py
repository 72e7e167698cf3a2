"""Message bus of one installation: publish from any thread, subscribe once a process and channel.

Embedded, `publish` calls the subscriber in the caller's thread. With Redis, one thread a process publishes and one
thread a subscribed channel listens. Delivery is best effort: with Redis away or the queue full, messages are dropped
and the log says so once, because every receiver makes up for a lost one (sweepers, and pages that refetch).
"""

from __future__ import annotations

import os
import threading
import time
from queue import Empty, Full, Queue
from typing import Any, Protocol

import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

CAPACITY = 10_000
"""Messages that may wait for the publisher."""
BATCH = 200
"""Messages in one round trip to Redis."""
RECONNECT_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Before the first try after a lost connection, the second, ..."""


class Subscriber(Protocol):
    """Receiver of one channel. All methods are called from a thread of the bus, or embedded from a publisher's."""

    def on_connect(self) -> None:
        """Handle a new or restored subscription: messages before it may have been missed."""

    def on_disconnect(self) -> None:
        """Handle a lost subscription: nothing arrives until the next `on_connect`."""

    def receive(self, payload: bytes) -> None:
        """Handle one message. Must not block."""


_subscribers: dict[str, Subscriber] = {}
_publisher: Publisher | None = None
_lock = threading.Lock()


def publish(channel: str, payload: bytes) -> None:
    """Send `payload` to every process that is subscribed to `channel`. Never blocks."""
    if settings.EMBEDDED:
        subscriber = _subscribers.get(channel)
        if subscriber is not None:
            subscriber.receive(payload)
    else:
        publisher().publish(_redis_channel(channel), payload)


def subscribe(channel: str, subscriber: Subscriber) -> None:
    """Have `subscriber` receive what is published on `channel`. A no-op from the second call in a process on."""
    with _lock:
        if channel in _subscribers:
            return
        _subscribers[channel] = subscriber
    if settings.EMBEDDED:
        subscriber.on_connect()
    else:
        threading.Thread(
            target=_listen_forever, args=(channel, subscriber), name=f"bus-{channel}", daemon=True
        ).start()


def _redis_channel(channel: str) -> str:
    return f"{settings.REDIS_PREFIX}.{channel}"


def _listen_forever(channel: str, subscriber: Subscriber) -> None:
    failures = 0
    while True:
        try:
            for message in _listen(channel):
                failures = 0
                if message["type"] == "subscribe":  # also when redis-py has reconnected by itself
                    subscriber.on_connect()
                elif message["type"] == "message":
                    _receive(subscriber, message["data"])
        except Exception as error:  # the thread must outlive whatever Redis does
            if not failures:
                log.warning("bus_subscription_lost", channel=channel, reason=type(error).__name__)
        subscriber.on_disconnect()
        time.sleep(RECONNECT_SECONDS[min(failures, len(RECONNECT_SECONDS) - 1)])
        failures += 1


def _listen(channel: str) -> Any:
    """Yield redis-py's messages of `channel`. Raises RedisError or OSError when the connection is lost."""
    import redis  # here, because the embedded default must not pay for it: 0.2 s and 12 MB

    client = redis.Redis.from_url(
        settings.REDIS_URL,
        client_name=f"whatsflow-{channel}-{os.getpid()}",
        socket_connect_timeout=3,
        socket_timeout=None,
        socket_keepalive=True,
    )
    with client, client.pubsub() as pubsub:
        pubsub.subscribe(_redis_channel(channel))
        yield from pubsub.listen()


def _receive(subscriber: Subscriber, payload: bytes) -> None:
    try:
        subscriber.receive(payload)
    except Exception:
        log.exception("bus_subscriber_failed")


class Publisher:
    """Queue of messages to Redis, written out in order by a thread of its own over one connection."""

    def __init__(self, url: str, capacity: int = CAPACITY) -> None:
        self._url = url
        self._queue: Queue[tuple[str, bytes]] = Queue(capacity)
        self._failing = False
        threading.Thread(target=self._run, name="bus-publisher", daemon=True).start()

    def publish(self, channel: str, payload: bytes) -> None:
        """Queue `payload` for the Redis channel. Never blocks, never raises."""
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
                log.exception("bus_publisher_failed")
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
            log.warning("bus_publish_failed", reason=reason)

    def _note_success(self) -> None:
        if self._failing:
            self._failing = False
            log.warning("bus_publish_recovered")


def publisher() -> Publisher:
    """Return this process's publisher, started on first use."""
    global _publisher
    with _lock:
        if _publisher is None:
            _publisher = Publisher(settings.REDIS_URL)
        return _publisher


def _after_fork() -> None:
    """Forget the parent's threads: a child starts its own."""
    global _publisher, _lock
    _publisher, _lock = None, threading.Lock()
    _subscribers.clear()


os.register_at_fork(after_in_child=_after_fork)

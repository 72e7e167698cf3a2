"""Wake-ups for threads that wait for work: "look at the database, there may be something for you".

A wake-up carries no data and may get lost: whoever waits looks again after a timeout of its own. Wake-ups reach the
threads of this process at once and those of other processes over the message bus.
"""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from types import TracebackType
from uuid import UUID

import structlog
from django.conf import settings

from core.realtime import bus

log = structlog.get_logger(__name__)

CHANNEL = "wakeup"


class Listener:
    """Waits for wake-ups of one topic inside of its `with` block. Several between two waits count as one."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self._notified = threading.Event()

    def notify(self) -> None:
        """Wake this listener only, from any thread of this process."""
        self._notified.set()

    def wait(self, timeout: float) -> bool:
        """Sleep until notified, at most `timeout` seconds. Returns whether there was a wake-up."""
        notified = self._notified.wait(max(timeout, 0))
        self._notified.clear()
        return notified

    def __enter__(self) -> Listener:
        with _lock:
            _listeners[self.topic].add(self)
        bus.subscribe(CHANNEL, _BusSubscriber())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with _lock:
            _listeners[self.topic].discard(self)
            if not _listeners[self.topic]:
                del _listeners[self.topic]


_listeners: dict[str, set[Listener]] = defaultdict(set)
_lock = threading.Lock()


def connection_topic(connection_id: UUID | str) -> str:
    """Return the topic on which the runner of a WhatsApp number waits for work."""
    return f"connection.{UUID(str(connection_id)).hex}"


def listen(topic: str) -> Listener:
    """Return a listener for `topic`, to be used as a context manager."""
    return Listener(topic)


def notify(topic: str) -> None:
    """Wake every listener of `topic`, here and in other processes. Never blocks, never raises."""
    try:
        _notify_here(topic)
        if not settings.EMBEDDED:
            bus.publish(CHANNEL, topic.encode())
    except Exception:
        log.exception("wakeup_failed", topic=topic)


def _notify_here(topic: str) -> None:
    with _lock:
        listeners = tuple(_listeners.get(topic, ()))
    for listener in listeners:
        listener.notify()


class _BusSubscriber:
    """Passes on the wake-ups of other processes."""

    def on_connect(self) -> None:
        """Wake everybody: something may have been missed."""
        with _lock:
            listeners = [listener for group in _listeners.values() for listener in group]
        for listener in listeners:
            listener.notify()

    def on_disconnect(self) -> None:
        """Nothing to do: listeners look by themselves until then."""

    def receive(self, payload: bytes) -> None:
        _notify_here(payload.decode())


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()
    _listeners.clear()


os.register_at_fork(after_in_child=_after_fork)

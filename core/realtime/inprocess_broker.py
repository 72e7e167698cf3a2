"""Celery's broker of the embedded default: kombu's memory transport, but one that wakes its consumers.

`memory://` asks its queues once a second. Here a put wakes whoever drains, so a task starts within a millisecond and an
idle process sleeps. Registered as `inproc://` on import. What is in it dies with the process, which costs nothing: all
work that is due is rows in the database.
"""

from __future__ import annotations

import socket
import threading
from queue import Empty, Queue
from time import monotonic
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, memory, virtual

from core.shutdown import stopping


class _Arrivals:
    """Counts what was put, so that several waiting consumers each notice."""

    def __init__(self) -> None:
        self.count = 0
        self.calls = 0
        """How often the consumers were called off."""
        self._changed = threading.Condition()

    def announce(self) -> None:
        with self._changed:
            self.count += 1
            self._changed.notify_all()

    def call_off(self) -> None:
        with self._changed:
            self.calls += 1
        self.announce()

    def wait_past(self, count: int, timeout: float | None) -> bool:
        """Wait until something was put after `count` was read. False when `timeout` seconds went by."""
        with self._changed:
            return self._changed.wait_for(lambda: self.count != count, timeout)


_arrivals = _Arrivals()


def wake() -> None:
    """Make every draining consumer return at once, so that it notices that it has been asked to stop."""
    _arrivals.call_off()


class Channel(memory.Channel):
    """A memory channel with queues of its own and a bell on every put."""

    events: Any = memory.defaultdict(set)
    queues: dict[str, Queue[Any]] = {}

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:
        super()._put(queue, message, **kwargs)
        _arrivals.announce()

    def _put_fanout(self, exchange: str, message: Any, routing_key: str | None = None, **kwargs: Any) -> None:
        super()._put_fanout(exchange, message, routing_key, **kwargs)
        _arrivals.announce()

    def close(self) -> None:
        """Close this channel and leave the queues to the others."""
        virtual.Channel.close(self)


class Transport(memory.Transport):
    """Sleeps until something is put."""

    Channel = Channel
    global_state = virtual.BrokerState()
    driver_type = "inproc"
    driver_name = "inproc"

    def drain_events(self, connection: Any, timeout: float | None = None, **kwargs: Any) -> None:
        """Deliver one message. Raises socket.timeout after `timeout` seconds without any, or when woken."""
        deadline = None if timeout is None else monotonic() + timeout
        calls = _arrivals.calls
        assert self.cycle is not None
        while True:
            seen = _arrivals.count
            try:
                self.cycle.get(self._deliver, timeout=timeout)
                return
            except Empty:
                left = None if deadline is None else deadline - monotonic()
                if (left is not None and left <= 0) or _arrivals.calls != calls or stopping.is_set():
                    raise TimeoutError from None
                _arrivals.wait_past(seen, left)


assert TimeoutError is socket.timeout  # what celery's loop catches
TRANSPORT_ALIASES["inproc"] = "core.realtime.inprocess_broker:Transport"

"""Celery broker of the embedded default: kombu's memory transport with consumers that wait instead of polling.

`memory://` polls its queues once a second. Here publishing wakes the consumers, so that a task starts within a
millisecond and an idle process sleeps. Registered as `inproc://` on import. Messages are lost with the process, which
is harmless: all work that is due is rows in the database.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from queue import Queue
from time import monotonic
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, memory, virtual

from core.shutdown import stopping


class _Arrivals:
    """Counter of published messages on which several consumers can wait."""

    def __init__(self) -> None:
        self.count = 0
        self.interruptions = 0
        self._changed = threading.Condition()

    def announce(self) -> None:
        """Wake the consumers: there is a message."""
        with self._changed:
            self.count += 1
            self._changed.notify_all()

    def interrupt(self) -> None:
        """Wake the consumers and have them return."""
        with self._changed:
            self.interruptions += 1
        self.announce()

    def wait_past(self, count: int, timeout: float | None) -> bool:
        """Wait until something was announced after `count` was read. Returns False after `timeout` seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self.count != count, timeout)


_arrivals = _Arrivals()


def interrupt_consumers() -> None:
    """Make every draining consumer return at once, so that it notices that it has been asked to stop."""
    _arrivals.interrupt()


class Channel(memory.Channel):
    """Memory channel that announces published messages. Its queues are separate from those of `memory://`."""

    events: Any = defaultdict(set)
    queues: dict[str, Queue[Any]] = {}

    def basic_publish(self, message: Any, exchange: str, routing_key: str, **kwargs: Any) -> Any:
        result = super().basic_publish(message, exchange, routing_key, **kwargs)
        _arrivals.announce()
        return result

    def basic_reject(self, delivery_tag: str, requeue: bool = False) -> None:
        super().basic_reject(delivery_tag, requeue=requeue)
        if requeue:
            _arrivals.announce()

    def basic_recover(self, requeue: bool = False) -> Any:
        result = super().basic_recover(requeue)
        _arrivals.announce()
        return result


class Transport(memory.Transport):
    """Memory transport that sleeps until something is published."""

    Channel = Channel
    global_state = virtual.BrokerState()
    driver_type = "inproc"
    driver_name = "inproc"

    def drain_events(self, connection: Any, timeout: float | None = None, **kwargs: Any) -> None:
        """Deliver one message. Raises TimeoutError after `timeout` seconds without any, or when interrupted."""
        deadline = None if timeout is None else monotonic() + timeout
        interruptions = _arrivals.interruptions
        while True:
            seen = _arrivals.count
            try:
                super().drain_events(connection, timeout=0)  # one look without waiting
                return
            except TimeoutError:
                left = None if deadline is None else deadline - monotonic()
                interrupted = _arrivals.interruptions != interruptions or stopping.is_set()
                if interrupted or (left is not None and left <= 0):
                    raise
            _arrivals.wait_past(seen, left)


TRANSPORT_ALIASES["inproc"] = f"{__name__}:Transport"

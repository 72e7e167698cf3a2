"""Graceful shutdown: one event that every long-running part of this process watches."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

stopping = threading.Event()
"""Set once, when the process has been asked to stop."""

_callbacks: list[Callable[[], None]] = []


def on_stop(callback: Callable[[], None]) -> Callable[[], None]:
    """Call `callback` when the process is asked to stop; at once if that has happened.

    Returns a function that removes the callback.
    """
    _callbacks.append(callback)
    if stopping.is_set():
        callback()

    def remove() -> None:
        if callback in _callbacks:
            _callbacks.remove(callback)

    return remove


def request_stop() -> None:
    """Ask all parts of this process to stop. Thread-safe; a no-op from the second call on."""
    if stopping.is_set():
        return
    stopping.set()
    for callback in tuple(_callbacks):
        try:
            callback()
        except Exception:
            log.exception("stop_callback_failed")

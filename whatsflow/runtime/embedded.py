"""Embedded mode: uvicorn in the main thread, Celery worker and beat in threads of the same process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from socket import socket
from typing import Protocol

import structlog
from django.conf import settings
from django.db import connections

from core.shutdown import stopping
from whatsflow.celery import app
from whatsflow.runtime.signals import stop_on_signals
from whatsflow.runtime.web import Server
from whatsflow.runtime.work import Beat, Worker

log = structlog.get_logger(__name__)

QUEUES = ["default", "sessions", "jobs"]
SHORT_TASK_THREADS = 2
RESTART_SECONDS = (1.0, 2.0, 5.0, 15.0, 60.0)


class Part(Protocol):
    """Blocking part of the process, which runs from `start` until `stop`."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


class SupervisedThread:
    """Runs a part in its own thread; restarts one that ends unexpectedly, with growing delays."""

    def __init__(self, name: str, make: Callable[[], Part]) -> None:
        self._name = name
        self._make = make
        self._part: Part | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Stop the part and wait for its thread. `stopping` must be set."""
        if self._part is not None:
            self._part.stop()
        self._thread.join(timeout)

    def _run(self) -> None:
        for attempt in range(1_000_000):
            try:
                self._part = self._make()
                self._part.start()
            except Exception:
                log.exception("part_failed", part=self._name)
            if stopping.is_set():
                break
            wait = RESTART_SECONDS[min(attempt, len(RESTART_SECONDS) - 1)]
            log.error("part_ended", part=self._name, restart_in=wait)
            if stopping.wait(wait):
                break
        connections.close_all()


def run(bound: socket, *, on_started: Callable[[], None]) -> None:
    """Run all parts until a signal, and return when they have stopped.

    bound: socket to serve. on_started: called when the server listens.
    """
    server = Server(on_started)
    stop_on_signals(also=server.stop)
    beat = SupervisedThread("beat", Beat)
    worker = SupervisedThread("worker", lambda: Worker(QUEUES, SHORT_TASK_THREADS, on_ready=_resume))
    worker.start()
    beat.start()
    server.run(sockets=[bound])
    stopping.set()  # the server may have ended without a signal
    for part in (beat, worker):
        part.stop(timeout=5)


def _resume() -> None:
    """Resume interrupted numbers and jobs at once instead of at the next tick of the beat."""
    app.send_task("connections.tasks.ensure_sessions")
    app.send_task("jobs.tasks.sweep")
    log.info("worker_ready", max_sessions=settings.MAX_SESSIONS)

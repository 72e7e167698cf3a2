"""Roles of processes, each run in the foreground until the process is asked to stop."""

from __future__ import annotations

from collections.abc import Callable
from socket import socket

from django.conf import settings
from django.urls import get_resolver

from whatsflow.runtime import ports
from whatsflow.runtime.signals import STOP_SECONDS, stop_on_signals
from whatsflow.runtime.web import Server, serve_wsgi
from whatsflow.runtime.work import Beat, Worker

WORKER_THREADS = 4
SESSIONS_STOP_SECONDS = 40.0
"""Time for browsers to close and for their sessions to be saved; docker-compose.yml waits a little longer."""


def web(bound: socket | None) -> None:
    """Serve HTTP with granian, which binds and handles signals itself."""
    ports.bind(settings.BIND, settings.PORT).close()  # for a clear error if the port is in use
    serve_wsgi(settings.BIND, settings.PORT)


def live(bound: socket | None) -> None:
    """Serve WebSockets with uvicorn; it also serves pages, for installations without a proxy."""
    bound = bound or ports.bind(settings.BIND, settings.PORT)
    server = Server()
    stop_on_signals(also=server.stop)
    server.run(sockets=[bound])


def worker(bound: socket | None) -> None:
    """Run short tasks and jobs."""
    _work(Worker(["default", "jobs"], WORKER_THREADS))


def sessions(bound: socket | None) -> None:
    """Drive WhatsApp numbers, one thread each."""
    load_urls()
    _work(Worker(["sessions"], settings.MAX_SESSIONS), SESSIONS_STOP_SECONDS)


def beat(bound: socket | None) -> None:
    """Run the schedule. One process an installation."""
    _work(Beat())


def load_urls() -> None:
    """Load the URL patterns, or all numbers of the process would wait a second for the first link."""
    get_resolver().url_patterns  # noqa: B018 - a lazy property


def _work(part: Worker | Beat, seconds: float = STOP_SECONDS) -> None:
    stop_on_signals(also=part.stop, seconds=seconds)
    part.start()


ROLES: dict[str, Callable[[socket | None], None]] = {
    "web": web,
    "live": live,
    "worker": worker,
    "sessions": sessions,
    "beat": beat,
}

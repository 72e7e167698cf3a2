"""One role in the foreground of this process, until it is told to stop."""

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
"""Browsers are closed so that their logins are written, and copied; docker-compose.yml waits a little longer."""


def web(bound: socket | None) -> None:
    """HTTP on granian, which listens and handles signals itself."""
    ports.bind(settings.BIND, settings.PORT).close()  # for the clear message when the port is taken
    serve_wsgi(settings.BIND, settings.PORT)


def live(bound: socket | None) -> None:
    """Sockets on uvicorn, which serves the pages as well to whoever comes without a proxy."""
    bound = bound or ports.bind(settings.BIND, settings.PORT)
    server = Server()
    stop_on_signals(also=server.stop)
    server.run(sockets=[bound])


def worker(bound: socket | None) -> None:
    """Short tasks, and jobs beside them."""
    _work(Worker(["default", "jobs"], WORKER_THREADS))


def sessions(bound: socket | None) -> None:
    """WhatsApp numbers, each in a thread."""
    load_addresses()
    _work(Worker(["sessions"], settings.MAX_SESSIONS), SESSIONS_STOP_SECONDS)


def beat(bound: socket | None) -> None:
    """The schedule. Run one."""
    _work(Beat())


def load_addresses() -> None:
    """Load what the first link to a page would load: a second for which every number of this process would wait."""
    get_resolver().url_patterns  # noqa: B018 - read for what reading it does


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

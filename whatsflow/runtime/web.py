"""HTTP servers: uvicorn for WebSockets (in embedded mode for everything), granian for plain HTTP."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator

import uvicorn
from django.conf import settings

GRACE_SECONDS = 2
"""Time for running requests when the server is asked to stop."""


class Server(uvicorn.Server):
    """uvicorn that leaves signals to `runtime.signals` and calls `on_started` when it listens."""

    def __init__(self, on_started: Callable[[], None] = lambda: None) -> None:
        super().__init__(
            uvicorn.Config(
                "whatsflow.asgi:application",
                lifespan="off",
                log_config=None,
                access_log=False,
                proxy_headers=False,  # who may set X-Forwarded-For is decided in settings.py
                server_header=False,
                ws_max_size=64 * 1024,
                ws_ping_interval=20.0,
                ws_ping_timeout=30.0,
                timeout_keep_alive=30,
                timeout_graceful_shutdown=GRACE_SECONDS,
            )
        )
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_started()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def stop(self) -> None:
        """Stop accepting, finish running requests and return from `run`. Thread-safe."""
        self.should_exit = True


def serve_wsgi(host: str, port: int) -> None:
    """Serve HTTP with granian, which supervises its own worker processes, until stopped."""
    from granian.constants import Interfaces
    from granian.server import Server as Granian

    Granian(
        "whatsflow.wsgi:application",
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=settings.WEB_WORKERS,
        blocking_threads=settings.WEB_THREADS,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=5,
        log_access=False,
        log_dictconfig=settings.LOGGING,
    ).serve()

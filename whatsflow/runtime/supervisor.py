"""Supervisor of one process a role: starts them, restarts those that end, stops them together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field

import structlog
from django.conf import settings

from core.shutdown import stopping
from whatsflow.runtime.signals import STOP_SECONDS

log = structlog.get_logger(__name__)

RESTART_SECONDS = (0.5, 1.0, 2.0, 5.0, 15.0, 30.0)
HEALTHY_SECONDS = 60.0
"""Uptime after which a child that ends is restarted without delay."""
CHECK_SECONDS = 0.2


@dataclass
class Child:
    """Process of one role, with its restart state. inherit: file descriptors to pass on."""

    role: str
    environment: dict[str, str]
    arguments: tuple[str, ...] = ()
    inherit: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = field(default_factory=time.monotonic)
    failures: int = 0

    def start(self) -> None:
        """Start the process in a group of its own, so that Ctrl-C reaches the supervisor alone."""
        command = [
            sys.executable,
            str(settings.BASE_DIR / "manage.py"),
            "up",
            "--role",
            self.role,
            "--supervised",
        ]
        self.process = subprocess.Popen(  # noqa: S603  our own program
            [*command, *self.arguments],
            env=self.environment,
            stdin=subprocess.PIPE,
            start_new_session=True,
            pass_fds=self.inherit,
        )
        self.started_at = time.monotonic()

    def check(self) -> None:
        """Start the process when due; if it has ended, schedule the restart."""
        if self.process is None:
            if time.monotonic() >= self.start_at:
                self.start()
            return
        status = self.process.poll()
        if status is None:
            return
        self._close_pipe()
        self.process = None
        uptime = time.monotonic() - self.started_at
        self.failures = 0 if uptime > HEALTHY_SECONDS else self.failures + 1
        wait = RESTART_SECONDS[min(self.failures, len(RESTART_SECONDS)) - 1] if self.failures else 0.0
        self.start_at = time.monotonic() + wait
        log.error("process_ended", role=self.role, status=status, restart_in=wait)

    def ask_to_stop(self) -> None:
        """Send SIGTERM if the process runs."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def wait(self, deadline: float) -> None:
        """Wait for the end until `deadline` (monotonic), then kill the process group."""
        if self.process is None:
            return
        try:
            self.process.wait(max(deadline - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            log.warning("process_killed", role=self.role)
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self._close_pipe()

    def _close_pipe(self) -> None:
        if self.process is not None and self.process.stdin is not None:
            self.process.stdin.close()


class Supervisor:
    """Keeps `children` running until this process is asked to stop."""

    def __init__(self, children: list[Child]) -> None:
        self._children = children

    def run(self) -> None:
        """Supervise until asked to stop, then stop the children. Returns when all have ended."""
        try:
            while not stopping.wait(CHECK_SECONDS):
                for child in self._children:
                    child.check()
        finally:
            for child in self._children:
                child.ask_to_stop()
            deadline = time.monotonic() + STOP_SECONDS - 1
            for child in self._children:
                child.wait(deadline)

    def start(self) -> None:
        """Start every child now."""
        for child in self._children:
            child.check()


def children(bound_fd: int) -> list[Child]:
    """Define the roles of one machine: `live` serves the socket `bound_fd`, `web` the next port."""
    common = {**os.environ, "WHATSFLOW_URL": settings.PUBLIC_URL}
    web = {**common, "PORT": str(settings.PORT + 1)}
    return [
        Child("live", common, ("--fd", str(bound_fd)), (bound_fd,)),
        Child("web", web),
        Child("worker", common),
        Child("sessions", common),
        Child("beat", common),
    ]

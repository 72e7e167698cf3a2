"""Signal handling: the first signal shuts down gracefully, the second exits at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import structlog

from core.shutdown import request_stop

log = structlog.get_logger(__name__)

STOP_SECONDS = 8.0
"""Time limit of a graceful shutdown."""
KILLED = 130
"""Exit status after a second signal."""

_stop_requested = False


def stop_on_signals(also: Callable[[], None] = lambda: None, seconds: float = STOP_SECONDS) -> None:
    """Install handlers of SIGINT and SIGTERM: request a stop through `core.shutdown`, and call `also`.

    The process exits after `seconds` even if parts still run.
    """

    def handle(number: int, frame: Any) -> None:
        global _stop_requested
        if _stop_requested:
            os._exit(KILLED)
        _stop_requested = True
        # A handler runs in the middle of anything; events and locks are better touched from a thread.
        threading.Thread(target=_stop, args=(also, seconds), name="stop", daemon=True).start()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)


def _stop(also: Callable[[], None], seconds: float) -> None:
    exit_after(seconds)
    request_stop()
    also()


def exit_after(seconds: float) -> None:
    """Exit after `seconds`, whatever still runs."""

    def end() -> None:
        log.warning("stop_timed_out", seconds=seconds)
        sys.stderr.flush()
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


def stop_when_parent_ends() -> None:
    """Stop when standard input, a pipe from the supervisor, is closed, even if by a SIGKILL of the supervisor."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()

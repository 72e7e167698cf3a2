"""Being told to stop: once politely, twice at once."""

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
"""What has not stopped by itself after so long is left behind."""
KILLED = 130
"""Exit status of a process that was ended by a second Ctrl-C."""

_asked = False


def stop_on_signals(also: Callable[[], None] = lambda: None, seconds: float = STOP_SECONDS) -> None:
    """From now on Ctrl-C and SIGTERM stop this process cleanly: everything that watches `core.shutdown`, and `also`.

    What has not stopped after `seconds` is left behind.
    """

    def handle(number: int, frame: Any) -> None:
        global _asked
        if _asked:
            os._exit(KILLED)
        _asked = True
        # A handler runs in the middle of anything; events and locks are better touched from a thread.
        threading.Thread(target=_stop, args=(also, seconds), name="stop", daemon=True).start()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handle)


def _stop(also: Callable[[], None], seconds: float) -> None:
    give_up_after(seconds)
    request_stop()
    also()


def give_up_after(seconds: float) -> None:
    """End the process after `seconds`, whatever still runs."""

    def end() -> None:
        log.warning("stop_timed_out", seconds=seconds)
        sys.stderr.flush()
        os._exit(1)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


def stop_when_parent_ends() -> None:
    """Stop when standard input, a pipe from the supervisor, is closed: also when the supervisor was killed."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="parent", daemon=True).start()

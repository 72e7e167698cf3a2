"""A sessions worker as a process of its own, for one number: `python -m tests.faults.worker <connection id>`.

Drives the number as often as it can get its lease, until SIGTERM. Tests kill, pause and restart it.
"""

from __future__ import annotations

import signal
import sys
import time
from uuid import UUID

import django


def main(connection_id: UUID) -> None:
    from core import shutdown
    from messaging.runner.capacity import run_here

    signal.signal(signal.SIGTERM, lambda *_: shutdown.request_stop())
    while not shutdown.stopping.is_set():
        run_here(connection_id)
        time.sleep(0.05)


if __name__ == "__main__":
    django.setup()
    main(UUID(sys.argv[1]))

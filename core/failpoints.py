"""Failpoints: named points in the code at which a test stops a real process, to kill it there.

`WHATSFLOW_FAILPOINTS=outbox.begun:/tmp/marker` makes the process create /tmp/marker on reaching `outbox.begun` and then
wait until the file is removed or the process is killed. Without the variable `reach()` does nothing. Production refuses
to start with it.
"""

import os
import time
from pathlib import Path

_markers = dict(
    pair.split(":", 1) for pair in os.environ.get("WHATSFLOW_FAILPOINTS", "").split(",") if ":" in pair
)


def reach(point: str) -> None:
    """Create the marker of `point` and block until it is removed. No-op if no marker is configured."""
    marker = _markers.get(point)
    if not marker:
        return
    path = Path(marker)
    path.touch()
    while path.exists():
        time.sleep(0.01)

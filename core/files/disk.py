"""Is there room left on the disk that everything of this machine lies on?"""

from __future__ import annotations

import shutil
import time

import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

LOOK_SECONDS = 5.0
_looked = -LOOK_SECONDS
_full = False


def is_full() -> bool:
    """Whether less than WHATSFLOW_DISK_RESERVE_MB is free; looked up every few seconds.

    The reserve is for the database: it has to be able to write down what has left before something else leaves.
    """
    global _looked, _full
    if time.monotonic() - _looked >= LOOK_SECONDS:
        free = free_bytes()
        full = free < settings.DISK_RESERVE_BYTES
        if full and not _full:
            log.error("disk_full", free_bytes=free)
        _looked, _full = time.monotonic(), full
    return _full


def free_bytes() -> int:
    """Free bytes on the disk of WHATSFLOW_HOME; it need not be there yet."""
    place = settings.HOME
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free

"""Free space on the disk of WHATSFLOW_HOME."""

from __future__ import annotations

import shutil
import time

import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

CHECK_SECONDS = 5.0
_checked_at = -CHECK_SECONDS
_full = False


def is_full() -> bool:
    """Whether less than WHATSFLOW_DISK_RESERVE_MB is free, cached for CHECK_SECONDS.

    The reserve is for the database, which must be able to record sent messages.
    """
    global _checked_at, _full
    if time.monotonic() - _checked_at >= CHECK_SECONDS:
        free = free_bytes()
        full = free < settings.DISK_RESERVE_BYTES
        if full and not _full:
            log.error("disk_full", free_bytes=free)
        _checked_at, _full = time.monotonic(), full
    return _full


def free_bytes() -> int:
    """Return the free bytes on the disk of WHATSFLOW_HOME, which need not exist yet."""
    path = settings.HOME
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free

"""Resource usage of a browser, measured periodically, and the decision to restart it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import structlog

from connections.drivers.base import ResourceUsage
from connections.drivers.whatsapp_web.options import Options
from connections.drivers.whatsapp_web.profile import ProfileMetadata

if TYPE_CHECKING:
    from connections.drivers.whatsapp_web.browser import Browser

log = structlog.get_logger(__name__)

MEASURE_SECONDS = 60.0
"""Interval of measurements, each of which takes some ten milliseconds."""
QUIET_SECONDS = 60.0
"""Time without activity after which a number is idle."""
SPACING_SECONDS = 1800.0
"""Minimum age for a restart because of memory; a browser that outgrows its cap sooner would do so again."""
BUSY_FACTOR = 1.5
"""Multiple of the memory cap at which even a busy browser is restarted."""


class ResourceMonitor:
    """Measures the current browser of one number."""

    def __init__(self, connection_id: UUID, options: Options) -> None:
        self._connection_id = connection_id
        self._options = options
        self._browser: Browser | None = None
        self._at = self._cpu_at = self._cpu_seconds = 0.0
        self._cpu: float | None = None
        self._memory = 0

    def measure(self, browser: Browser) -> None:
        """Measure if MEASURE_SECONDS have passed or the browser is new. No-op for a remote browser."""
        now = time.monotonic()
        if self._options.remote_url:
            return
        if browser is self._browser and now - self._at < MEASURE_SECONDS:
            return
        seconds = browser.cpu_seconds()
        since, used = (
            (self._cpu_at, self._cpu_seconds) if browser is self._browser else (browser.started_at, 0.0)
        )
        self._cpu = max(0.0, seconds - used) / max(now - since, 0.001) * 100
        self._browser, self._at, self._cpu_at, self._cpu_seconds = browser, now, now, seconds
        self._memory = browser.memory()
        write_log = log.warning if self.is_too_large() else log.info
        write_log(
            "browser_measured",
            connection_id=str(self._connection_id),
            megabytes=self._memory // 2**20,
            allowed=self._options.memory_limit // 2**20,
            cpu=round(self._cpu),
        )

    def is_too_large(self) -> bool:
        """Return True if the last measurement exceeded the memory cap."""
        return self._memory > self._options.memory_limit

    def restart_reason(self, browser: Browser, idle: float, *, update: bool) -> str:
        """Return why to restart the browser now (`memory`, `age`, `update`), or "".

        idle: seconds without activity. update: a newer version of the page is available.
        """
        age = time.monotonic() - browser.started_at
        quiet = idle >= QUIET_SECONDS
        if age > SPACING_SECONDS and self._memory > self._options.memory_limit * (
            1 if quiet else BUSY_FACTOR
        ):
            return "memory"
        if quiet and age > self._options.recycle_after:
            return "age"
        return "update" if quiet and update else ""

    def usage(self, browser: Browser, metadata: ProfileMetadata) -> ResourceUsage:
        """Build the summary for people from the last measurement and the profile's metadata."""
        local = not self._options.remote_url
        age = timedelta(seconds=time.monotonic() - browser.started_at)
        return ResourceUsage(
            engine=f"Chromium {browser.version}".strip(),
            started_at=datetime.now(UTC) - age,
            memory=self._memory if local else None,
            cpu=self._cpu if local else None,
            archived_at=datetime.fromisoformat(metadata.archived_at) if metadata.archived_at else None,
            archive_problem=metadata.problem,
        )

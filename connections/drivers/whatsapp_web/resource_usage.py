"""What a browser takes of its machine: measured now and then, capped, shown to people."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import structlog

from connections.drivers.base import Vitals
from connections.drivers.whatsapp_web.options import Options
from connections.drivers.whatsapp_web.profile import Note

if TYPE_CHECKING:
    from connections.drivers.whatsapp_web.browser import Browser

log = structlog.get_logger(__name__)

MEASURE_SECONDS = 60.0
"""Reading the sizes of a browser's processes takes some ten milliseconds."""
QUIET_SECONDS = 60.0
"""A number with which nothing happened for so long is idle."""
SPACING_SECONDS = 1800.0
"""A browser that is too large again sooner needs that memory: opening it over and over would help nobody."""
MUCH = 1.5
"""So many times its cap a browser may not take even while its number is busy."""


class Gauge:
    """Measures one number's browser, whichever it is at the moment."""

    def __init__(self, connection_id: UUID, options: Options) -> None:
        self._connection_id = connection_id
        self._options = options
        self._browser: Browser | None = None
        self._at = self._cpu_at = self._cpu_seconds = 0.0
        self._cpu: float | None = None
        self._memory = 0

    def look(self, browser: Browser) -> None:
        """Measure, when the last time is long enough ago or another browser runs. One elsewhere cannot be measured."""
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
        tell = log.warning if self.is_too_large() else log.info
        tell(
            "browser_measured",
            connection_id=str(self._connection_id),
            megabytes=self._memory // 2**20,
            allowed=self._options.memory_limit // 2**20,
            cpu=round(self._cpu),
        )

    def is_too_large(self) -> bool:
        """Whether the browser took more than it may when it was last measured."""
        return self._memory > self._options.memory_limit

    def due(self, browser: Browser, idle: float, *, update: bool) -> str:
        """Why to open the browser anew now; "" when there is no need.

        idle: seconds since something happened. update: WhatsApp has a newer page.
        """
        age = time.monotonic() - browser.started_at
        quiet = idle >= QUIET_SECONDS
        if age > SPACING_SECONDS and self._memory > self._options.memory_limit * (1 if quiet else MUCH):
            return "memory"
        if quiet and age > self._options.recycle_after:
            return "age"
        return "update" if quiet and update else ""

    def vitals(self, browser: Browser, note: Note) -> Vitals:
        """For people. note: of the profile."""
        local = not self._options.remote_url
        age = timedelta(seconds=time.monotonic() - browser.started_at)
        return Vitals(
            engine=f"Chromium {browser.version}".strip(),
            started_at=datetime.now(UTC) - age,
            memory=self._memory if local else None,
            cpu=self._cpu if local else None,
            archived_at=datetime.fromisoformat(note.archived_at) if note.archived_at else None,
            archive_problem=note.problem,
        )

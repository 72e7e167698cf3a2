"""When a browser is opened anew: too large, too old, or WhatsApp has a newer page; and never over and over."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from connections.drivers.whatsapp_web import resource_usage
from connections.drivers.whatsapp_web.options import Options
from connections.drivers.whatsapp_web.resource_usage import ResourceMonitor

CAP = 2 * 2**30
HOUR = 3600.0


class Clock:
    """Stands still until it is moved."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Browser:
    """Stub of the measured browser."""

    def __init__(self, started_at: float, memory: int) -> None:
        self.started_at = started_at
        self.taken = memory

    def memory(self) -> int:
        return self.taken

    def cpu_seconds(self) -> float:
        return 1.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(resource_usage, "time", made)
    return made


@pytest.fixture
def monitor() -> ResourceMonitor:
    return ResourceMonitor(uuid4(), Options(Path("home"), Path("bundle"), memory_limit=CAP))


@pytest.mark.parametrize(
    ("memory", "hours", "idle", "update", "reason"),
    [
        (CAP - 1, 2, 600, False, ""),
        (CAP + 1, 2, 600, False, "memory"),
        (CAP + 1, 2, 5, False, ""),
        (2 * CAP, 2, 5, False, "memory"),
        (2 * CAP, 0.1, 600, False, ""),
        (0, 25, 600, False, "age"),
        (0, 25, 5, False, ""),
        (0, 2, 600, True, "update"),
        (0, 2, 5, True, ""),
    ],
)
def test_a_browser_rests_when_it_should(
    clock: Clock, monitor: ResourceMonitor, memory: int, hours: float, idle: float, update: bool, reason: str
) -> None:
    browser = Browser(clock.now, memory)
    clock.now += hours * HOUR
    monitor.measure(browser)
    assert monitor.restart_reason(browser, idle, update=update) == reason


def test_it_is_measured_once_a_minute_and_too_much_is_a_warning(
    clock: Clock, monitor: ResourceMonitor
) -> None:
    browser = Browser(clock.now, CAP - 1)
    with capture_logs() as entries:
        monitor.measure(browser)
        browser.taken = CAP + 1
        clock.now += 30
        monitor.measure(browser)
        assert not monitor.is_too_large(), "measured a moment ago"
        clock.now += 31
        monitor.measure(browser)
    assert monitor.is_too_large()
    assert [entry["log_level"] for entry in entries] == ["info", "warning"]


def test_another_browser_is_measured_at_once(clock: Clock, monitor: ResourceMonitor) -> None:
    monitor.measure(Browser(clock.now, CAP + 1))
    monitor.measure(Browser(clock.now, 1))
    assert not monitor.is_too_large()

"""Ways to reach a browser other than the usual one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest
from selenium.webdriver.common.utils import free_port, is_url_connectable

from connections.driver_stores.whatsapp_web import options
from connections.drivers.base import Phase
from tests.connections.driver_contract import in_phase, message_in, until
from tests.connections.whatsapp_web.rig import WebRig, profiles

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def server() -> Iterator[str]:
    """A WebDriver server that is not started by the driver, as a Selenium Grid would be."""
    port = free_port()
    process = subprocess.Popen([options().found_chromedriver(), f"--port={port}"], stdout=subprocess.DEVNULL)
    until(lambda: is_url_connectable(port), "the server")
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait(10)


def test_a_browser_elsewhere_is_driven_over_a_shared_directory(
    server: str, rig: WebRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = replace(rig.options(), remote_url=server, remote_profiles=str(rig.home))
    monkeypatch.setattr(rig, "options", lambda: remote)
    driver = rig.driver()
    rig.scan(in_phase(driver, Phase.QR))
    in_phase(driver, Phase.READY)
    assert message_in(driver, rig.customer_writes("Hello")).body == "Hello"
    session = driver.save_session()
    driver.close()
    assert not profiles(rig.home)
    again = rig.driver(session)
    in_phase(again, Phase.READY)
    assert message_in(again, rig.customer_writes("Still there?")).body == "Still there?"
    shown = again.resource_usage()
    assert shown is not None
    assert (shown.memory, shown.cpu) == (None, None)
    assert shown.engine.startswith("Chromium 1")


def test_a_browser_elsewhere_whose_profile_is_lost_with_it_stays_open_after_the_scan(
    server: str, rig: WebRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = replace(rig.options(), remote_url=server)
    monkeypatch.setattr(rig, "options", lambda: remote)
    driver = rig.driver()
    rig.scan(in_phase(driver, Phase.QR))
    in_phase(driver, Phase.READY)
    browser = driver._browser
    assert driver.save_session()
    assert driver._browser is browser


def test_without_bidi_events_are_fetched(rig: WebRig) -> None:
    driver = rig.closed_driver()
    driver.options = replace(driver.options, bidi=False)
    driver.open()
    rig.scan(in_phase(driver, Phase.QR))
    in_phase(driver, Phase.READY)
    assert driver.idle_for() < 1
    assert message_in(driver, rig.customer_writes("Hello")).body == "Hello"

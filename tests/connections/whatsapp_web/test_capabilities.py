"""An update of WhatsApp that takes away a part which matters is noticed and named, whichever part it is."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from connections.drivers.base import Phase
from connections.drivers.whatsapp_web import capabilities
from connections.drivers.whatsapp_web.browser import source
from tests.connections.whatsapp_web.rig import WebRig
from tests.standin import Standin
from tests.standin.browser import BUNDLE, ROOT, Browser, eventually

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MODULES: dict[str, dict[str, list[str]]] = json.loads((ROOT / "tests/standin/modules.json").read_text())
NEVER_READY = {"WAWebUserPrefsMeUser", "WAWebIsLoggedIn"}
"""Without these wa-js never becomes ready: the driver finds out when its patience ends."""
CAPABILITY = {
    "qr": "link",
    "authenticated": "state",
    "ready": "state",
    "send_text": "send",
    "send_image": "media",
    "reply": "reply",
    "ack_sent": "receipts",
    "ack_read": "receipts",
    "incoming": "receive",
    "message": "receive",
    "exists": "number_check",
    "contact": "names",
    "picture": "names",
    "history": "history",
    "lookup": "lookup",
    "seen": "read",
    "typing": "typing",
}
"""What breaks, in the words of modules.json -> which capability the canary has to name."""
MATTERING = sorted(name for name, module in MODULES.items() if module["breaks"])


@pytest.fixture(scope="module")
def page(
    require_chromium: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Browser, Standin]]:
    """One browser with the bundle and our bridge."""
    with Standin() as standin:
        injected = f"(() => {{const channel = undefined;{source(BUNDLE, standin.url)}}})()"
        profile = tmp_path_factory.mktemp("profile")
        browser = Browser(standin, require_chromium, profile, source=injected)
        yield browser, standin
        browser.quit()


def reported(browser: Browser) -> list[str]:
    """What the canary says of the page that is open."""
    answer = browser.run(
        "return await __whatsflow.call('missing', {paths: args[0]})", capabilities.required_paths()
    )
    return capabilities.lost_capabilities(json.loads(answer)["value"])


def test_nothing_is_reported_of_a_page_that_has_everything(page: tuple[Browser, Standin]) -> None:
    browser, _ = page
    browser.open()
    assert browser.ready()
    assert reported(browser) == []


@pytest.mark.parametrize("module", sorted(set(MATTERING) - NEVER_READY))
def test_a_missing_part_is_named(page: tuple[Browser, Standin], module: str) -> None:
    browser, _ = page
    browser.open(without=module)
    assert browser.ready()
    lost = {CAPABILITY[what] for what in MODULES[module]["breaks"]}
    gone = MODULES[module]["gone"]
    assert set(reported(browser)) & lost, f"{module} breaks {sorted(lost)}: one of them has to need {gone}"


@pytest.mark.parametrize("module", sorted(NEVER_READY))
def test_a_page_that_cannot_start_is_not_ready(page: tuple[Browser, Standin], module: str) -> None:
    browser, _ = page
    browser.open(without=module)
    assert not browser.ready(seconds=4)


@pytest.mark.parametrize("module", [*sorted(NEVER_READY), "WAWebStreamModel"])
def test_a_driver_that_waits_in_vain_says_so(rig: WebRig, module: str) -> None:
    """Others are seen before: tests/connections/whatsapp_web/test_sessions.py."""
    rig.standin.without = {module}
    driver = rig.driver(ready_timeout=10.0)
    assert eventually(lambda: driver.state().phase == Phase.ENDED, 40)
    assert driver.state().reason == "page_changed"
    assert driver._monitor.missing

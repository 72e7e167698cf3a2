"""Rigs for tests with a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connections.driver_stores.whatsapp_web import missing
from connections.drivers.whatsapp_web.driver import WhatsAppWebDriver
from connections.models import WhatsAppConnection
from tests import conftest, factories
from tests.connections.driver_contract import in_phase
from tests.connections.whatsapp_web.rig import Phase, Talking, WebRig
from tests.standin import Standin


@pytest.fixture(autouse=True)
def _needs_chromium(request: pytest.FixtureRequest) -> None:
    if request.node.get_closest_marker("browser") and (words := missing()):
        conftest.missing(words)


@pytest.fixture
def standin() -> Iterator[Standin]:
    with Standin() as running:
        yield running


@pytest.fixture
def web_number(db: None) -> WhatsAppConnection:
    return factories.ConnectionFactory(connection_mode="whatsapp-web")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Talking]:
    """A stand-in and a browser for a whole module: starting one takes longer than most tests."""
    with Standin() as running:
        made = Talking(running, tmp_path_factory.mktemp("shared"))
        yield made
        made.rig.close()


@pytest.fixture
def talking(shared: Talking) -> WhatsAppWebDriver:
    """A ready driver that the test leaves as it is. The fixture `rig` is then its rig."""
    return shared.driver()


@pytest.fixture
def rig(request: pytest.FixtureRequest, db: None, media_root: Path, tmp_path: Path) -> Iterator[WebRig]:
    """A stand-in and drivers of a number of its own, unless the test takes the shared one with `talking`."""
    if "talking" in request.fixturenames:
        yield request.getfixturevalue("shared").rig
        return
    standin, number = request.getfixturevalue("standin"), request.getfixturevalue("web_number")
    made = WebRig(standin, number.pk, tmp_path / "sessions")
    yield made
    made.close()


@pytest.fixture
def ready(rig: WebRig) -> WhatsAppWebDriver:
    """A driver of the test's own, just linked."""
    driver = rig.driver()
    rig.scan(in_phase(driver, Phase.QR))
    in_phase(driver, Phase.READY)
    return driver

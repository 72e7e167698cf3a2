"""The WhatsApp Web driver keeps the contract that all drivers keep: real Chromium, the real bundle, a stand-in."""

from __future__ import annotations

import pytest

from connections.drivers.whatsapp_web.driver import WhatsAppWebDriver
from tests.connections.driver_contract import DriverContract
from tests.connections.whatsapp_web.rig import Talking


@pytest.mark.browser
@pytest.mark.slow
class TestWhatsAppWebDriver(DriverContract):
    """The fixture `rig` is in conftest.py."""

    @pytest.fixture
    def talking(self, shared: Talking) -> WhatsAppWebDriver:
        return shared.driver()

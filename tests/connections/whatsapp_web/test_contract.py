"""The WhatsApp Web driver keeps the contract that all drivers keep: real Chromium, the real bundle, a stand-in."""

from __future__ import annotations

import pytest

from tests.connections.driver_contract import DriverContract


@pytest.mark.browser
@pytest.mark.slow
class TestWhatsAppWebDriver(DriverContract):
    """The fixture `rig` is in conftest.py."""

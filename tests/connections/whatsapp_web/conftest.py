"""Rigs for tests with a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from connections.models import WhatsAppConnection
from connections.session_vault import missing
from tests import factories
from tests.connections.whatsapp_web.rig import WebRig
from tests.standin import Standin


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A browser does not care about the database: only the journey runs again on PostgreSQL."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents and item.path.stem != "test_journey":
            item.own_markers = [mark for mark in item.own_markers if mark.name != "services"]


@pytest.fixture(autouse=True)
def _needs_chromium() -> None:
    if words := missing():
        pytest.skip(words)


@pytest.fixture
def standin() -> Iterator[Standin]:
    with Standin() as running:
        yield running


@pytest.fixture
def web_number(db: None) -> WhatsAppConnection:
    return factories.ConnectionFactory(connection_mode="whatsapp-web")


@pytest.fixture
def rig(
    standin: Standin, web_number: WhatsAppConnection, tmp_path: Path, media_root: Path
) -> Iterator[WebRig]:
    made = WebRig(standin, web_number.pk, tmp_path / "sessions")
    yield made
    made.close()

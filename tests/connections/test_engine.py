"""What drives a number is shown, a login is not kept for ever, and a machine without a browser says what it lacks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry, User
from connections import leases, presenters
from connections.driver_stores import whatsapp_web
from connections.drivers.base import ResourceUsage
from connections.drivers.whatsapp_web.browser import source
from connections.drivers.whatsapp_web.options import PAGE
from connections.models import WhatsAppConnection
from connections.services import numbers, sessions
from connections.tasks import log_out_idle
from core.errors import InvalidInput

pytestmark = pytest.mark.django_db

Desired = WhatsAppConnection.Desired
Status = WhatsAppConnection.Status


def told(connection: WhatsAppConnection, **more: Any) -> None:
    """A runner tells what its session takes."""
    lease = leases.acquire(connection.pk, "runner")
    assert lease is not None
    moment = timezone.now() - timedelta(hours=3)
    vitals = ResourceUsage(
        engine="Chromium 140.0.7339.80", started_at=moment, memory=431 * 2**20, cpu=2.44, **more
    )
    sessions.record_proof(lease, steady=False, vitals=vitals)
    WhatsAppConnection.objects.filter(pk=connection.pk).update(session_data="login")
    connection.refresh_from_db()


def page(client: Client, connection: WhatsAppConnection) -> str:
    return client.get(reverse("connections:detail", args=[connection.pk])).content.decode()


def test_memory_processor_version_and_start_are_on_the_page(
    client_of: Callable[..., Client], viewer: User, connection: WhatsAppConnection
) -> None:
    assert "Memory" not in page(client_of(viewer), connection)
    told(connection, archived_at=timezone.now())
    shown = page(client_of(viewer), connection)
    for words in ("Chromium 140.0.7339.80", "431.0", "2.4 % of one", "Browser started", "Copy of the login"):
        assert words in shown


def test_a_page_that_is_open_follows_what_the_browser_takes(
    client_of: Callable[..., Client], viewer: User, connection: WhatsAppConnection
) -> None:
    told(connection)
    state = reverse("connections:state", args=[connection.pk])
    client = client_of(viewer)

    def again(seen: str) -> Any:
        return client.get(state, {"seen": seen}, headers={"HX-Request": "true"})

    first = client.get(state).context["version"]
    assert again(first).status_code == 204
    WhatsAppConnection.objects.filter(pk=connection.pk).update(
        vitals={**connection.vitals, "memory": 2 * 2**30}
    )
    assert "2.0\xa0GB" in again(first).content.decode()


def test_a_number_that_rests_takes_nothing(connection: WhatsAppConnection) -> None:
    told(connection)
    connection.status = Status.DISCONNECTED
    engine = presenters.engine_of(connection)
    assert engine is not None
    assert (engine.memory, engine.cpu, engine.started_at) == (None, None, None)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"archive_problem": "too_large"}, "WHATSAPP_WEB_ARCHIVE_MB"),
        ({"archive_problem": "failed"}, "could not be copied"),
        ({"archived_at": timezone.now() - timedelta(days=4)}, "may have to be scanned again"),
    ],
)
def test_a_login_without_a_good_copy_is_said(
    client_of: Callable[..., Client],
    viewer: User,
    connection: WhatsAppConnection,
    more: dict[str, Any],
    words: str,
) -> None:
    told(connection, **more)
    assert words in page(client_of(viewer), connection)


# -- the time-out of a login -------------------------------------------------------------------------------------------


@pytest.fixture
def resting(connection: WhatsAppConnection) -> WhatsAppConnection:
    """Disconnected 31 days ago, its login kept."""
    WhatsAppConnection.objects.filter(pk=connection.pk).update(
        session_data="login",
        status=Status.DISCONNECTED,
        desired=Desired.OFFLINE,
        status_changed_at=timezone.now() - timedelta(days=31),
    )
    connection.refresh_from_db()
    return connection


def test_a_number_that_rested_for_long_is_logged_out(resting: WhatsAppConnection) -> None:
    log_out_idle()
    resting.refresh_from_db()
    assert resting.desired == Desired.LOGGED_OUT
    assert AuditEntry.objects.filter(action="connection.logout", actor=None).count() == 1


@pytest.mark.parametrize(
    ("days", "fields"),
    [
        (0.0, {}),
        (60.0, {}),
        (30.0, {"desired": Desired.ONLINE, "status": Status.CONNECTED}),
        (30.0, {"session_data": ""}),
    ],
)
def test_others_are_left_alone(
    resting: WhatsAppConnection, settings: Any, days: float, fields: dict[str, str]
) -> None:
    settings.LOGOUT_AFTER_DAYS = days
    WhatsAppConnection.objects.filter(pk=resting.pk).update(**fields)
    assert numbers.log_out_idle() == 0


def test_the_page_says_when_a_login_is_given_up(
    client_of: Callable[..., Client], viewer: User, resting: WhatsAppConnection, settings: Any
) -> None:
    assert "Login is given up" in page(client_of(viewer), resting)
    settings.LOGOUT_AFTER_DAYS = 0
    assert "Login is given up" not in page(client_of(viewer), resting)


# -- no browser on this machine ----------------------------------------------------------------------------------------


@pytest.fixture
def no_chromium(settings: Any) -> None:
    settings.WHATSAPP_WEB_CHROMIUM = "/nowhere/chromium"


def test_without_chromium_a_new_number_says_what_to_install_and_the_rest_works(
    client_of: Callable[..., Client], owner: User, connection: WhatsAppConnection, no_chromium: None
) -> None:
    client = client_of(owner)
    new = client.get(reverse("connections:create")).content.decode()
    assert "apt install chromium chromium-driver" in new
    assert 'value="whatsapp-web"' not in new
    assert 'value="sandbox"' in new
    refused = client.post(reverse("connections:create"), {"mode": "whatsapp-web", "name": "Shop"})
    assert refused.status_code == 422
    made = client.post(reverse("connections:create"), {"mode": "sandbox", "name": "Try"})
    assert made.status_code == 302
    with pytest.raises(InvalidInput, match="apt install chromium chromium-driver"):
        numbers.create(connection.business_profile, owner, "whatsapp-web")
    for address in ("/", "/inbox/", "/connections/"):
        assert client.get(address).status_code == 200


def test_another_bundle_is_used_without_a_release_and_a_missing_one_is_said(
    settings: Any, tmp_path: Path
) -> None:
    settings.WHATSAPP_WEB_BUNDLE = tmp_path / "wa.js"
    assert str(tmp_path / "wa.js") in whatsapp_web.missing()
    settings.WHATSAPP_WEB_BUNDLE.write_text("window.WPP = 'of another version';")
    assert "bundle" not in whatsapp_web.missing()
    assert "of another version" in source(whatsapp_web.options().bundle, PAGE)


def test_a_number_whose_server_has_lost_its_chromium_says_what_to_install(
    client_of: Callable[..., Client], owner: User, connection: WhatsAppConnection, no_chromium: None
) -> None:
    WhatsAppConnection.objects.filter(pk=connection.pk).update(
        connection_mode="whatsapp-web",
        status=Status.DISCONNECTED,
        desired=Desired.OFFLINE,
        status_reason="no_browser",
    )
    shown = page(client_of(owner), connection)
    assert "No browser on the server" in shown
    assert "apt install chromium chromium-driver" in shown

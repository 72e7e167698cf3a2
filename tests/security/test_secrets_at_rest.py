"""A number's QR code, pairing code and login are nowhere in clear: not in the database, not in events, not in logs."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from django.apps import apps
from django.db import connection as database

from accounts.models import BusinessProfile, User
from connections.drivers.sandbox.driver import SandboxDriver
from connections.models import SandboxPhone, WhatsAppConnection
from connections.services import numbers, sandbox
from messaging.models import Message
from tests import factories
from tests.connections.driver_contract import until
from tests.connections.live import has_status, is_connected, running

pytestmark = [
    pytest.mark.services,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("media_root"),
]

WORDS = "canary-of-a-text"
LOGIN = "canary-of-a-login"


def stored() -> Iterator[tuple[str, str]]:
    """(table, everything in it) of the app that holds logins. The simulated phones are WhatsApp's side, not ours."""
    for model in apps.get_app_config("connections").get_models():
        if not model.__name__.startswith("Sandbox"):
            with database.cursor() as cursor:
                cursor.execute(f'SELECT * FROM "{model._meta.db_table}"')
                yield model._meta.db_table, str(cursor.fetchall())


@pytest.fixture
def number(business: BusinessProfile, owner: User, monkeypatch: pytest.MonkeyPatch) -> WhatsAppConnection:
    """A number of a business that has webhooks; its driver's login holds a text that was told and not confirmed."""
    factories.WebhookFactory(business_profile=business)

    def save_session(driver: SandboxDriver) -> str:
        return json.dumps({"login": LOGIN, "pending": [WORDS]}) if driver._secret else ""

    monkeypatch.setattr(SandboxDriver, "save_session", save_session)
    return numbers.create(business, owner, WhatsAppConnection.Mode.SANDBOX)


def test_codes_logins_and_texts_are_nowhere_in_clear(
    number: WhatsAppConnection,
    owner: User,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level("DEBUG")
    codes: list[str] = []
    numbers.connect(number, owner, pairing_phone=number.sandbox_phone.number)
    with running(number):
        until(has_status(number, "qr_pending"), "the code")
        codes = [number.qr_code, number.qr_code.rpartition(":")[2], number.pairing_code]
        assert all(codes)
        for table, content in stored():
            assert not [code for code in codes if code in content], table
        SandboxPhone.objects.filter(connection=number).update(cast_started=True)
        sandbox.scan(number, owner, number.qr_code)
        is_connected(number)
        person = factories.SandboxCustomerFactory(phone=number.sandbox_phone)
        sandbox.write_as(person, owner, WORDS)
        until(lambda: Message.objects.filter(content=WORDS).exists(), "the message")
    number.refresh_from_db()
    assert LOGIN in number.session_data
    for table, content in stored():
        assert LOGIN not in content, table
        assert not [code for code in codes if code in content], table
    with database.cursor() as cursor:
        cursor.execute("SELECT session_data FROM whatsapp_connections")
        assert WORDS not in str(cursor.fetchall())
    out, err = capfd.readouterr()
    for secret in (*codes, LOGIN, WORDS):
        assert secret not in caplog.text + out + err

"""What open pages and operators are told of a number: never what would let somebody log in."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from connections import subscriptions
from connections.events import ConnectionStatusChanged
from connections.models import WhatsAppConnection
from core.realtime import hub
from core.web import qr

pytestmark = pytest.mark.services


def test_a_changed_number_is_told_to_its_business_without_the_code(
    connection: WhatsAppConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[str, dict]] = []
    monkeypatch.setattr(hub, "push", lambda group, *frames: told.extend((group, frame) for frame in frames))
    business_id = connection.business_profile_id
    event = ConnectionStatusChanged(business_id=business_id, connection_id=connection.pk, status="qr_pending")
    subscriptions.push_to_pages([event])
    assert told == [
        (
            hub.business_group(business_id),
            {"type": "connection", "connection": str(connection.pk), "status": "qr_pending", "reason": ""},
        )
    ]


def test_operators_see_numbers_without_logins_and_codes(connection: WhatsAppConnection) -> None:
    connection.session_data, connection.qr_code, connection.pairing_code = (
        "canary-login",
        "canary-qr",
        "canary-pair",
    )
    connection.save()
    phone = connection.sandbox_phone
    phone.linked_secret, phone.qr_secret = "canary-link", "canary-secret"
    phone.save()
    client = Client()
    operator = User.objects.create_superuser("root@example.com", "a long pass phrase")
    client.force_login(operator, backend="accounts.backends.SessionBackend")
    for model, pk in (("whatsappconnection", connection.pk), ("sandboxphone", phone.pk)):
        for address in (
            reverse(f"admin:connections_{model}_changelist"),
            reverse(f"admin:connections_{model}_change", args=[pk]),
        ):
            response = client.get(address)
            assert response.status_code == 200
            assert b"canary" not in response.content


def test_the_drawing_is_plain_svg_on_white_with_a_quiet_zone() -> None:
    drawing = qr.svg("2@some,content==,1")
    assert drawing.startswith("<svg")
    assert "style" not in drawing
    assert 'fill="#fff"' in drawing
    assert "some,content" not in drawing

"""What no column holds, told by a real browser: the neighbours arrive and the number stays up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connections.models import UnstoredEvent, WhatsAppConnection
from messaging.models import Message
from tests import factories
from tests.connections.driver_contract import until
from tests.connections.live import has_status, is_connected, running
from tests.standin import Standin

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("media_root"),
]

OTHER = "+4915198765432"
ODD: list[dict[str, Any]] = [
    {"size": 9_999_999_999_999_999_999, "mimetype": "application/pdf", "filename": "big.pdf"},
    {"size": 10, "mimetype": "application/pdf\x00x", "filename": "a\x00\ud83d.pdf"},
]


def test_odd_documents_between_messages_of_others(standin: Standin, tmp_path: Path, settings: Any) -> None:
    settings.WHATSAPP_WEB_HOME = tmp_path / "sessions"
    settings.WHATSAPP_WEB_BROWSER_ARGS = standin.browser_args
    number = factories.ConnectionFactory(
        connection_mode="whatsapp-web", phone_number=None, status="starting", last_connected_at=None
    )
    phone = standin.phone
    with running(number):
        until(has_status(number, WhatsAppConnection.Status.QR_PENDING), "the QR code")
        phone.scan(number.qr_code)
        is_connected(number)
        lease = number.lease_epoch

        told = [phone.message_in("Is it open today?", OTHER)]
        told += [phone.message_in("", kind="document", **fields) for fields in ODD]
        told += [phone.message_in("x", wa_id="W" * 300), phone.message_in("I am on my way", OTHER)]
        until(lambda: Message.objects.filter(content="I am on my way").exists(), "the message after them")
        until(UnstoredEvent.objects.exists, "the one without a usable id")
        phone.message_in("And now?", OTHER)
        until(lambda: Message.objects.filter(content="And now?").exists(), "what came later")
        number.refresh_from_db()
        assert (number.status, number.restart_count, number.lease_epoch) == ("connected", 0, lease)

    arrived = dict(Message.objects.values_list("whatsapp_message_id", "media__name"))
    assert set(told) - {"W" * 300} <= arrived.keys()
    assert [arrived[wa_id] for wa_id in told[1:3]] == ["big.pdf", "a\ufffd.pdf"]

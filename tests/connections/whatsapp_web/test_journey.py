"""The whole way of a number on PostgreSQL and Redis; that of the embedded default is in tests/journeys."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection as database

from connections.models import WhatsAppConnection
from messaging.models import Conversation, Message
from messaging.outbox import queue
from tests import factories
from tests.connections.driver_contract import until
from tests.connections.whatsapp_web.rig import profiles
from tests.standin import Standin
from webhooks.models import WebhookDelivery

pytestmark = [pytest.mark.services, pytest.mark.browser, pytest.mark.slow]

Status = WhatsAppConnection.Status
Workers = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def number(transactional_db: None) -> WhatsAppConnection:
    made = factories.ConnectionFactory(
        connection_mode="whatsapp-web", phone_number=None, status=Status.STARTING, last_connected_at=None
    )
    factories.WebhookFactory(business_profile=made.business_profile)
    return made


@pytest.fixture
def worker(
    number: WhatsAppConnection, process_env: dict[str, str], standin: Standin, tmp_path: Path
) -> Iterator[Workers]:
    """Starts a worker of its own process, which stops at `place` if one is given. All are killed at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def start(place: str = "") -> subprocess.Popen[bytes]:
        environment = {
            **process_env,
            "WHATSFLOW_LEASE_SECONDS": "3",
            "WHATSFLOW_UNKNOWN_AFTER_SECONDS": "20",
            "WHATSFLOW_FAILPOINTS": f"{place}:{tmp_path / 'reached'}" if place else "",
            "WHATSAPP_WEB_HOME": str(tmp_path / "sessions"),
            "WHATSAPP_WEB_BROWSER_ARGS": json.dumps(standin.browser_args),
            "WHATSFLOW_LOG_LEVEL": "DEBUG",
        }
        command = [sys.executable, "-m", "tests.faults.worker", str(number.pk)]
        with (tmp_path / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                command, env=environment, cwd=settings.BASE_DIR, stdout=log, stderr=log
            )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait(10)


def reached_status(number: WhatsAppConnection, status: str) -> None:
    def is_there() -> bool:
        number.refresh_from_db()
        return number.status == status

    until(is_there, f"status {status}")


def test_a_number_is_linked_talks_survives_its_worker_and_is_unlinked(
    require_postgres: None, worker: Workers, number: WhatsAppConnection, standin: Standin, tmp_path: Path
) -> None:
    phone = standin.phone
    phone.auto_receipt = 3
    first = worker()
    reached_status(number, Status.QR_PENDING)
    code = number.qr_code
    assert nothing_readable(code), "the code is encrypted while it is on show"
    phone.scan(code)
    reached_status(number, Status.CONNECTED)
    assert number.phone_number == phone.number

    key = phone.token
    phone.message_in("canary-question")
    asked = until(lambda: Message.objects.filter(content="canary-question").first(), "the question")
    talk = Conversation.objects.get(pk=asked.conversation_id)
    answer = queue.enqueue(talk.business_profile, talk, text="canary-answer")
    until(lambda: Message.objects.filter(pk=answer.pk, status="read").exists(), "two blue ticks")

    first.kill()
    first.wait()
    victim = worker("outbox.sent")
    reached_status(number, Status.CONNECTED)
    number.refresh_from_db()
    assert number.session_data
    assert nothing_readable("canary-question")
    copies = list((settings.HOME / "media" / "sessions" / str(number.pk)).iterdir())
    assert copies
    assert not [copy for copy in copies if key.encode() in copy.read_bytes()]
    second = queue.enqueue(talk.business_profile, talk, text="Anything else?")
    until((tmp_path / "reached").exists, "the middle of the send")
    victim.kill()
    victim.wait()
    until(lambda: not profiles(tmp_path / "sessions"), "the end of the browser")
    phone.message_in("While nobody listened")

    shown = number.qr_count
    worker()
    until(lambda: Message.objects.filter(content="While nobody listened").exists(), "what came meanwhile")
    until(lambda: Message.objects.filter(pk=second.pk, status="read").exists(), "the second answer")
    number.refresh_from_db()
    assert number.qr_count == shown == 0
    for message in Message.objects.filter(direction="outbound"):
        assert phone.copies(message.whatsapp_message_id) == 1
    assert Message.objects.count() == 4

    phone.unlink()
    reached_status(number, Status.DISCONNECTED)
    assert number.status_reason == "unlinked"
    assert number.session_data == ""
    nothing_secret_is_left(number, tmp_path, [code, code.split(",")[0]], key)


def nothing_readable(secret: str) -> bool:
    """Whether the number's row, as it lies in the database, does not tell it."""
    with database.cursor() as cursor:
        cursor.execute("SELECT * FROM whatsapp_connections")
        return secret not in str(cursor.fetchall())


def nothing_secret_is_left(number: WhatsAppConnection, tmp_path: Path, codes: list[str], key: str) -> None:
    """Codes and WhatsApp's key are nowhere: not in logs, not in any table, what is told to others included.

    Texts are not in logs, and of what is kept for the driver nothing can be read.
    """
    log = (tmp_path / "worker.log").read_text()
    for secret in (*codes, key, "canary-question", "canary-answer"):
        assert secret not in log
    for model in apps.get_models():
        table = model._meta.db_table
        with database.cursor() as cursor:
            cursor.execute(f'SELECT * FROM "{table}"')
            rows = str(
                [[bytes(one) if isinstance(one, memoryview) else one for one in row] for row in cursor]
            )
        assert not [secret for secret in (*codes, key) if secret in rows], table
        assert table != "whatsapp_connections" or "canary" not in rows
    assert WebhookDelivery.objects.exists(), "others were told, so there was something to look through"

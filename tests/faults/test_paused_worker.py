"""Two real workers fight for one number; the one that holds it is paused past its lease's end and wakes up again."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import OperationalError
from django.db import connection as database

from connections.models import SandboxMessage, WhatsAppConnection
from messaging.models import Conversation, Message
from messaging.outbox import queue
from tests.connections.driver_contract import until
from tests.faults.conftest import Watch, Workers

pytestmark = [pytest.mark.services, pytest.mark.slow]


def taken_over(connection: WhatsAppConnection, epoch: int) -> Callable[[], bool]:
    """Whether another worker than the first drives the number."""

    def reached() -> bool:
        connection.refresh_from_db()
        return connection.lease_epoch >= epoch and connection.status == WhatsAppConnection.Status.CONNECTED

    return reached


def test_a_worker_paused_between_claim_and_send_is_refused_when_it_wakes(
    worker: Workers, reached: Callable[[], Path], linked: WhatsAppConnection, talks: list[Conversation]
) -> None:
    message = queue.enqueue(talks[0].business_profile, talks[0], text="Once")
    watch = Watch([message])
    sleeper = worker("outbox.claimed")
    marker = reached()
    sleeper.send_signal(signal.SIGSTOP)
    worker()
    watch.until_all("read")
    marker.unlink()
    sleeper.send_signal(signal.SIGCONT)
    until(lambda: _said(marker.parent, "lease_lost"), "the refusal")
    watch.nothing_was_lost_or_doubled()
    assert SandboxMessage.objects.get(from_me=True).attempts == 1


def test_a_worker_paused_after_it_saved_the_id_does_not_send_when_it_wakes(
    worker: Workers, reached: Callable[[], Path], linked: WhatsAppConnection, talks: list[Conversation]
) -> None:
    """Its lease has run out, so the message is somebody else's to settle: unknown, because it never left."""
    message = queue.enqueue(talks[0].business_profile, talks[0], text="Never")
    watch = Watch([message])
    sleeper = worker("outbox.begun")
    marker = reached()
    sleeper.send_signal(signal.SIGSTOP)
    worker()
    watch.until_all("unknown")
    marker.unlink()
    sleeper.send_signal(signal.SIGCONT)
    until(lambda: _said(marker.parent, "lease_lost"), "the refusal")
    assert not SandboxMessage.objects.filter(from_me=True).exists()
    watch.nothing_was_lost_or_doubled()


def test_two_workers_never_hold_one_number_together(
    worker: Workers, linked: WhatsAppConnection, talks: list[Conversation]
) -> None:
    first, second = worker(), worker()
    until(taken_over(linked, 1), "the first connection")
    holder, other = (first, second) if f":{first.pid}:" in linked.lease_owner else (second, first)
    until(lambda: pause_between_transactions(holder, linked), "the pause")
    until(taken_over(linked, 2), "the take-over")
    assert f":{other.pid}:" in linked.lease_owner
    holder.send_signal(signal.SIGCONT)
    messages = [queue.enqueue(talk.business_profile, talk, text="Hello") for talk in talks]
    watch = Watch(messages)
    watch.until_all("read")
    watch.nothing_was_lost_or_doubled()
    linked.refresh_from_db()
    assert linked.lease_epoch == 2
    assert Message.objects.filter(status="read").count() == len(talks)


def pause_between_transactions(process: subprocess.Popen[bytes], connection: WhatsAppConnection) -> bool:
    """Pause a worker where it holds no lock of the database: nobody could take over from a frozen transaction."""
    process.send_signal(signal.SIGSTOP)
    impatient = "PRAGMA busy_timeout = 200" if database.vendor == "sqlite" else "SET lock_timeout = '200ms'"
    patient = "PRAGMA busy_timeout = 20000" if database.vendor == "sqlite" else "SET lock_timeout = 0"
    with database.cursor() as cursor:
        cursor.execute(impatient)
        try:
            WhatsAppConnection.objects.filter(pk=connection.pk).update(name="Shop")
        except OperationalError:
            process.send_signal(signal.SIGCONT)
            return False
        finally:
            cursor.execute(patient)
    return True


def _said(folder: Path, event: str) -> bool:
    return f"event='{event}'" in (folder / "worker.log").read_text()

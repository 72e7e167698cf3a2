"""Real worker processes on the test's database, and what must hold after whatever happens to them."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from django.conf import settings

from accounts.models import BusinessProfile
from connections.models import SandboxMessage, WhatsAppConnection
from messaging.models import Conversation, Message
from messaging.outbox import states
from tests import factories
from tests.conftest import missing
from tests.connections.driver_contract import until

LEASE_SECONDS = 1.5
UNKNOWN_AFTER_SECONDS = 1.0
Workers = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def linked(transactional_db: None, connection: WhatsAppConnection) -> WhatsAppConnection:
    """A number whose login is kept on both sides; its simulated phone has no delays."""
    connection.session_data = "linked"
    connection.status = WhatsAppConnection.Status.STARTING
    connection.save()
    return connection


@pytest.fixture
def talks(linked: WhatsAppConnection, business: BusinessProfile) -> list[Conversation]:
    """Conversations with ten customers."""
    made = []
    for index in range(10):
        number = f"+99920000001{index:02d}"
        factories.SandboxCustomerFactory(phone=linked.sandbox_phone, number=number)
        contact = factories.ContactFactory(business_profile=business, phone_number=number)
        made.append(
            factories.ConversationFactory(business_profile=business, contact=contact, connection=linked)
        )
    return made


@pytest.fixture
def processes(process_env: dict[str, str], tmp_path: Path) -> Iterator[Workers]:
    """`processes("module", "argument", place="...")` starts one that stops at that place. All are killed at the end.

    environment: what is different for this one.
    """
    started: list[subprocess.Popen[bytes]] = []

    def start(
        *command: str,
        place: str = "",
        lease: float = LEASE_SECONDS,
        environment: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        chosen = {
            **process_env,
            "WHATSFLOW_LEASE_SECONDS": str(lease),
            "WHATSFLOW_UNKNOWN_AFTER_SECONDS": str(UNKNOWN_AFTER_SECONDS),
            "WHATSFLOW_FAILPOINTS": f"{place}:{tmp_path / 'reached'}" if place else "",
            **(environment or {}),
        }
        with (tmp_path / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *command],
                env=chosen,
                cwd=settings.BASE_DIR,
                stdout=log,
                stderr=log,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.kill()
        process.wait(10)


@pytest.fixture
def worker(linked: WhatsAppConnection, processes: Workers) -> Workers:
    """`worker()` starts one for the number; `worker("outbox.begun")` one that stops at that place."""
    return lambda place="": processes("tests.faults.worker", str(linked.pk), place=place)


@pytest.fixture
def job_worker(processes: Workers) -> Workers:
    """`job_worker()` starts one that does jobs; `job_worker("job.saved")` one that stops at that place."""
    return lambda place="", **more: processes("tests.faults.job_worker", place=place, **more)


@pytest.fixture
def reached(tmp_path: Path) -> Callable[[], Path]:
    """Wait until a worker has come to its place, and return the file that holds it there."""

    def wait() -> Path:
        marker = tmp_path / "reached"
        until(marker.exists, "the place where the worker stops")
        return marker

    return wait


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """`redis_server()` starts one of its own, always on the same port."""
    binary = shutil.which("redis-server")
    if not binary:
        missing("redis-server is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        command = [str(binary), "--port", str(port), "--save", "", "--dir", str(tmp_path)]
        started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        return started[-1]

    start.url = f"redis://127.0.0.1:{port}/0"  # type: ignore[attr-defined]
    yield start
    for process in started:
        process.kill()
        process.wait(10)


class Watch:
    """Sees the statuses of messages and remembers whether one ever fell."""

    def __init__(self, messages: list[Message]) -> None:
        self.ids = [message.pk for message in messages]
        self._seen: dict[object, str] = {}
        self.fallen: list[tuple[str, str]] = []

    def look(self) -> dict[object, str]:
        now = dict(Message.objects.filter(pk__in=self.ids).values_list("pk", "status"))
        for key, status in now.items():
            before = self._seen.get(key, status)
            if states.RANK[status] < states.RANK[before]:
                self.fallen.append((before, status))
        self._seen = dict(now)
        return self._seen

    def until_all(self, *wanted: str) -> None:
        """Wait until every message is in one of these statuses."""
        until(
            lambda: set(self.look().values()) <= set(wanted), f"{wanted} for all ({set(self._seen.values())})"
        )

    def nothing_was_lost_or_doubled(self) -> None:
        assert self.fallen == []
        assert len(self.look()) == len(self.ids)
        copies = SandboxMessage.objects.filter(from_me=True)
        assert set(copies.values_list("attempts", flat=True)) <= {1}
        ids = Message.objects.filter(pk__in=self.ids).values_list("whatsapp_message_id", flat=True)
        assert set(copies.values_list("wa_id", flat=True)) <= set(ids)

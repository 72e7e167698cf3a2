"""A disk that really is full: files are refused, messages wait, the pages say so, and all goes on with room again."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from connections.models import SandboxMessage, WhatsAppConnection
from core.files import disk
from messaging.models import Conversation, MediaFile, Message
from tests import factories
from tests.conftest import missing
from tests.connections.driver_contract import until
from tests.connections.live import is_connected, running
from tests.messaging.helpers import queue

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

PDF = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF"


@pytest.fixture
def small_disk(tmp_path: Path, settings, monkeypatch) -> Iterator[Path]:
    """A disk of 4 MB on which files lie, with 1 MB kept in reserve."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)], capture_output=True
    )
    if mounted.returncode:
        missing("A disk cannot be mounted here")
    settings.HOME, settings.MEDIA_ROOT, settings.DISK_RESERVE_BYTES = place, place / "media", 1024 * 1024
    monkeypatch.setattr(disk, "CHECK_SECONDS", 0.0)
    yield place
    subprocess.run(["umount", str(place)], check=True)


def uploaded(client: Client, size: int) -> int:
    file = SimpleUploadedFile("menu.pdf", PDF + b"\n" * size)
    headers = {"Accept": "application/json"}
    return client.post("/inbox/upload/", {"file": file}, headers=headers).status_code


def test_a_file_for_which_there_is_no_room_leaves_nothing(
    small_disk: Path, owner: User, conversation: Conversation, client_of: Callable[..., Client]
) -> None:
    client = client_of(owner)
    assert uploaded(client, 100_000) == 201
    assert uploaded(client, 5_000_000) == 507
    assert MediaFile.objects.count() == 1
    assert len([path for path in small_disk.rglob("*") if path.is_file()]) == 1
    (small_disk / "filler").write_bytes(bytes(3_500_000))
    assert uploaded(client, 10) == 507
    assert client.post(f"/inbox/{conversation.pk}/send/", {"text": "Words still work"}).status_code == 302


def test_messages_wait_while_the_disk_is_full(
    small_disk: Path, connection: WhatsAppConnection, conversation: Conversation, owner: User, client_of
) -> None:
    factories.SandboxCustomerFactory(phone=connection.sandbox_phone, number="+9992000000001")
    WhatsAppConnection.objects.update(session_data="linked", status="starting")
    filler = small_disk / "filler"
    filler.write_bytes(bytes(3_500_000))
    message = queue(conversation, "When there is room")
    with running(connection):
        until(lambda: WhatsAppConnection.objects.get().status_reason == "disk_full", "the reason")
        page = client_of(owner).get(f"/connections/{connection.pk}/").content.decode()
        assert "disk is full" in page
        assert not SandboxMessage.objects.filter(from_me=True).exists()
        assert Message.objects.get(pk=message.pk).status == "queued"
        filler.unlink()
        until(lambda: Message.objects.get(pk=message.pk).status == "read", "the message")
        is_connected(connection)

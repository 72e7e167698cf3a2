"""A process of the site that takes the hostile files of one door, and says what each has cost.

`python -m tests.security.doors DOOR BUSINESS FILE ...` on the database of a test; prints a JSON list. The functions are
those that views, API and runner call.
"""

from __future__ import annotations

import http.server
import json
import os
import resource
import shutil
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import django


def main(door: str, business_id: str, *paths: str) -> None:
    django.setup()
    take = doors(business_id)[door]
    results = []
    memory = Memory()
    for path in map(Path, paths):
        memory.peak = memory.now()
        before, began = times() - memory.spent, time.monotonic()
        results.append(
            {
                "name": path.name,
                "outcome": take(path),
                "cpu": times() - memory.spent - before,
                "wall": time.monotonic() - began,
                "child": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
                "together": memory.peak,
            }
        )
    print(json.dumps(results))


class Memory:
    """Megabytes of this process and its children together, looked at every few milliseconds."""

    def __init__(self) -> None:
        self.peak = self.spent = 0.0
        self._command = Path("/proc/self/cmdline").read_bytes()
        """What a child has as well until it runs a program of its own: its memory is this process's."""
        threading.Thread(target=self._watch, daemon=True).start()

    def now(self) -> float:
        children = (path.read_text() for path in Path("/proc/self/task").glob("*/children"))
        used = 0
        for pid in ("self", *" ".join(children).split()):
            process = Path("/proc") / pid
            with suppress(OSError):
                if pid == "self" or (process / "cmdline").read_bytes() != self._command:
                    used += int((process / "statm").read_text().split()[1])
        return used * resource.getpagesize() / 1024 / 1024

    def _watch(self) -> None:
        while True:
            with suppress(OSError):
                self.peak = max(self.peak, self.now())
            self.spent = time.thread_time()
            time.sleep(0.01)


def times() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def doors(business_id: str) -> dict[str, Callable[[Path], str]]:
    from django.core.files.uploadedfile import UploadedFile

    from accounts.models import BusinessProfile
    from connections.drivers.base import MediaBlob, MediaRef, MessageKind
    from connections.models import WhatsAppConnection
    from contacts.importing import imports
    from core.errors import DomainError
    from messaging.inbound import media_jobs, profile_pictures, receiver
    from messaging.inbound.media_jobs import MediaJob
    from messaging.media import media_files
    from messaging.models import ContactPicture, MediaFile, Message
    from messaging.outbox import api_send
    from tests.messaging.helpers import hello, lease_of

    business = BusinessProfile.objects.get(pk=business_id)
    lease = lease_of(WhatsAppConnection.objects.get(), "doors")
    receiver.receive(lease, [hello("first")])

    def answered(take: Callable[[], Any]) -> str:
        try:
            take()
        except DomainError as error:
            return error.code
        return "taken"

    def uploaded(path: Path) -> str:
        """Pages, the API, campaigns and their templates."""
        with path.open("rb") as file:
            return answered(
                lambda: media_files.store_upload(business, business.user, UploadedFile(file, path.name))
            )

    def address(path: Path) -> str:
        with served(path) as place:
            return answered(lambda: api_send.fetch_media(business, business.user, f"{place}/file"))

    def customer(path: Path) -> str:
        ref = MediaRef(mime="image/jpeg", name=path.name, token={"id": 1})
        receiver.receive(lease, [hello(path.name, kind=MessageKind.IMAGE, media=ref)])
        message = Message.objects.get(whatsapp_message_id=path.name)
        media_jobs.store(lease, MediaJob(message.pk, ref), MediaBlob(path.read_bytes(), "image/jpeg"))
        row = MediaFile.objects.get(pk=message.media_id)
        return row.error_code or ("taken" if row.state == "ready" else str(row.not_before))

    def profile(path: Path) -> str:
        ContactPicture.objects.all().delete()
        job = profile_pictures.next_due(lease)
        assert job is not None
        profile_pictures.store(lease, job, MediaBlob(path.read_bytes(), "image/jpeg"))
        return "taken" if ContactPicture.objects.get().media else "refused"

    def imported(path: Path) -> str:
        """Pages and the API."""
        with path.open("rb") as file:
            return answered(lambda: imports.upload(business, business.user, file, path.name))

    return {
        "upload": uploaded,
        "address": address,
        "customer": customer,
        "profile picture": profile,
        "import": imported,
    }


class served:
    """A host of the loopback interface that has one file."""

    def __init__(self, path: Path) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(path.stat().st_size))
                self.end_headers()
                with path.open("rb") as file:
                    shutil.copyfileobj(file, self.wfile)

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def __enter__(self) -> str:
        from django.conf import settings

        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        place = f"127.0.0.1:{self.server.server_port}"
        settings.OUTBOUND_HTTP_ALLOWED_HOSTS = [place]
        return f"http://{place}"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""A receiver that misbehaves by script, and what must hold whatever happens to those who post to it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from django.db import transaction

from connections.models import Webhook, WebhookDelivery
from connections.services import public_events
from tests.connections.webhooks.receiver import OK, Received, Receiver, Reset, answer
from whatsflow.core.ids import uuid7
from whatsflow.core.public_events import PublicEvent as Told

ROOT = Path(__file__).resolve().parents[2]
FAST_RETRIES = {
    "WHATSFLOW_WEBHOOK_RETRY_SECONDS": ",".join(["0"] + ["0.2"] * 40),
    "WHATSFLOW_WEBHOOK_TIMEOUT_SECONDS": "0.6",
    "WHATSFLOW_WEBHOOK_CLAIM_SECONDS": "3",
}


class Moody(Receiver):
    """Fails, hangs and resets for its first `until` requests, a part of them each, then recovers."""

    def __init__(self, until: int) -> None:
        super().__init__(script=self._mood)
        self._until = until

    def _mood(self, request: Received, number: int) -> bytes:
        if number > self._until:
            return OK
        if number % 7 == 0:
            raise Reset
        if number % 61 == 0:
            time.sleep(1.0)
        return answer(503) if number % 3 == 0 else OK


def happen(webhook: Webhook, count: int, batch: int = 500) -> None:
    """So many events, of ten conversations."""
    keys = [uuid7() for _ in range(10)]
    for start in range(0, count, batch):
        with transaction.atomic():
            numbers = range(start, min(start + batch, count))
            rows = [Told("contact.updated", {"number": number}, keys[number % 10]) for number in numbers]
            public_events.record(webhook.business_profile_id, rows)


@contextmanager
def workers(environment: Mapping[str, str], log: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """`start()` starts a process that posts; all are killed at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        with log.open("ab") as out:
            command = [sys.executable, "-m", "tests.faults.webhook_worker"]
            process = subprocess.Popen(command, env=dict(environment), cwd=ROOT, stdout=out, stderr=out)
        started.append(process)
        return process

    try:
        yield start
    finally:
        for process in started:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait(10)


def nothing_was_lost(webhook: Webhook, receiver: Receiver, count: int) -> None:
    """Each event has arrived at least once and is delivered in our books; ids and bodies stayed as they were."""
    rows = WebhookDelivery.objects.filter(webhook=webhook)
    states = Counter(rows.values_list("state", flat=True))
    assert states == {"delivered": count}, states
    sent = {str(key) for key in rows.values_list("event_id", flat=True)}
    assert receiver.ids == sent
    bodies = {(one.id, one.body) for one in receiver.received}
    assert len(bodies) == count


def environment_of(base: Mapping[str, str], receiver: Receiver, *others: Receiver) -> dict[str, str]:
    """The workers' environment: quick retries, and these receivers may be called."""
    places = ",".join(one.place for one in (receiver, *others))
    return {**os.environ, **base, **FAST_RETRIES, "WHATSFLOW_HTTP_ALLOWED_HOSTS": places}

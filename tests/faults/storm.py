"""A receiver that misbehaves by script, and what must hold whatever happens to those who post to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from django.db import Error, connections, transaction

from core import public_events
from core.ids import uuid7
from tests.webhooks.receiver import OK, Received, Receiver, Reset, answer
from webhooks.models import PublicEvent, Webhook, WebhookDelivery
from webhooks.services import recording

TALKS = 10
COMMON, RARE = "contact.updated", "contact.created"
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
    keys = [uuid7() for _ in range(TALKS)]
    for start in range(0, count, batch):
        _record(webhook.business_profile_id, keys, range(start, min(start + batch, count)))


def _record(business_id: UUID, keys: Sequence[UUID], numbers: range) -> None:
    """Events with these numbers, in one transaction; every tenth is a new contact, which some want alone."""
    with transaction.atomic():
        rows = [
            public_events.PublicEvent(
                RARE if number % 10 == 0 else COMMON, {"number": number}, keys[number % TALKS]
            )
            for number in numbers
        ]
        recording.audience(business_id).record(rows)


@contextmanager
def happening(webhook: Webhook, count: int, receiver: Receiver, ahead: int = 1000) -> Iterator[None]:
    """Events happen in a thread of their own, so many in all and never more than `ahead` before what has arrived.

    A transaction whose commit got no answer may have happened: what is there is counted before it is done again.
    """
    stop = threading.Event()

    def work() -> None:
        keys = [uuid7() for _ in range(TALKS)]
        done = 0
        while done < count and not stop.wait(0.005):
            if done - len(receiver.received) > ahead:
                continue
            try:
                done = PublicEvent.objects.filter(business_profile=webhook.business_profile_id).count()
                _record(webhook.business_profile_id, keys, range(done, min(done + 100, count)))
            except Error:  # PostgreSQL is away
                connections.close_all()
                stop.wait(0.2)
        connections.close_all()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


class Workers:
    """Processes that post: `start = Workers(environment, log)`, then `start()` for each."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self._environment = dict(environment)
        self._log = log
        self._started: list[subprocess.Popen[bytes]] = []

    def __call__(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.faults.webhook_worker"]
        with self._log.open("ab") as out:
            process = subprocess.Popen(command, env=self._environment, cwd=ROOT, stdout=out, stderr=out)
        self._started.append(process)
        return process

    def kill(self) -> None:
        """SIGKILL, to all of them."""
        for process in self._started:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.wait(10)


@contextmanager
def workers(environment: Mapping[str, str], log: Path) -> Iterator[Workers]:
    """`start()` starts a process that posts; all are killed at the end."""
    started = Workers(environment, log)
    try:
        yield started
    finally:
        started.kill()


def nothing_was_lost(webhook: Webhook, receiver: Receiver, count: int) -> None:
    """Each event has arrived at least once and is delivered in our books; ids and bodies stayed as they were.

    Events of one conversation are numbered without gaps.
    """
    rows = WebhookDelivery.objects.filter(webhook=webhook)
    states = Counter(rows.values_list("state", flat=True))
    assert states == {"delivered": count}, states
    sent = {str(key) for key in rows.values_list("event_id", flat=True)}
    assert receiver.ids == sent
    bodies = {(one.id, one.body) for one in receiver.received}
    assert len(bodies) == count
    told = [json.loads(payload) for payload in rows.values_list("event__payload", flat=True)]
    assert len({one["data"]["number"] for one in told}) == count
    if "*" in webhook.events:
        numbers = {(one["data"]["number"] % TALKS, one["sequence"]) for one in told}
        assert numbers == {(number % TALKS, number // TALKS + 1) for number in range(count)}


def environment_of(base: Mapping[str, str], receiver: Receiver, *others: Receiver) -> dict[str, str]:
    """The workers' environment: quick retries, and these receivers may be called."""
    places = ",".join(one.place for one in (receiver, *others))
    return {**os.environ, **base, **FAST_RETRIES, "WHATSFLOW_HTTP_ALLOWED_HOSTS": places}

"""Webhooks, measured inside a process of the project; see `tests.benchmarks.inside`."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2  # noqa: TID251 - the bare client that ours is compared with
from django.conf import settings
from django.db import connections, transaction
from django.db.models import F

from accounts.models import BusinessProfile
from core import public_events
from core.ids import uuid7
from core.realtime import wakeup
from messaging.payloads import example_message, message_data
from tests.benchmarks.report import median
from webhooks.delivery.dispatcher import Dispatcher
from webhooks.models import PublicEvent, Webhook, WebhookAttempt, WebhookDelivery
from webhooks.services import endpoints, recording

BARE = 2000
PACE = 0.05


@contextmanager
def _receiver() -> Iterator[str]:
    """The address of a receiver in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.receiver"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        place = f"127.0.0.1:{process.stdout.readline().strip()}"
        settings.OUTBOUND_HTTP_ALLOWED_HOSTS = [place]
        yield f"http://{place}"
    finally:
        process.kill()
        process.wait()


@contextmanager
def _dispatching() -> Iterator[None]:
    dispatcher = Dispatcher(idle_seconds=3600.0)

    def run() -> None:
        dispatcher.run()
        connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        dispatcher.stop()
        thread.join()


def _happen(business: BusinessProfile, count: int) -> None:
    """So many received messages, 500 a transaction."""
    data = message_data(example_message())
    for start in range(0, count, 500):
        with transaction.atomic():
            keys = [uuid7() for _ in range(min(500, count - start))]
            recording.audience(business.pk).record(
                [public_events.PublicEvent("message.received", data, key) for key in keys]
            )


def _done(webhook: Webhook, count: int, patience: float) -> None:
    deadline = time.monotonic() + patience
    rows = WebhookDelivery.objects.filter(webhook=webhook, state="delivered")
    while rows.count() < count:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{rows.count()} of {count} deliveries in {patience:.0f} s")
        time.sleep(0.1)


def deliveries(business: BusinessProfile, events: int) -> dict[str, Any]:
    """Deliveries a second to a fast receiver, and posts a second of a bare client with the same bodies."""
    with _receiver() as address:
        webhook = endpoints.create(business, None, url=f"{address}/fast", events=["*"]).webhook
        begin = time.perf_counter()
        _happen(business, events)
        recorded = events / (time.perf_counter() - begin)
        begin = time.perf_counter()
        with _dispatching():
            _done(webhook, events, 300)
            rate = events / (time.perf_counter() - begin)
        rows = PublicEvent.objects.filter(deliveries__webhook=webhook)[:BARE]
        bodies = [payload.encode() for payload in rows.values_list("payload", flat=True)]
        headers = {"Content-Type": "application/json"}
        begin = time.perf_counter()
        with httpx2.Client(trust_env=False) as client:
            for body in bodies:
                client.post(webhook.url, content=body, headers=headers)
        bare = len(bodies) / (time.perf_counter() - begin)
        endpoints.delete(business, None, webhook)
    return {"rate": rate, "bare": bare, "recorded": recorded}


def neighbours(business: BusinessProfile, seconds: float) -> dict[str, Any]:
    """Median milliseconds from an event to its post at a fast receiver: alone, and beside one that misbehaves."""
    with _receiver() as address:
        fast = endpoints.create(business, None, url=f"{address}/fast", events=["*"]).webhook
        with _dispatching():
            alone = _paced(business, fast, seconds)
            moody = endpoints.create(business, None, url=f"{address}/moody", events=["*"]).webhook
            _happen(business, 500)
            beside = _paced(business, fast, seconds)
        for webhook in (fast, moody):
            endpoints.delete(business, None, webhook)
    return {"alone": alone, "beside": beside}


def _paced(business: BusinessProfile, fast: Webhook, seconds: float) -> float:
    first, count = uuid7(), int(seconds / PACE)
    for _ in range(count):
        _happen(business, 1)
        wakeup.notify("webhooks")
        time.sleep(PACE)
    _done(fast, WebhookDelivery.objects.filter(webhook=fast).count(), 60)
    tries = WebhookAttempt.objects.filter(delivery__webhook=fast, delivery__event_id__gt=first)
    waits = tries.annotate(wait=F("at") - F("delivery__event__created_at")).order_by("-id")[:count]
    return median([one.wait.total_seconds() * 1000 for one in waits])

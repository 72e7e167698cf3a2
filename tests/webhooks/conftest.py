"""Receivers, endpoints that lead to them, and a dispatcher that works until nothing is left."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connections, transaction

from accounts.models import BusinessProfile
from core import public_events
from core.ids import uuid7
from core.realtime import wakeup
from tests import factories
from tests.connections.driver_contract import until
from tests.webhooks.receiver import OK, Receiver, Script
from webhooks.delivery.dispatcher import Dispatcher
from webhooks.models import Webhook
from webhooks.services import recording

Listen = Callable[..., Receiver]


@pytest.fixture
def listen(settings: Any) -> Iterator[Listen]:
    """`listen(script)`: a receiver that may be called although it is on loopback."""
    with contextlib.ExitStack() as stack:

        def start(script: Script = lambda request, number: OK) -> Receiver:
            receiver = stack.enter_context(Receiver(script))
            settings.OUTBOUND_HTTP_ALLOWED_HOSTS = [*settings.OUTBOUND_HTTP_ALLOWED_HOSTS, receiver.place]
            return receiver

        yield start


@pytest.fixture
def endpoint(business: BusinessProfile) -> Callable[..., Webhook]:
    """`endpoint(receiver)`: an endpoint of `business` that leads there."""
    return lambda receiver, **fields: factories.WebhookFactory(
        business_profile=business, url=receiver.url, **fields
    )


@pytest.fixture
def tell(business: BusinessProfile) -> Callable[..., None]:
    """`tell(3)`: so many events happen in `business`."""

    def record(count: int = 1, **data: Any) -> None:
        key = uuid7()
        with transaction.atomic():
            rows = [
                public_events.PublicEvent("contact.updated", {"number": number, **data}, key)
                for number in range(count)
            ]
            recording.audience(business.pk).record(rows)

    return record


@pytest.fixture
def dispatching(transactional_db: None, settings: Any) -> Iterator[Callable[..., None]]:
    """`dispatching(condition)`: a dispatcher works until `condition` holds. Retries come fast."""
    settings.WEBHOOK_RETRY_SECONDS = [0.0] + [0.05] * 9
    started: list[tuple[Dispatcher, threading.Thread]] = []

    def work(condition: Callable[[], bool], what: str = "the deliveries") -> None:
        if not started:
            dispatcher = Dispatcher(idle_seconds=60.0)
            thread = threading.Thread(target=_run, args=(dispatcher,))
            started.append((dispatcher, thread))
            thread.start()
        wakeup.notify("webhooks")
        until(condition, what)

    yield work
    for dispatcher, thread in started:
        dispatcher.stop()
        thread.join(10)
        assert not thread.is_alive()


def _run(dispatcher: Dispatcher) -> None:
    try:
        dispatcher.run()
    finally:
        connections.close_all()

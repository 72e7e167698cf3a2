"""SIGKILL of a real worker at each step of a send, and during many."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from accounts.models import User
from connections.models import SandboxMessage, WhatsAppConnection
from messaging.models import Conversation, Message
from messaging.outbox import queue as outbox
from tests.connections.driver_contract import until
from tests.connections.live import is_connected
from tests.faults.conftest import Watch, Workers

pytestmark = [pytest.mark.services, pytest.mark.slow]

LEFT = ("sent", "delivered", "read")


def queue(talk: Conversation, text: str = "Your order is ready") -> Message:
    return outbox.enqueue(talk.business_profile, talk, text=text)


@pytest.mark.parametrize("place", ["outbox.claimed", "sandbox.accepted", "outbox.sent", "outbox.settled"])
def test_a_worker_killed_during_a_send_neither_loses_nor_doubles_it(
    worker: Workers, reached: Callable[[], Path], talks: list[Conversation], place: str
) -> None:
    watch = Watch([queue(talks[0])])
    victim = worker(place)
    reached()
    watch.look()
    victim.kill()
    worker()
    watch.until_all("read")
    watch.nothing_was_lost_or_doubled()
    assert SandboxMessage.objects.filter(from_me=True).count() == 1


def test_a_worker_killed_before_the_driver_was_asked_leaves_an_unknown_that_a_person_may_send_again(
    worker: Workers, reached: Callable[[], Path], talks: list[Conversation], owner: User
) -> None:
    message = queue(talks[0])
    watch = Watch([message])
    victim = worker("outbox.begun")
    reached()
    victim.kill()
    worker()
    watch.until_all("unknown")
    assert not SandboxMessage.objects.filter(from_me=True).exists()
    watch.nothing_was_lost_or_doubled()
    message.refresh_from_db()
    wa_id = message.whatsapp_message_id
    outbox.retry(talks[0].business_profile, message, owner)
    until(lambda: Message.objects.filter(pk=message.pk, status="read").exists(), "the second try")
    sent = SandboxMessage.objects.get(from_me=True)
    assert (sent.wa_id, sent.attempts) == (wa_id, 1)


def test_killing_workers_during_200_sends_loses_none_and_sends_none_twice(
    worker: Workers, talks: list[Conversation], owner: User
) -> None:
    messages = [queue(talks[index % len(talks)], f"number {index}") for index in range(200)]
    watch = Watch(messages)
    for enough in (40, 120):
        victim = worker()
        until(lambda goal=enough: SandboxMessage.objects.count() >= goal, f"{enough} sends")  # type: ignore[misc]
        victim.kill()
        watch.look()
    worker()
    watch.until_all(*LEFT, "unknown")
    watch.nothing_was_lost_or_doubled()
    for message in Message.objects.filter(status="unknown"):
        outbox.retry(message.business_profile, message, owner)
    until(lambda: not Message.objects.exclude(status__in=LEFT).exists(), "the rest")
    assert SandboxMessage.objects.filter(from_me=True).count() == 200
    assert set(SandboxMessage.objects.values_list("attempts", flat=True)) == {1}
    assert set(SandboxMessage.objects.values_list("body", flat=True)) == {f"number {n}" for n in range(200)}


def test_a_worker_asked_to_stop_gives_the_number_back_and_another_goes_on(
    worker: Workers, linked: WhatsAppConnection, talks: list[Conversation]
) -> None:
    first = worker()
    is_connected(linked)
    messages = [queue(talk) for talk in talks]
    first.terminate()
    assert first.wait(20) == 0
    linked.refresh_from_db()
    assert linked.lease_owner == ""
    worker()
    watch = Watch(messages)
    watch.until_all("read")
    watch.nothing_was_lost_or_doubled()

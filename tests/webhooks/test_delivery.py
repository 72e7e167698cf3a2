"""What arrives at receivers, and what is tried again."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from accounts.models import BusinessProfile
from core.realtime import hub
from tests import factories
from tests.webhooks.conftest import Listen
from tests.webhooks.receiver import OK, Received, Reset, answer
from webhooks.delivery import queue
from webhooks.delivery.dispatcher import MAX_SLOW_THREADS, MAX_THREADS
from webhooks.models import PublicEvent, Webhook, WebhookAttempt, WebhookDelivery
from webhooks.services import endpoints

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]

State = WebhookDelivery.State


def settled(state: str = State.DELIVERED, count: int = 1) -> Callable[[], bool]:
    return lambda: WebhookDelivery.objects.filter(state=state).count() == count


def test_an_event_arrives_once_signed_and_logged(
    listen: Listen,
    endpoint: Callable[..., Webhook],
    tell: Callable[..., None],
    dispatching: Callable[..., None],
) -> None:
    receiver = listen()
    webhook = endpoint(receiver, headers='{"X-Token": "abc"}')
    tell(name="Zoë")
    dispatching(settled())
    (request,) = receiver.received
    event = PublicEvent.objects.get()
    assert Verifier(webhook.secret).verify(request.body, request.headers) == request.event
    assert request.body.decode() == event.payload
    assert request.id == request.event["id"] == str(event.pk)
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-token"] == "abc"
    with pytest.raises(WebhookVerificationError):
        Verifier(webhook.secret).verify(request.body + b" ", request.headers)
    delivery = WebhookDelivery.objects.get()
    assert (delivery.attempts, delivery.last_status, delivery.claim) == (1, 200, None)
    log = WebhookAttempt.objects.get()
    assert (log.status, log.error, log.answer, log.delivery_id) == (200, "", "ok", delivery.pk)
    webhook.refresh_from_db()
    assert webhook.last_success_at
    assert webhook.failing_since is None


def test_a_failure_is_tried_again_with_the_same_id_and_body_until_it_gets_through(
    listen: Listen,
    endpoint: Callable[..., Webhook],
    tell: Callable[..., None],
    dispatching: Callable[..., None],
) -> None:
    def script(request: Received, number: int) -> bytes:
        if number == 2:
            raise Reset
        return answer(500, b"not today", Connection="close") if number == 1 else OK

    receiver = listen(script)
    webhook = endpoint(receiver)
    tell()
    dispatching(settled())
    assert len(receiver.received) == 3
    assert len({(one.id, one.body) for one in receiver.received}) == 1
    assert all(Verifier(webhook.secret).verify(one.body, one.headers) for one in receiver.received)
    tries = list(WebhookAttempt.objects.order_by("id").values_list("status", "error", "answer"))
    assert tries == [(500, "", "not today"), (None, "unreachable", ""), (200, "", "ok")]


def test_it_is_given_up_after_the_last_attempt_and_can_be_replayed(
    listen: Listen,
    business: BusinessProfile,
    endpoint: Callable[..., Webhook],
    tell: Callable[..., None],
    dispatching: Callable[..., None],
    settings: Any,
) -> None:
    healed: list[bool] = []
    receiver = listen(lambda request, number: OK if healed else answer(503))
    webhook = endpoint(receiver)
    tell(2)
    settings.WEBHOOK_RETRY_SECONDS = [0.0, 0.01]
    dispatching(settled(State.FAILED, 2))
    assert len(receiver.received) == 4
    healed.append(True)
    before = receiver.ids
    assert endpoints.replay_many(business, None, webhook) == 2
    dispatching(settled(State.DELIVERED, 2))
    assert len(receiver.received) == 6
    assert receiver.ids == before
    assert WebhookAttempt.objects.count() == 6


@pytest.mark.parametrize(
    ("reply", "error", "status"),
    [
        (answer(302, Location="http://169.254.169.254/"), "", 302),
        (answer(404), "", 404),
        (b"SSH-2.0-OpenSSH\r\n", "unreachable", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort", "unreachable", None),
    ],
)
def test_whatever_is_not_a_2xx_is_a_failure(
    listen: Listen,
    endpoint: Callable[..., Webhook],
    tell: Callable[..., None],
    dispatching: Callable[..., None],
    settings: Any,
    reply: bytes,
    error: str,
    status: int | None,
) -> None:
    def script(request: Received, number: int) -> bytes:
        if b"short" in reply or b"SSH" in reply:
            receiver.closing.set()
        return reply

    receiver = listen(script)
    endpoint(receiver)
    tell()
    settings.WEBHOOK_RETRY_SECONDS = [0.0]
    dispatching(settled(State.FAILED))
    delivery = WebhookDelivery.objects.get()
    assert (delivery.last_error, delivery.last_status) == (error, status)


def test_a_receiver_that_does_not_answer_in_time_fails(
    listen: Listen,
    endpoint: Callable[..., Webhook],
    tell: Callable[..., None],
    dispatching: Callable[..., None],
    settings: Any,
) -> None:
    settings.WEBHOOK_TIMEOUT_SECONDS = 0.2
    settings.WEBHOOK_RETRY_SECONDS = [0.0]
    receiver = listen(lambda request, number: (receiver.closing.wait(5) and b"") or b"")
    endpoint(receiver)
    tell()
    dispatching(settled(State.FAILED))
    receiver.closing.set()
    assert WebhookAttempt.objects.get().error == "timed_out"


def test_of_a_long_answer_the_first_kilobyte_is_kept(
    listen: Listen,
    endpoint: Callable[..., Webhook],
    tell: Callable[..., None],
    dispatching: Callable[..., None],
) -> None:
    endpoint(listen(lambda request, number: answer(200, b"\x00" + "é".encode() * 50_000)))
    tell()
    dispatching(settled())
    kept = WebhookAttempt.objects.get().answer
    assert kept.startswith("éé")
    assert len(kept.encode()) <= 1026


def test_connections_to_a_receiver_are_kept_open(
    listen: Listen,
    endpoint: Callable[..., Webhook],
    tell: Callable[..., None],
    dispatching: Callable[..., None],
) -> None:
    receiver = listen()
    endpoint(receiver)
    tell(60)
    dispatching(settled(count=60))
    assert receiver.connections <= 8
    assert len(receiver.received) == 60


def test_a_kept_connection_that_has_ended_costs_no_attempt(
    listen: Listen,
    endpoint: Callable[..., Webhook],
    tell: Callable[..., None],
    dispatching: Callable[..., None],
) -> None:
    def script(request: Received, number: int) -> bytes:
        if number == 2:
            raise Reset
        return OK

    receiver = listen(script)
    endpoint(receiver)
    tell()
    dispatching(settled())
    tell()
    dispatching(settled(count=2))
    assert [one.status for one in WebhookAttempt.objects.all()] == [200, 200]
    assert len(receiver.received) == 3


def test_410_switches_the_endpoint_off_and_the_owner_is_written_to_once(
    listen: Listen,
    endpoint: Callable[..., Webhook],
    tell: Callable[..., None],
    dispatching: Callable[..., None],
    mailoutbox: list[Any],
) -> None:
    from webhooks.delivery import circuit_breaker

    webhook = endpoint(listen(lambda request, number: answer(410)), description="Old shop")
    tell()
    dispatching(lambda: not Webhook.objects.filter(is_active=True).exists())
    webhook.refresh_from_db()
    assert webhook.state == Webhook.State.GONE
    assert [circuit_breaker.notify_owners(), circuit_breaker.notify_owners()] == [1, 0]
    (mail,) = mailoutbox
    assert mail.to == ["owner@example.com"]
    assert "Old shop" in mail.body
    assert f"/connections/webhooks/{webhook.pk}/" in mail.body


def test_five_days_without_success_switch_it_off_and_one_success_starts_them_anew(
    listen: Listen,
    endpoint: Callable[..., Webhook],
    tell: Callable[..., None],
    dispatching: Callable[..., None],
) -> None:
    failing = listen(lambda request, number: answer(500))
    healing = listen(lambda request, number: answer(500) if number == 1 else OK)
    long_ago = timezone.now() - timedelta(days=5, minutes=1)
    off = endpoint(failing, failing_since=long_ago)
    on = endpoint(failing, failing_since=timezone.now() - timedelta(days=4))
    healed = endpoint(healing, failing_since=timezone.now() - timedelta(days=4))
    tell()
    dispatching(lambda: not Webhook.objects.filter(pk=off.pk, is_active=True).exists())
    dispatching(lambda: Webhook.objects.filter(pk=healed.pk, failing_since=None).exists())
    off.refresh_from_db()
    on.refresh_from_db()
    assert (off.state, on.is_active) == (Webhook.State.FAILING, True)
    assert on.failing_since


def test_what_waits_for_an_endpoint_that_is_off_goes_out_when_it_is_on_again(
    listen: Listen,
    business: BusinessProfile,
    endpoint: Callable[..., Webhook],
    tell: Callable[..., None],
    dispatching: Callable[..., None],
) -> None:
    receiver, other = listen(), listen()
    webhook = endpoint(receiver)
    tell()
    endpoints.update(business, None, webhook, is_active=False)
    endpoint(other)
    tell()
    dispatching(lambda: len(other.received) == 1)
    assert receiver.received == []
    endpoints.update(business, None, webhook, is_active=True)
    dispatching(lambda: len(receiver.received) == 1)


def test_a_receiver_that_asks_for_a_rest_gets_it(
    listen: Listen,
    endpoint: Callable[..., Webhook],
    tell: Callable[..., None],
    dispatching: Callable[..., None],
) -> None:
    webhook = endpoint(listen(lambda request, number: answer(429, Retry_After="1800")))
    tell()
    dispatching(lambda: WebhookAttempt.objects.exists())
    webhook.refresh_from_db()
    delivery = WebhookDelivery.objects.get()
    soon = timezone.now() + timedelta(minutes=29)
    assert webhook.not_before is not None
    assert delivery.next_attempt_at is not None
    assert min(webhook.not_before, delivery.next_attempt_at) > soon


def test_both_secrets_verify_while_a_new_one_spreads(
    listen: Listen,
    business: BusinessProfile,
    endpoint: Callable[..., Webhook],
    tell: Callable[..., None],
    dispatching: Callable[..., None],
) -> None:
    receiver = listen()
    webhook = endpoint(receiver)
    old = webhook.secret
    new = endpoints.rotate(business, None, webhook)
    tell()
    dispatching(settled())
    (request,) = receiver.received
    assert old != new
    assert Verifier(old).verify(request.body, request.headers)
    assert Verifier(new).verify(request.body, request.headers)
    Webhook.objects.filter(pk=webhook.pk).update(old_secret_until=timezone.now())
    tell()
    dispatching(settled(count=2))
    with pytest.raises(WebhookVerificationError):
        Verifier(old).verify(receiver.received[1].body, receiver.received[1].headers)


def test_a_hanging_endpoint_delays_no_other(
    listen: Listen,
    endpoint: Callable[..., Webhook],
    tell: Callable[..., None],
    dispatching: Callable[..., None],
) -> None:
    hanging = listen(lambda request, number: (hanging.closing.wait(20) and b"") or b"")
    fast = listen()
    endpoint(hanging)
    endpoint(fast)
    tell(100)
    begin = time.monotonic()
    dispatching(lambda: len(fast.ids) == 100)
    assert time.monotonic() - begin < 10
    assert len(hanging.received) == 1
    hanging.closing.set()


def test_however_many_endpoints_hang_those_that_are_quick_find_a_thread(
    listen: Listen,
    endpoint: Callable[..., Webhook],
    tell: Callable[..., None],
    dispatching: Callable[..., None],
    settings: Any,
) -> None:
    settings.WEBHOOK_TIMEOUT_SECONDS = 30.0
    settings.WEBHOOK_CLAIM_SECONDS = 120.0
    fast = listen()
    endpoint(fast)
    tell()
    dispatching(settled())
    hanging = listen(lambda request, number: (hanging.closing.wait(30) and b"") or b"")
    for _ in range(MAX_THREADS + 8):
        endpoint(hanging)
    tell()
    dispatching(lambda: len(hanging.received) >= MAX_SLOW_THREADS, "endpoints that hang")
    tell(40)
    dispatching(lambda: len(fast.ids) == 42, "what the quick one is told")
    assert len(hanging.received) == MAX_SLOW_THREADS
    hanging.closing.set()


def test_pages_hear_of_the_last_delivery_too(
    listen: Listen,
    endpoint: Callable[..., Webhook],
    tell: Callable[..., None],
    dispatching: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They are told once a second at most: of what comes within that second they must hear at its end."""
    seen: list[int] = []
    done = WebhookDelivery.objects.filter(state=State.DELIVERED)
    monkeypatch.setattr(hub, "push", lambda group, frame: seen.append(done.count()))
    endpoint(listen())
    tell()
    dispatching(lambda: len(seen) == 1, "the first frame")
    tell()
    dispatching(settled(count=2))
    dispatching(lambda: seen[-1] == 2, "a frame after the last delivery")
    assert len(seen) == 2


def test_claims_of_a_dispatcher_that_died_end_by_themselves(
    listen: Listen,
    endpoint: Callable[..., Webhook],
    tell: Callable[..., None],
    dispatching: Callable[..., None],
) -> None:
    from webhooks.delivery import queue

    receiver = listen()
    webhook = endpoint(receiver)
    tell(3)
    assert len(queue.claim(webhook.pk, 10)) == 3
    assert queue.claim(webhook.pk, 10) == []
    WebhookDelivery.objects.update(next_attempt_at=timezone.now())
    dispatching(settled(count=3))
    assert len(receiver.ids) == 3


def test_a_late_failure_does_not_undo_what_another_dispatcher_has_done(
    listen: Listen,
    endpoint: Callable[..., Webhook],
    tell: Callable[..., None],
    dispatching: Callable[..., None],
) -> None:
    from webhooks.delivery import queue
    from webhooks.delivery.http import Attempt

    receiver = listen()
    endpoint(receiver)
    tell()
    (due,) = queue.due_endpoints()
    (sleeper,) = queue.claim(due.id, 1)
    WebhookDelivery.objects.update(next_attempt_at=timezone.now())
    (taken_over,) = queue.claim(due.id, 1)
    late = Attempt(due, sleeper, timezone.now(), 10, error="timed_out")
    queue.settle([late])
    assert WebhookDelivery.objects.get().claim == taken_over.claim
    queue.settle([Attempt(due, taken_over, timezone.now(), 10, status=204)])
    queue.settle([late])
    delivery = WebhookDelivery.objects.get()
    assert (delivery.state, delivery.attempts) == (State.DELIVERED, 1)


def test_an_endpoint_that_became_private_is_refused_with_words(
    endpoint: Callable[..., Webhook],
    business: BusinessProfile,
    tell: Callable[..., None],
    dispatching: Callable[..., None],
    settings: Any,
) -> None:
    factories.WebhookFactory(business_profile=business, url="https://127.0.0.1:8443/")
    factories.WebhookFactory(business_profile=business, url="http://example.com/")
    settings.WEBHOOK_RETRY_SECONDS = [0.0]
    tell()
    dispatching(settled(State.FAILED, 2))
    errors = set(WebhookAttempt.objects.values_list("error", flat=True))
    assert errors == {"address_not_public", "https_required"}


def test_the_dispatcher_knows_how_long_nothing_is_due(business: BusinessProfile) -> None:
    assert queue.seconds_until_due() is None
    webhook = factories.WebhookFactory(business_profile=business)
    event = PublicEvent.objects.create(
        business_profile=business, type="message.sent", key=business.pk, sequence=1
    )
    waiting = WebhookDelivery.objects.create(
        business_profile=business,
        webhook=webhook,
        event=event,
        event_type=event.type,
        next_attempt_at=timezone.now() + timedelta(minutes=5),
    )
    assert 290 < (queue.seconds_until_due() or 0) <= 300
    WebhookDelivery.objects.filter(pk=waiting.pk).update(next_attempt_at=timezone.now())
    assert queue.seconds_until_due() == 0.0
    webhook.not_before = timezone.now() + timedelta(minutes=5)
    webhook.save()
    assert 290 < (queue.seconds_until_due() or 0) <= 300, (
        "a receiver that rests is not looked at all the time"
    )

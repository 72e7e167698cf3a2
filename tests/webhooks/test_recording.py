"""What is written down when something happens: events with their numbers, and a delivery for each endpoint."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import BusinessProfile, User
from connections import leases
from connections.drivers.base import Ack, AckLevel, Chat, InboundMessage, MessageKind, Phase, State
from connections.models import WhatsAppConnection
from connections.services import numbers, sessions
from contacts.services import contacts
from core import public_events
from core.clock import now
from core.db.models import is_postgres
from core.ids import uuid7
from messaging.inbound import receiver
from messaging.models import Conversation
from messaging.outbox import queue
from tests import factories
from webhooks.models import EventFeed, PublicEvent, WebhookDelivery
from webhooks.services import recording

pytestmark = [pytest.mark.services, pytest.mark.django_db]


def letters(count: int, people: int = 7) -> list[InboundMessage]:
    return [
        InboundMessage(
            wa_id=f"IN{uuid7().hex}",
            chat=Chat(phone=f"+99940000{place % people:04d}"),
            kind=MessageKind.TEXT,
            at=now(),
            body=f"Hello {place}",
            push_name="Zoe",
        )
        for place in range(count)
    ]


@pytest.fixture
def receive(connection: WhatsAppConnection) -> Callable[[list[Any]], int]:
    lease = leases.acquire(connection.pk, "test")
    assert lease is not None
    return lambda events: receiver.receive(lease, events)


def payloads(**filters: Any) -> list[dict[str, Any]]:
    return [json.loads(row.payload) for row in PublicEvent.objects.filter(**filters).order_by("id")]


def test_nothing_is_written_when_nobody_listens(
    receive: Callable[[list[Any]], int], business: BusinessProfile
) -> None:
    receive(letters(3))
    assert not PublicEvent.objects.exists()


def test_a_business_that_nobody_listens_to_pays_one_look_a_kind_of_event(
    receive: Callable[[list[Any]], int], connection: WhatsAppConnection
) -> None:
    receive(letters(20))
    with CaptureQueriesContext(
        database,
    ) as captured:
        receive(letters(20))
    asked = [query["sql"] for query in captured if "event_feeds" in query["sql"]]
    assert len(asked) == 1
    assert not [query for query in captured if "webhook" in query["sql"]]


def test_a_received_message_is_told_to_every_endpoint_that_wants_it(
    receive: Callable[[list[Any]], int], business: BusinessProfile, connection: WhatsAppConnection
) -> None:
    everything = factories.WebhookFactory(business_profile=business)
    messages = factories.WebhookFactory(business_profile=business, events=["message.received"])
    factories.WebhookFactory(business_profile=business, events=["message.read"])
    factories.WebhookFactory(business_profile=business, is_active=False)
    receive(letters(1))
    event = PublicEvent.objects.get(type="message.received")
    assert set(event.deliveries.values_list("webhook_id", flat=True)) == {everything.pk, messages.pk}
    payload = json.loads(event.payload)
    assert payload["id"] == str(event.pk)
    assert payload["sequence"] == 1
    assert payload["data"]["content"] == "Hello 0"
    assert payload["data"]["contact"]["phoneNumber"] == "+999400000000"
    assert payload["data"]["connectionId"] == str(connection.pk)
    assert WebhookDelivery.objects.filter(webhook=everything, event_type="contact.created").count() == 1


def test_another_business_hears_nothing(
    receive: Callable[[list[Any]], int], other_business: BusinessProfile
) -> None:
    factories.WebhookFactory(business_profile=other_business)
    receive(letters(2))
    assert not PublicEvent.objects.exists()


def test_events_of_a_conversation_are_numbered_without_gaps_in_whatever_batches(
    receive: Callable[[list[Any]], int], business: BusinessProfile
) -> None:
    factories.WebhookFactory(business_profile=business)
    for size in (1, 5, 20, 3):
        receive(letters(size, people=2))
    for key in Conversation.objects.values_list("pk", flat=True):
        told = [one["sequence"] for one in payloads(key=key)]
        assert told == list(range(1, len(told) + 1))
    assert len(payloads(type="message.received")) == 29


def test_500_messages_cost_as_many_statements_as_50(
    receive: Callable[[list[Any]], int], business: BusinessProfile
) -> None:
    factories.WebhookFactory(business_profile=business)
    factories.WebhookFactory(business_profile=business)
    receive(letters(50))
    counts = []
    for size in (50, 500):
        with CaptureQueriesContext(database) as captured:
            receive(letters(size))
        counts.append(len([1 for query in captured if "event" in query["sql"] or "webhook" in query["sql"]]))
    assert counts[0] <= 6
    assert counts[1] <= (counts[0] if is_postgres() else 500 // 20)
    assert WebhookDelivery.objects.filter(event_type="message.received").count() == 1200


def test_the_life_of_a_message_of_ours_is_told(
    receive: Callable[[list[Any]], int], business: BusinessProfile, conversation: Conversation
) -> None:
    factories.WebhookFactory(business_profile=business)
    message = queue.enqueue(business, conversation, text="On its way")
    message.whatsapp_message_id = "OUT1"
    message.save()
    for level in (AckLevel.SENT, AckLevel.DELIVERED, AckLevel.READ):
        receive([Ack("OUT1", level, now())])
    told = payloads(key=conversation.pk)
    assert [one["type"] for one in told] == ["message.sent", "message.delivered", "message.read"]
    assert [one["data"]["status"] for one in told] == ["sent", "delivered", "read"]
    assert told[2]["data"]["readAt"]


def test_what_is_typed_on_the_phone_is_told_as_sent(
    receive: Callable[[list[Any]], int], business: BusinessProfile
) -> None:
    factories.WebhookFactory(business_profile=business)
    typed = InboundMessage(
        wa_id="PHONE1",
        chat=Chat(phone="+999400000001"),
        kind=MessageKind.TEXT,
        at=now(),
        body="Hi",
        from_me=True,
    )
    receive([typed])
    (told,) = payloads(type="message.sent")
    assert (told["data"]["origin"], told["data"]["direction"]) == ("phone", "outbound")


def test_a_cancelled_message_is_told(
    business: BusinessProfile, conversation: Conversation, owner: User
) -> None:
    factories.WebhookFactory(business_profile=business, events=["message.cancelled"])
    message = queue.enqueue(business, conversation, text="Wait")
    queue.cancel(business, message, owner)
    assert [one["type"] for one in payloads()] == ["message.cancelled"]


def test_a_renamed_contact_is_told(business: BusinessProfile, owner: User) -> None:
    factories.WebhookFactory(business_profile=business)
    contact = factories.ContactFactory(business_profile=business)
    contacts.rename(business, contact, owner, "Carla")
    (told,) = payloads()
    assert (told["type"], told["data"]["name"], told["data"]["id"]) == (
        "contact.updated",
        "Carla",
        str(contact.pk),
    )


def test_a_number_tells_each_new_state_and_never_its_code(business: BusinessProfile) -> None:
    factories.WebhookFactory(business_profile=business)
    number = numbers.create(business, None, "sandbox")
    numbers.connect(number, None)
    lease = leases.acquire(number.pk, "test")
    assert lease is not None
    for code in ("2@canary-one", "2@canary-two", "2@canary-three"):
        sessions.report_state(lease, State(phase=Phase.QR, qr=code, qr_expires_in=20))
    sessions.report_state(lease, State(phase=Phase.READY))
    told = payloads(type="connection.status")
    assert [one["data"]["status"] for one in told] == ["starting", "qr_pending", "connected"]
    assert "canary" not in "".join(PublicEvent.objects.values_list("payload", flat=True))


def test_a_change_that_is_rolled_back_tells_nothing(business: BusinessProfile) -> None:
    factories.WebhookFactory(business_profile=business)
    with transaction.atomic():
        recording.audience(business.pk).record([public_events.PublicEvent("contact.updated", {}, uuid7())])
        transaction.set_rollback(True)
    assert not PublicEvent.objects.exists()
    assert not WebhookDelivery.objects.exists()


@pytest.mark.parametrize(("days", "written"), [(1, True), (29, True), (31, False)])
def test_the_feed_is_written_while_somebody_reads_it(
    business: BusinessProfile, days: int, written: bool
) -> None:
    EventFeed.objects.create(business_profile=business, read_at=timezone.now() - timedelta(days=days))
    with transaction.atomic():
        recording.audience(business.pk).record([public_events.PublicEvent("contact.updated", {}, uuid7())])
    assert PublicEvent.objects.exists() is written


def test_every_type_has_an_example_that_is_json_and_a_sentence() -> None:
    types = public_events.catalogue()
    assert {"message.received", "contact.created", "connection.status"} <= {one.name for one in types}
    for one in types:
        assert one.when.endswith(".")
        assert recording.example(one)["type"] == one.name

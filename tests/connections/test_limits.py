"""WhatsApp lets a number start no new chats: they wait, replies go out, the number says so, nothing is lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from connections import leases, presenters
from connections.drivers.base import Limited
from connections.models import SandboxMessage, SandboxPhone, WhatsAppConnection
from connections.services import sandbox, sessions
from messaging.models import Conversation, Message
from messaging.outbox import new_chat_limit, queue
from tests import factories
from tests.connections.driver_contract import until
from tests.connections.live import has_status, running

pytestmark = [
    pytest.mark.services,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("media_root"),
]

Reason = WhatsAppConnection.Reason
Status = WhatsAppConnection.Status


@pytest.fixture
def limited(connection: WhatsAppConnection) -> WhatsAppConnection:
    """A number that may write to nobody new."""
    WhatsAppConnection.objects.filter(pk=connection.pk).update(session_data="linked", status=Status.STARTING)
    SandboxPhone.objects.filter(connection=connection).update(faults={"limit_new_chats": True})
    connection.refresh_from_db()
    return connection


def talk_with(number: WhatsAppConnection, *, wrote: bool) -> Conversation:
    """A conversation with somebody who has written first, or has not."""
    person = factories.SandboxCustomerFactory(phone=number.sandbox_phone)
    business = number.business_profile
    contact = factories.ContactFactory(business_profile=business, phone_number=person.number)
    talk = factories.ConversationFactory(business_profile=business, contact=contact, connection=number)
    if wrote:
        factories.MessageFactory(conversation=talk, direction="inbound", status="received", content="Hello")
        SandboxMessage.objects.create(
            phone=person.phone, customer=person, wa_id=f"IN{person.pk.hex}", from_me=False, body="Hello"
        )
    return talk


def send(talk: Conversation, text: str = "Hello") -> Message:
    return queue.enqueue(talk.business_profile, talk, text=text)


def settled(message: Message) -> bool:
    message.refresh_from_db()
    return message.status in ("sent", "delivered", "read") or message.error_code == new_chat_limit.CODE


def test_new_chats_wait_and_replies_go_out(limited: WhatsAppConnection) -> None:
    stranger, other, friend = (talk_with(limited, wrote=wrote) for wrote in (False, False, True))
    first, second, reply = send(stranger), send(other), send(friend)
    with running(limited):
        for message in (first, second, reply):
            until(lambda message=message: settled(message), "what becomes of it")
        until(has_status(limited, Status.DEGRADED), "the note")
        card = presenters.cards(limited.business_profile, [limited])[0]
        assert (limited.status_reason, card.explanation.title) == (Reason.LIMITED, "Limited by WhatsApp")
        assert "Replies still go out" in card.explanation.text
        assert card.explanation.next_step
        assert card.limited_until == limited.limited_until
        late = send(talk_with(limited, wrote=False))
        until(lambda: settled(late), "what becomes of one queued later")
    for message in (first, second, late):
        assert (message.status, message.attempts, message.whatsapp_message_id) == ("queued", 0, None)
        assert message.not_before > timezone.now() + timedelta(hours=23)
    assert reply.status != "queued"


def test_a_stranger_who_writes_is_none_any_more(limited: WhatsAppConnection) -> None:
    talk = talk_with(limited, wrote=False)
    message = send(talk)
    with running(limited):
        until(lambda: settled(message), "the limit")
        assert message.status == "queued"
        person = limited.sandbox_phone.customers.get(number=talk.contact.phone_number)
        sandbox.write_as(person, None, text="Who is this?")
        until(lambda: settled(message) and message.status != "queued", "the message")
    assert person.messages.filter(from_me=True).get().attempts == 1


def test_a_limit_that_is_over_is_over(limited: WhatsAppConnection) -> None:
    message = send(talk_with(limited, wrote=False))
    with running(limited):
        until(lambda: settled(message), "the limit")
        SandboxPhone.objects.filter(connection=limited).update(faults={})
        WhatsAppConnection.objects.filter(pk=limited.pk).update(limited_until=timezone.now())
        Message.objects.filter(pk=message.pk).update(not_before=timezone.now())
        until(lambda: settled(message) and message.status != "queued", "the message")
        until(has_status(limited, Status.CONNECTED), "the number without a limit")


def test_what_whatsapp_says_of_the_end_counts_and_never_shortens_it(limited: WhatsAppConnection) -> None:
    lease = leases.acquire(limited.pk, "one")
    assert lease is not None
    far = timezone.now() + timedelta(days=7)
    assert sessions.limit_new_chats(lease, far) == far
    assert sessions.limit_new_chats(lease, None) == far
    assert Limited(far).until == far


def test_nobody_else_is_held_back(limited: WhatsAppConnection) -> None:
    until_then = timezone.now() + timedelta(hours=1)
    limited.limited_until = until_then
    friend = send(talk_with(limited, wrote=True))
    stranger = send(talk_with(limited, wrote=False))
    assert not new_chat_limit.applies_to(limited, friend)
    assert new_chat_limit.applies_to(limited, stranger)
    limited.limited_until = timezone.now() - timedelta(seconds=1)
    assert not new_chat_limit.applies_to(limited, stranger)

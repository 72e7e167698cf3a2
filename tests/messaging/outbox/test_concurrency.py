"""Real threads against a real PostgreSQL: two at once never do what one may do once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections as databases

from connections.drivers.base import AckLevel, Chat
from contacts.models import Contact, ContactIdentity
from messaging.inbound import receiver
from messaging.models import Conversation, Message
from messaging.outbox import dispatch
from messaging.outbox import queue as outbox
from messaging.outbox.types import Delivered
from messaging.services import conversations
from tests import factories
from tests.messaging.helpers import ack, begin, begin_one, hello, lease_of, queue

pytestmark = [pytest.mark.services, pytest.mark.django_db(transaction=True)]


def at_once(*jobs: Callable[[], Any]) -> list[Any]:
    """Run the jobs in threads that start together; their results, or the exception that one raised."""
    results: list[Any] = [None] * len(jobs)
    gate = threading.Barrier(len(jobs))

    def run(place: int, job: Callable[[], Any]) -> None:
        try:
            gate.wait(10)
            results[place] = job()
        except Exception as error:
            results[place] = error
        finally:
            databases.close_all()

    threads = [threading.Thread(target=run, args=(place, job)) for place, job in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    errors = [result for result in results if isinstance(result, Exception)]
    assert not errors, errors
    return results


def test_two_claimers_share_nothing(connection, conversation, business):
    for n in range(5):
        person = factories.ContactFactory(business_profile=business, phone_number=f"+99950000{n:05}")
        place = factories.ConversationFactory(
            business_profile=business, contact=person, connection=connection
        )
        for text in "abcd":
            queue(place, text)
    lease = lease_of(connection)

    def claim_all():
        taken = []
        while claimed := dispatch.claim(lease, 3):
            taken += [one.message_id for one in claimed]
        return taken

    one, other = at_once(claim_all, claim_all)

    assert len(one) + len(other) == len({*one, *other}) == 20


def test_two_tries_to_begin_one_message_begin_it_once(connection, conversation):
    queue(conversation)
    lease = lease_of(connection)
    (claimed,) = dispatch.claim(lease, 1)

    begun = at_once(*(lambda n=n: begin_one(lease, claimed, f"OUT{n}") for n in range(4)))

    assert len([one for one in begun if one is not None]) == 1


def test_one_token_sent_many_times_at_once_is_one_message(business, conversation):
    made = at_once(*[lambda: outbox.enqueue(business, conversation, text="Hi", client_token="t1")] * 6)

    assert len({message.pk for message in made}) == Message.objects.count() == 1
    assert Contact.objects.get().total_messages == 1


def test_cancel_and_begin_at_once_have_one_winner(business, conversation, connection, owner):
    lease = lease_of(connection)
    for n in range(5):
        message = queue(conversation, str(n))
        (claimed,) = dispatch.claim(lease, 1)

        def cancel(message=message):
            try:
                return outbox.cancel(business, message, owner)
            except outbox.Conflict:
                return None

        begun, cancelled = at_once(lambda one=claimed, n=n: begin_one(lease, one, f"OUT{n}"), cancel)

        assert (begun is None) == (cancelled is not None)
        Message.objects.filter(status="sending").update(status="sent")


def test_receipts_and_results_at_once_end_at_the_highest(conversation, connection):
    from core.clock import now

    message = queue(conversation)
    lease = lease_of(connection)
    wa_id = begin(lease)

    at_once(
        lambda: dispatch.settle(lease, [(message.pk, Delivered(now(), AckLevel.SENT))]),
        lambda: receiver.receive(lease, [ack(wa_id, AckLevel.READ)]),
        lambda: receiver.receive(lease, [ack(wa_id, AckLevel.DELIVERED)]),
    )

    message.refresh_from_db()
    assert message.status == "read"


def test_one_new_person_writing_to_two_numbers_at_once_is_one_contact(business, connection):
    second = factories.ConnectionFactory(business_profile=business, phone_number="+9991000000044")
    leases = [lease_of(connection), lease_of(second)]
    for n in range(5):
        chats = [Chat(phone=f"+99960000{m:05}", lid=f"77{m:05}") for m in range(n * 10, n * 10 + 10)]
        at_once(
            lambda n=n, chats=chats: receiver.receive(
                leases[0], [hello(f"A{n}-{m}", chat) for m, chat in enumerate(chats)]
            ),
            lambda n=n, chats=chats: receiver.receive(
                leases[1], [hello(f"B{n}-{m}", chat) for m, chat in enumerate(reversed(chats))]
            ),
        )

    assert Contact.objects.count() == 50
    assert ContactIdentity.objects.count() == 100
    assert Conversation.objects.count() == Message.objects.count() == 100
    assert {row.total_messages for row in Contact.objects.all()} == {2}


def test_a_page_and_a_message_start_one_conversation(business, connection):
    lease = lease_of(connection)
    started, _ = at_once(
        lambda: conversations.start(business, connection, "+9992000000061"),
        lambda: receiver.receive(lease, [hello(chat=Chat(phone="+9992000000061"))]),
    )

    assert Conversation.objects.get() == started


def test_replies_and_messages_at_once_lose_no_count(business, conversation, connection):
    lease = lease_of(connection)

    at_once(
        *(lambda n=n: outbox.enqueue(business, conversation, text=str(n)) for n in range(5)),
        *(lambda n=n: receiver.receive(lease, [hello(f"IN{n}")]) for n in range(5)),
    )

    conversation.refresh_from_db()
    assert (conversation.contact.total_messages, conversation.unread_count) == (10, 5)
    newest = conversation.messages.order_by("-created_at", "-id").first()
    assert conversation.last_message_id == newest.pk

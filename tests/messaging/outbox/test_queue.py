"""Queueing, sending again and taking back."""

from __future__ import annotations

import pytest

from accounts.models import AuditEntry
from core.errors import Conflict, InvalidInput, NotFound
from core.realtime import wakeup
from messaging.inbox import chat, selectors
from messaging.inbox.read_models import ChatMessage
from messaging.models import MediaFile, Message
from messaging.outbox import dispatch
from messaging.outbox import queue as outbox
from messaging.outbox.types import Refused
from tests import factories
from tests.messaging.helpers import ago, begin, lease_of, queue

pytestmark = pytest.mark.services


def test_a_queued_message_shows_in_the_list(business, conversation, owner):
    message = outbox.enqueue(business, conversation, sender=owner, text="Hello *there*\n")

    row = selectors.inbox_page(business, owner, tab="open").rows[0]
    assert (row.last_message_id, row.preview, row.preview_status) == (message.pk, "Hello *there*", "queued")
    conversation.contact.refresh_from_db()
    assert conversation.contact.total_messages == 1
    assert chat.messages_page(business, conversation).messages == [ChatMessage.of(message)]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty_message"),
        (" \n\x00", "empty_message"),
        ("x" * 65_537, "message_too_long"),
        ("\ud800", "invalid_text"),
    ],
)
def test_a_text_that_cannot_be_sent_is_refused_and_nothing_changes(business, conversation, text, code):
    with pytest.raises(InvalidInput) as refusal:
        outbox.enqueue(business, conversation, text=text)

    assert refusal.value.code == code
    assert not Message.objects.exists()


def test_the_longest_text_is_accepted(business, conversation):
    assert outbox.enqueue(business, conversation, text="x" * 65_536).status == "queued"


def test_what_belongs_to_another_business_is_not_found(business, other_business, conversation):
    foreign_media = MediaFile.objects.create(business_profile=other_business, kind="image", mime="image/png")
    foreign_message = factories.MessageFactory(
        conversation=factories.ConversationFactory(business_profile=other_business)
    )

    for owner_of_all, extra in (
        (other_business, {}),
        (business, {"media": foreign_media}),
        (business, {"reply_to": foreign_message}),
    ):
        with pytest.raises(NotFound):
            outbox.enqueue(owner_of_all, conversation, text="Hi", **extra)


def test_a_file_that_is_not_there_yet_cannot_be_sent(business, conversation):
    waiting = MediaFile.objects.create(
        business_profile=business, kind="image", mime="image/png", state="wanted"
    )

    with pytest.raises(InvalidInput, match="not available"):
        outbox.enqueue(business, conversation, media=waiting)


def test_one_token_is_one_message(business, conversation):
    first = outbox.enqueue(business, conversation, text="Hi", client_token="t1")
    again = outbox.enqueue(business, conversation, text="Hi", client_token="t1")

    assert (first.pk, Message.objects.count()) == (again.pk, 1)


def test_a_token_of_another_conversation_is_refused(business, conversation, connection):
    queue(conversation, client_token="t1")
    elsewhere = factories.ConversationFactory(
        business_profile=business,
        connection=connection,
        contact=factories.ContactFactory(business_profile=business, phone_number="+9992000000098"),
    )

    with pytest.raises(Conflict):
        outbox.enqueue(business, elsewhere, text="Hi", client_token="t1")


def test_tokens_of_two_businesses_do_not_meet(business, other_business, conversation):
    queue(conversation, client_token="t1")
    other = factories.ConversationFactory(business_profile=other_business)

    assert (
        outbox.enqueue(other_business, other, text="Hi", client_token="t1").business_profile == other_business
    )


def test_a_token_has_at_most_64_characters(business, conversation):
    for token in ("", "x" * 65):
        with pytest.raises(InvalidInput):
            outbox.enqueue(business, conversation, text="Hi", client_token=token)


def test_queueing_wakes_the_numbers_runner(business, conversation, django_capture_on_commit_callbacks):
    with wakeup.listen(wakeup.connection_topic(conversation.connection_id)) as listener:
        with django_capture_on_commit_callbacks(execute=True):
            outbox.enqueue(business, conversation, text="Hi")
        assert listener.wait(2)


def test_a_waiting_message_can_be_taken_back_once(business, conversation, owner):
    message = outbox.cancel(business, queue(conversation), owner)

    assert message.status == "cancelled"
    assert AuditEntry.objects.get().action == "message.cancelled"
    with pytest.raises(Conflict):
        outbox.cancel(business, message, owner)


def test_a_message_that_went_cannot_be_taken_back(business, conversation, owner, connection):
    message = queue(conversation)
    begin(lease_of(connection))

    with pytest.raises(Conflict):
        outbox.cancel(business, message, owner)


@pytest.mark.parametrize("status", ["queued", "sending", "sent", "cancelled", "expired", "read"])
def test_only_what_was_not_sent_can_be_sent_again(business, conversation, owner, status):
    message = queue(conversation)
    Message.objects.update(status=status)

    with pytest.raises(Conflict):
        outbox.retry(business, message, owner)
    message.refresh_from_db()
    assert message.status == status


def test_sending_again_keeps_the_whatsapp_id(business, conversation, owner):
    message = queue(conversation, priority=Message.Priority.CAMPAIGN)
    Message.objects.update(status="failed", whatsapp_message_id="OUT1", attempts=5, error_code="offline")

    again = outbox.retry(business, message, owner)

    assert (again.status, again.whatsapp_message_id, again.attempts, again.error_code) == (
        "queued",
        "OUT1",
        0,
        "",
    )


def test_another_businesss_message_is_neither_sent_again_nor_taken_back(
    other_business, stranger, conversation
):
    message = queue(conversation)
    for act in (outbox.retry, outbox.cancel):
        with pytest.raises(NotFound):
            act(other_business, message, stranger)


def test_what_has_expired_once_leaves_when_a_person_sends_it_again(business, conversation, owner, connection):
    lease, message = lease_of(connection), queue(conversation, expires_at=ago(hours=-1))
    begin(lease)
    dispatch.settle(lease, [(message.pk, Refused("refused"))])
    Message.objects.update(expires_at=ago(hours=1))

    outbox.retry(business, message, owner)

    assert [one.message_id for one in dispatch.claim(lease, 10)] == [message.pk]

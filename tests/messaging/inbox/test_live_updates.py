"""What the open pages are told of a change, and at what cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext

from accounts.events import MembershipChanged
from accounts.models import BusinessProfile, User
from contacts.services import contacts
from core.events import publish
from core.realtime import hub
from messaging.events import (
    ConversationChanged,
    CustomerTyping,
    MessageAdded,
    MessageReceived,
    MessageStatusChanged,
)
from messaging.inbox import live_updates
from messaging.models import Conversation, Message
from messaging.outbox import queue
from messaging.services import conversation_summary, conversations
from tests import factories

pytestmark = pytest.mark.services

Frame = dict[str, Any]
PAYLOAD = '"><script>alert(1)</script>'


class Pushed:
    """Every push, as a browser would get it: through JSON."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[Frame]]] = []

    def __call__(self, group: str, *frames: Frame) -> None:
        self.calls.append((group, orjson.loads(orjson.dumps(frames))))

    @property
    def frames(self) -> list[Frame]:
        return [frame for _, frames in self.calls for frame in frames]

    def only(self, kind: str) -> list[Frame]:
        return [frame for frame in self.frames if frame["type"] == kind]


@pytest.fixture
def pushed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pushed]:
    recorder = Pushed()
    monkeypatch.setattr(hub, "push", recorder)
    return recorder  # type: ignore[return-value]


def received(message: Message, **fields: Any) -> MessageReceived:
    return MessageReceived(
        business_id=message.business_profile_id,
        message_id=message.pk,
        conversation_id=message.conversation_id,
        contact_id=message.contact_id,
        connection_id=message.connection_id,
        **fields,
    )


def arrive(conversation: Conversation, text: str = "Hello") -> Message:
    message = factories.MessageFactory(conversation=conversation, content=text)
    conversation_summary.update(message)
    return message


def test_a_received_message_brings_its_bubble_and_its_row(pushed: Pushed, conversation: Conversation) -> None:
    message = arrive(conversation, "Do you deliver?")
    Conversation.objects.filter(pk=conversation.pk).update(unread_count=1)
    live_updates.push_received([received(message)])
    ((group, (frame,)),) = pushed.calls
    assert group == hub.business_group(conversation.business_profile_id)
    assert frame["type"] == "message"
    assert frame["conversation"] == str(conversation.pk)
    assert (frame["fresh"], frame["unread_total"], frame["direction"]) == (True, 1, "inbound")
    assert f'id="message-{message.pk}"' in frame["html"]
    assert f'id="row-{conversation.pk}"' in frame["row"]
    assert "Do you deliver?" in frame["row"]
    assert "Carla Customer" in frame["row"]


def test_a_healed_message_is_told_but_not_as_new(pushed: Pushed, conversation: Conversation) -> None:
    live_updates.push_received([received(arrive(conversation), backfilled=True)])
    assert pushed.frames[0]["fresh"] is False


def test_a_fragment_is_escaped(pushed: Pushed, business: BusinessProfile) -> None:
    contact = factories.ContactFactory(business_profile=business, name=PAYLOAD)
    talk = factories.ConversationFactory(business_profile=business, contact=contact)
    live_updates.push_received([received(arrive(talk, PAYLOAD))])
    (frame,) = pushed.frames
    assert "<script" not in frame["html"] + frame["row"]


def test_fragments_hold_no_secret_of_a_session(pushed: Pushed, conversation: Conversation) -> None:
    failed = factories.MessageFactory(conversation=conversation, outbound=True, status="failed")
    live_updates.push_messages([received(failed)])
    assert "csrfmiddlewaretoken" not in pushed.frames[0]["html"]


@pytest.fixture
def many(conversation: Conversation) -> list[Message]:
    """500 messages in five conversations."""
    talks = [
        conversation,
        *factories.ConversationFactory.create_batch(
            4, business_profile=conversation.business_profile, connection=conversation.connection
        ),
    ]
    messages = [
        factories.MessageFactory.build(
            conversation=talks[index % 5],
            business_profile=conversation.business_profile,
            contact=talks[index % 5].contact,
            connection=conversation.connection,
        )
        for index in range(500)
    ]
    return Message.objects.bulk_create(messages)


def test_20_messages_cost_as_many_queries_as_one(pushed: Pushed, many: list[Message]) -> None:
    def cost(batch: list[Message]) -> int:
        with CaptureQueriesContext(database) as queries:
            live_updates.push_received([received(message) for message in batch])
        return len(queries)

    one = cost(many[:1])
    pushed.calls.clear()
    assert cost(many[: live_updates.RENDERED]) == one <= 4
    assert [frame["type"] for frame in pushed.frames] == ["message"] * live_updates.RENDERED


@pytest.mark.parametrize("tell", ["push_received", "push_messages", "push_statuses"])
def test_a_large_batch_names_the_conversations_to_fetch_again(
    pushed: Pushed, many: list[Message], tell: str
) -> None:
    Conversation.objects.filter(pk=many[0].conversation_id).update(unread_count=100)
    with CaptureQueriesContext(database) as queries:
        getattr(live_updates, tell)([received(message) for message in many])
    (frame,) = pushed.frames
    assert frame["type"] == "refresh"
    assert frame["conversations"] == sorted({str(message.conversation_id) for message in many})
    assert frame["unread_total"] == 1
    assert len(queries) == 1


def test_a_large_batch_stays_in_its_business(
    pushed: Pushed, many: list[Message], other_business: BusinessProfile
) -> None:
    foreign = factories.ConversationFactory(business_profile=other_business)
    live_updates.push_received([received(message) for message in [*many, arrive(foreign)]])
    told = dict(pushed.calls)
    assert told[hub.business_group(many[0].business_profile_id)][0]["type"] == "refresh"
    assert told[hub.business_group(other_business.pk)][0]["type"] == "message"


def test_businesses_hear_only_of_their_own(
    pushed: Pushed, conversation: Conversation, other_business: BusinessProfile
) -> None:
    foreign = factories.ConversationFactory(business_profile=other_business)
    live_updates.push_received([received(arrive(conversation, "ours")), received(arrive(foreign, "theirs"))])
    told = dict(pushed.calls)
    ours = told[hub.business_group(conversation.business_profile_id)]
    theirs = told[hub.business_group(other_business.pk)]
    assert len(ours) == len(theirs) == 1
    assert "theirs" not in ours[0]["html"]
    assert "ours" not in theirs[0]["html"]


def test_an_event_that_names_another_business_tells_nothing(
    pushed: Pushed, conversation: Conversation, other_business: BusinessProfile
) -> None:
    live_updates.push_conversations(
        [ConversationChanged(business_id=other_business.pk, conversation_id=conversation.pk)]
    )
    assert not pushed.frames


def test_new_ticks_come_with_reason_and_action(pushed: Pushed, conversation: Conversation) -> None:
    message = factories.MessageFactory(
        conversation=conversation, outbound=True, status="failed", error_code="not_on_whatsapp"
    )
    live_updates.push_statuses(
        [
            MessageStatusChanged(
                business_id=conversation.business_profile_id,
                message_id=message.pk,
                conversation_id=conversation.pk,
                connection_id=conversation.connection_id,
                status="sending",
            )
        ]
    )
    (frame,) = pushed.frames
    assert frame["status"] == "failed"  # as it is now, not as it was when the event was made
    assert "ticks-failed" in frame["html"]
    assert "not on WhatsApp" in frame["note"]
    assert "Retry" in frame["note"]


def test_typing_is_told_once_a_conversation(pushed: Pushed, conversation: Conversation) -> None:
    about = {"business_id": conversation.business_profile_id, "conversation_id": conversation.pk}
    live_updates.push_typing([CustomerTyping(**about, active=True), CustomerTyping(**about, active=False)])
    assert pushed.frames == [{"type": "typing", "conversation": str(conversation.pk), "active": False}]


def test_who_leaves_is_shut_out_and_a_new_role_is_not(
    pushed: Pushed, business: BusinessProfile, teammate: User, viewer: User
) -> None:
    live_updates.close_sockets(
        [
            MembershipChanged(business_id=business.pk, user_id=teammate.pk, role=None),
            MembershipChanged(business_id=business.pk, user_id=viewer.pk, role="agent"),
        ]
    )
    assert pushed.calls == [(hub.business_group(business.pk), [{"type": "close", "user": str(teammate.pk)}])]


# -- through the services, as it happens -----------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_what_people_do_reaches_the_pages(pushed: Pushed, conversation: Conversation, owner: User) -> None:
    business = conversation.business_profile
    message = queue.enqueue(business, conversation, sender=owner, text="Good morning")
    (added,) = pushed.only("message")
    assert (added["message"], added["direction"]) == (str(message.pk), "outbound")
    queue.cancel(business, message, owner)
    assert pushed.only("status")[0]["status"] == "cancelled"
    conversations.assign(business, conversation, owner, owner)
    conversations.close(business, conversation, owner)
    assigned, closed = pushed.only("conversation")
    assert assigned["assigned"] == str(owner.pk)
    assert closed["state"] == "closed"


@pytest.mark.django_db(transaction=True)
def test_a_new_name_reaches_the_rows(pushed: Pushed, conversation: Conversation, owner: User) -> None:
    contacts.rename(conversation.business_profile, conversation.contact, owner, "Carla R.")
    (frame,) = pushed.only("conversation")
    assert frame["name"] == "Carla R."
    assert "Carla R." in frame["row"]


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_is_never_told(pushed: Pushed, conversation: Conversation) -> None:
    message = factories.MessageFactory(conversation=conversation, outbound=True)
    with transaction.atomic():
        publish(
            MessageAdded(
                business_id=message.business_profile_id,
                message_id=message.pk,
                conversation_id=message.conversation_id,
                contact_id=message.contact_id,
                connection_id=message.connection_id,
                origin="inbox",
            )
        )
        transaction.set_rollback(True)
    assert not pushed.calls

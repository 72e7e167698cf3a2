"""What WhatsApp tells us becomes rows, once each."""

from __future__ import annotations

import random
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from connections import leases
from connections.drivers.base import AckLevel, Chat, Identified, MediaRef, MessageKind, Skipped, Typing
from connections.leases import LeaseLost
from connections.models import WhatsAppConnection
from contacts.models import Contact
from core import events
from core.clock import now
from messaging import events as messaging_events
from messaging.inbound import media_jobs, receiver
from messaging.models import Conversation, MediaFile, Message, ParkedAck
from tests.messaging.helpers import CARLA, ack, ago, begin, hello, lease_of, queue

pytestmark = pytest.mark.services

LID = Chat(lid="111222333")


@pytest.fixture
def lease(connection):
    return lease_of(connection)


@pytest.fixture
def heard(monkeypatch):
    """Every messaging event published from here on, in order."""
    told = []
    for name in (
        "MessageReceived",
        "MessageAdded",
        "MessageUpdated",
        "MessageStatusChanged",
        "CustomerTyping",
    ):
        event_type = getattr(messaging_events, name)
        monkeypatch.setitem(events._inside, event_type, [*events._inside[event_type], told.extend])
    return told


def test_a_message_makes_contact_conversation_and_row(lease, connection, heard):
    assert receiver.receive(lease, [hello(push_name="Carla  C")]) == 1

    message = Message.objects.get()
    assert (message.direction, message.status, message.origin) == ("inbound", "received", "customer")
    contact = message.contact
    assert (contact.phone_number, contact.push_name, contact.total_messages) == (
        "+9992000000001",
        "Carla C",
        1,
    )
    conversation = message.conversation
    assert (conversation.unread_count, conversation.preview) == (1, "Hello")
    assert conversation.last_message_id == message.pk
    assert conversation.last_message_at == message.created_at
    assert [event.message_id for event in heard] == [message.pk]


def test_a_thousand_events_twice_and_shuffled_make_a_thousand_rows(lease):
    started = ago(days=1)
    told = [
        hello(f"IN{n}", Chat(phone=f"+99930000{n % 50:05}"), f"Text {n}", at=started + timedelta(seconds=n))
        for n in range(1000)
    ] * 2
    random.Random(7).shuffle(told)

    stored = sum(receiver.receive(lease, told[start : start + 500]) for start in range(0, 2000, 500))

    assert stored == Message.objects.count() == 1000
    assert Contact.objects.count() == Conversation.objects.count() == 50
    assert {row.total_messages for row in Contact.objects.all()} == {20}
    for conversation in Conversation.objects.all():
        newest = conversation.messages.order_by("-created_at").first()
        assert (conversation.last_message_id, conversation.preview) == (newest.pk, newest.content)
        assert conversation.unread_count == 20


def _statements(queries):
    """Table and verb of each statement; the chunks in which SQLite inserts count as one."""
    shapes = []
    for query in queries:
        sql = query["sql"]
        shape = re.sub(r"\s+", " ", sql)[:60].split("VALUES")[0] if sql.lstrip().startswith("INSERT") else sql
        if not (sql.lstrip().startswith("INSERT") and shapes and shapes[-1] == shape):
            shapes.append(shape)
    return shapes


@pytest.mark.parametrize("known", [False, True])
def test_five_hundred_messages_cost_a_few_statements(lease, known):
    chats = [Chat(phone=f"+99930000{n:05}") for n in range(100)]
    if known:
        receiver.receive(lease, [hello(f"K{n}", chat) for n, chat in enumerate(chats)])
    told = [hello(f"IN{n}", chats[n % 100], push_name=f"Name {n % 100}") for n in range(500)]

    with CaptureQueriesContext(database) as captured:
        receiver.receive(lease, told)

    statements = _statements(captured.captured_queries)
    assert len(statements) <= 25, "\n".join(one[:150] for one in statements)
    assert Message.objects.filter(whatsapp_message_id__startswith="IN").count() == 500


def test_encrypted_first_then_text_three_times_is_one_row_and_one_event(lease, heard):
    receiver.receive(lease, [hello(body=None)])
    assert Message.objects.get().body_pending
    assert Conversation.objects.get().preview == "Waiting for this message…"
    assert heard == []

    for _ in range(3):
        receiver.receive(lease, [hello(body="At last")])

    message = Message.objects.get()
    assert (message.content, message.body_pending) == ("At last", False)
    assert Conversation.objects.get().preview == "At last"
    assert Conversation.objects.get().unread_count == 1
    assert [type(event).__name__ for event in heard] == ["MessageReceived"]


def test_both_tellings_in_one_batch_are_one_full_message(lease):
    receiver.receive(lease, [hello(body=None), hello(body="Text"), hello(body=None)])

    assert Message.objects.get().content == "Text"


def test_of_two_tellings_in_one_batch_the_earlier_time_counts(lease):
    early = ago(hours=3)
    receiver.receive(
        lease, [hello(body=None, at=early, backfilled=True), hello(at=ago(hours=2), backfilled=True)]
    )

    assert Message.objects.get().created_at == early


def test_what_a_driver_tells_besides_is_kept_in_a_form_that_every_database_takes(lease):
    extra = {
        "a\x00": "b\x00",
        "forwarded": 3,
        "long": True,
        "place": [1.5, float("nan")],
        "inner": {"x": None},
    }
    receiver.receive(lease, [hello(extra=extra)])

    kept = {"a": "b", "forwarded": 3, "long": True, "place": [1.5, None], "inner": {"x": None}}
    assert Message.objects.get().metadata == kept


def test_a_new_message_does_not_make_the_number_look_through_its_chats_anew(lease, connection):
    WhatsAppConnection.objects.update(inbound_cursor={"caught_up_at": ago(hours=1).isoformat()})
    receiver.receive(lease, [hello()])

    connection.refresh_from_db()
    assert "caught_up_at" in connection.inbound_cursor
    assert receiver.newest_message_at(leases.check(lease)) is not None


def test_what_was_typed_on_the_phone_appears_as_ours(lease, heard):
    receiver.receive(
        lease, [hello("IN1"), hello("PH1", from_me=True, body="From the phone", ack=AckLevel.DELIVERED)]
    )

    message = Message.objects.get(whatsapp_message_id="PH1")
    assert (message.direction, message.origin, message.status) == ("outbound", "phone", "delivered")
    assert message.delivered_at is not None
    assert message.contact.push_name == ""
    conversation = Conversation.objects.get()
    assert (conversation.unread_count, conversation.preview_direction) == (0, "outbound")
    assert [type(event).__name__ for event in heard] == [
        "MessageReceived",
        "MessageAdded",
        "MessageStatusChanged",
    ]


def test_the_echo_of_our_own_send_is_not_a_second_message(lease, conversation):
    queue(conversation, "Hi")
    wa_id = begin(lease)
    receiver.receive(lease, [hello(wa_id, from_me=True, body="Hi", ack=AckLevel.READ)])

    assert Message.objects.get().status == "read"


def test_receipts_before_their_message_are_kept_for_it(lease):
    receiver.receive(lease, [ack("PH1", AckLevel.READ), ack("PH1", AckLevel.DELIVERED)])
    receiver.receive(lease, [ack("PH1", AckLevel.SENT)])
    assert ParkedAck.objects.get().level == AckLevel.READ

    receiver.receive(lease, [hello("PH1", from_me=True)])

    assert Message.objects.get().status == "read"
    assert not ParkedAck.objects.exists()


def test_receipts_of_other_messages_go_on_waiting(lease):
    receiver.receive(lease, [ack("PH1", AckLevel.READ), ack("PH2", AckLevel.DELIVERED)])

    receiver.receive(lease, [hello("PH1", from_me=True)])
    receiver.receive(lease, [hello("PH2", from_me=True)])

    found = dict(Message.objects.values_list("whatsapp_message_id", "status"))
    assert found == {"PH1": "read", "PH2": "delivered"}


@pytest.mark.parametrize(
    ("level", "statuses"),
    [(AckLevel.FAILED, ["failed"]), (AckLevel.SENT, ["sent"]), (AckLevel.PENDING, [])],
)
def test_what_a_receipt_says_is_told_once_and_nothing_else(lease, conversation, heard, level, statuses):
    queue(conversation)
    wa_id = begin(lease)
    heard.clear()

    receiver.receive(lease, [ack(wa_id, level)])

    assert [event.status for event in heard] == statuses
    assert Message.objects.get().status == (statuses or ["sending"])[0]


def test_a_customers_message_takes_no_receipts(lease):
    receiver.receive(lease, [hello("IN1"), ack("IN1", AckLevel.READ)])
    receiver.receive(lease, [ack("IN1", AckLevel.PLAYED)])

    assert Message.objects.get().status == "received"


def test_live_messages_take_their_place_by_our_clock_and_late_ones_by_whatsapps(lease):
    late = ago(hours=3)
    receiver.receive(lease, [hello("LATE", at=late, backfilled=True), hello("LIVE", at=ago(seconds=20))])

    assert Message.objects.get(whatsapp_message_id="LATE").created_at == late
    assert (now() - Message.objects.get(whatsapp_message_id="LIVE").created_at).total_seconds() < 10
    assert Conversation.objects.get().last_message_id == Message.objects.get(whatsapp_message_id="LIVE").pk


def test_messages_of_one_batch_keep_whatsapps_order(lease, business):
    told = [hello(f"IN{n}", body=str(n), at=ago(seconds=10 - n)) for n in range(8)]
    random.Random(3).shuffle(told)
    receiver.receive(lease, told)

    in_order = Message.objects.order_by("created_at", "id").values_list("content", flat=True)
    assert list(in_order) == [str(n) for n in range(8)]


def test_what_came_late_is_marked_and_what_was_left_out_is_counted(lease, connection):
    receiver.receive(
        lease, [hello("OLD", at=ago(hours=1), backfilled=True), Skipped("group"), Skipped("status")]
    )

    connection.refresh_from_db()
    assert connection.skipped_count == 2
    assert Message.objects.get().backfilled
    assert abs((receiver.newest_message_at(leases.check(lease)) - ago(hours=1)).total_seconds()) < 5


def test_an_older_message_does_not_take_the_lists_preview(lease):
    receiver.receive(lease, [hello("NEW", body="new")])
    receiver.receive(lease, [hello("OLD", body="old", at=ago(days=2), backfilled=True)])

    conversation = Conversation.objects.get()
    assert (conversation.preview, conversation.unread_count) == ("new", 2)


def test_an_answer_from_the_phone_leaves_what_came_after_it_unread(lease):
    receiver.receive(lease, [hello("IN1", body="old", at=ago(hours=2), backfilled=True)])
    receiver.receive(lease, [hello("IN2", body="new")])
    assert Conversation.objects.get().unread_count == 2

    receiver.receive(lease, [hello("PH1", from_me=True, at=ago(hours=1), backfilled=True)])

    conversation = Conversation.objects.get()
    assert (conversation.unread_count, conversation.preview) == (2, "new")
    receiver.receive(lease, [hello("PH2", from_me=True)])
    assert Conversation.objects.get().unread_count == 0


def test_a_new_message_opens_a_closed_conversation(lease, conversation):
    Conversation.objects.update(state="closed")
    receiver.receive(lease, [hello(chat=CARLA)])

    conversation.refresh_from_db()
    assert conversation.state == "open"


def test_a_reaction_is_not_unread(lease):
    receiver.receive(lease, [hello(kind=MessageKind.REACTION, body="👍", quoted_wa_id="X")])

    assert Conversation.objects.get().unread_count == 0


def test_lid_then_phone_then_both_is_one_contact_with_one_conversation(lease, business):
    receiver.receive(lease, [hello("A", LID, "from the lid")])
    receiver.receive(lease, [hello("B", CARLA, "from the phone", push_name="Carla")])
    assert Contact.objects.count() == 2
    assert Contact.objects.get(push_name="").phone_number is None

    receiver.receive(lease, [Identified(phone="+9992000000001", lid="111222333"), hello("C", LID, "again")])

    contact = Contact.objects.get()
    assert (contact.phone_number, contact.push_name, contact.total_messages) == ("+9992000000001", "Carla", 3)
    conversation = Conversation.objects.get()
    assert conversation.messages.count() == conversation.unread_count == 3
    assert conversation.preview == "again"


def test_typing_is_told_and_not_stored(lease, conversation, heard):
    assert receiver.receive(lease, [Typing(CARLA), Typing(Chat(phone="+9995555555555"))]) == 0

    assert [(event.conversation_id, event.active) for event in heard] == [(conversation.pk, True)]
    assert Contact.objects.count() == 1


def test_media_waits_to_be_fetched(lease):
    ref = MediaRef(mime="image/jpeg", size=5, name="../../holiday\u202egpj.exe", token={"k": 1})
    receiver.receive(lease, [hello(kind=MessageKind.IMAGE, body="caption", media=ref)])

    message = Message.objects.select_related("media").get()
    assert (message.media.state, message.media.name) == (MediaFile.State.WANTED, "holiday gpj.exe")
    assert str(message.media.pk) in message.media_url
    (job,) = media_jobs.due(lease, 5)
    assert (job.message_id, job.ref.token) == (message.pk, {"k": 1})


def test_text_that_no_database_can_hold_is_cleaned(lease):
    receiver.receive(lease, [hello(body="a\x00b\ud800c", push_name="N\x00\ud800")])

    assert Message.objects.get().content == "ab?c"


def test_a_stale_lease_stores_nothing(lease):
    with pytest.raises(LeaseLost):
        receiver.receive(replace(lease, epoch=lease.epoch - 1), [hello()])
    leases.release(lease)
    with pytest.raises(LeaseLost):
        receiver.receive(lease, [hello()])

    assert not Message.objects.exists()

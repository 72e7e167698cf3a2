"""The runner's side of the outbox: what it is given, in which order, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from connections import leases
from connections.drivers.base import AckLevel, Chat
from connections.leases import LeaseLost
from connections.models import WhatsAppConnection
from core.clock import now
from messaging.inbound import media_jobs
from messaging.media import media_files
from messaging.models import Message
from messaging.outbox import dispatch, pacing_settings
from messaging.outbox import queue as outbox
from messaging.outbox.types import Delivered, InFlight, Refused, TryAgain
from messaging.services import read_receipts
from tests import factories
from tests.connections.driver_contract import PICTURE
from tests.messaging.helpers import ack, ago, begin, begin_one, lease_of, queue

pytestmark = pytest.mark.services("messaging.outbox.dispatch")


@pytest.fixture
def lease(connection):
    return lease_of(connection)


@pytest.fixture
def other_conversation(business, connection):
    person = factories.ContactFactory(business_profile=business, phone_number="+9992000000099")
    return factories.ConversationFactory(business_profile=business, contact=person, connection=connection)


def texts(lease, claimed):
    rows = {row.pk: row.content for row in Message.objects.all()}
    return [rows[one.message_id] for one in claimed]


def take_over(lease):
    """Another worker gets the number after this one's lease ran out."""
    WhatsAppConnection.objects.filter(pk=lease.connection_id).update(lease_expires_at=ago(seconds=1))
    fresh = leases.acquire(lease.connection_id, "another")
    assert fresh is not None
    return fresh


def test_people_go_before_campaigns_and_the_first_in_before_the_next(lease, conversation, other_conversation):
    pacing_settings.change(conversation.business_profile, conversation.connection, None, {"enabled": False})
    queue(conversation, "campaign 1", priority=20)
    queue(other_conversation, "campaign 2", priority=20)
    queue(conversation, "reply 1")
    queue(other_conversation, "api", priority=10)
    queue(conversation, "reply 2")

    claimed = dispatch.claim(lease, 10)

    assert texts(lease, claimed) == ["reply 1", "reply 2", "api", "campaign 1", "campaign 2"]
    assert claimed[0].chat == Chat(phone="+9992000000001")
    assert dispatch.claim(lease, 10) == []


def test_what_was_claimed_can_be_put_back(lease, conversation):
    queue(conversation)
    dispatch.release(lease, dispatch.claim(lease, 10))

    assert len(dispatch.claim(lease, 10)) == 1


def test_a_dead_runners_claims_are_free_again(lease, conversation):
    queue(conversation)
    dispatch.claim(lease, 10)

    assert len(dispatch.claim(take_over(lease), 10)) == 1


def test_taking_one_number_leaves_the_claims_of_the_others(lease, business, conversation):
    queue(conversation)
    (claimed,) = dispatch.claim(lease, 10)

    lease_of(factories.ConnectionFactory(business_profile=business, phone_number="+9991000000077"))

    assert dispatch.claim(lease, 10) == []
    assert begin_one(lease, claimed, "OUT1") is not None


def test_a_stale_lease_may_do_nothing(lease, conversation):
    message = queue(conversation)
    (claimed,) = dispatch.claim(lease, 10)
    take_over(lease)

    for attempt in (
        lambda: dispatch.claim(lease, 1),
        lambda: begin_one(lease, claimed, "OUT1"),
        lambda: dispatch.settle(lease, [(message.pk, Refused("x"))]),
        lambda: dispatch.release(lease, [claimed]),
        lambda: dispatch.in_flight(lease),
        lambda: dispatch.seconds_until_due(lease),
    ):
        with pytest.raises(LeaseLost):
            attempt()
    message.refresh_from_db()
    assert (message.status, message.whatsapp_message_id) == ("queued", None)


def test_one_that_must_wait_holds_back_the_later_ones_of_its_conversation(
    lease, conversation, other_conversation
):
    queue(conversation, "first", not_before=now() + timedelta(minutes=5))
    queue(conversation, "second")
    queue(other_conversation, "elsewhere")

    assert texts(lease, dispatch.claim(lease, 10)) == ["elsewhere"]


def test_a_waiting_campaign_does_not_hold_back_a_reply(lease, conversation):
    queue(conversation, "campaign", priority=20, not_before=now() + timedelta(minutes=5))
    queue(conversation, "reply")

    assert texts(lease, dispatch.claim(lease, 10)) == ["reply"]


def test_a_send_without_a_result_holds_back_its_conversation(lease, conversation, other_conversation):
    queue(conversation, "in flight")
    begin(lease)
    queue(conversation, "next")
    queue(other_conversation, "elsewhere")

    assert texts(lease, dispatch.claim(lease, 10)) == ["elsewhere"]
    assert dispatch.seconds_until_due(lease) is None


def test_when_the_first_must_be_tried_again_the_second_is_not_begun(lease, conversation):
    first = queue(conversation, "first")
    queue(conversation, "second")
    one, two = dispatch.claim(lease, 10)
    begin_one(lease, one, "OUT1")
    dispatch.settle(lease, [(first.pk, TryAgain("offline", retry_after=0))])

    assert begin_one(lease, two, "OUT2") is None
    assert texts(lease, dispatch.claim(lease, 10)) == ["first", "second"]


@pytest.mark.parametrize("used", [False, True])
def test_one_that_is_tried_again_keeps_its_id_unless_it_is_used_up(lease, conversation, used):
    message = queue(conversation, "first")
    begin_one(lease, dispatch.claim(lease, 10)[0], "OUT1")
    dispatch.settle(lease, [(message.pk, TryAgain("upload_failed", retry_after=0, used_id=used))])

    message.refresh_from_db()
    assert (message.status, message.whatsapp_message_id) == ("queued", None if used else "OUT1")
    assert dispatch.claim(lease, 10)[0].wa_id == ("" if used else "OUT1")


def test_an_expired_one_is_told_and_never_leaves(lease, conversation):
    message = queue(conversation, expires_at=ago(seconds=1))

    assert dispatch.claim(lease, 10) == []
    message.refresh_from_db()
    conversation.refresh_from_db()
    assert (message.status, conversation.preview_status) == ("expired", "expired")


def test_one_that_expires_after_the_claim_is_not_begun(lease, conversation):
    queue(conversation, expires_at=now() + timedelta(hours=1))
    (claimed,) = dispatch.claim(lease, 10)
    Message.objects.update(expires_at=ago(seconds=1))

    assert begin_one(lease, claimed, "OUT1") is None


def test_begin_saves_the_id_before_anything_leaves(lease, conversation, owner, business):
    asked = factories.MessageFactory(conversation=conversation, whatsapp_message_id="ASKED")
    message = outbox.enqueue(business, conversation, sender=owner, text="Answer", reply_to=asked)
    (claimed,) = dispatch.claim(lease, 10)

    outgoing = begin_one(lease, claimed, "OUT1")

    message.refresh_from_db()
    assert (message.status, message.whatsapp_message_id, message.attempts) == ("sending", "OUT1", 1)
    assert (outgoing.wa_id, outgoing.body, outgoing.kind, outgoing.quoted_wa_id) == (
        "OUT1",
        "Answer",
        "text",
        "ASKED",
    )
    assert begin_one(lease, claimed, "OUT2") is None


def test_one_cancelled_after_the_claim_is_not_begun(lease, conversation, owner, business):
    message = queue(conversation)
    (claimed,) = dispatch.claim(lease, 10)
    outbox.cancel(business, message, owner)

    assert begin_one(lease, claimed, "OUT1") is None


def test_several_are_begun_together_but_of_one_conversation_the_first_alone(
    lease, conversation, other_conversation
):
    queue(conversation, "first")
    queue(conversation, "second")
    queue(other_conversation, "elsewhere")
    claimed = dispatch.claim(lease, 10)
    assert len(claimed) == 3

    begun = dispatch.begin(lease, [replace(one, wa_id=f"OUT{n}") for n, one in enumerate(claimed)])

    assert {message.body: message.wa_id for _, message in begun} == {"first": "OUT0", "elsewhere": "OUT2"}
    dispatch.settle(
        lease,
        [(begun[0][0].message_id, Delivered(now(), AckLevel.SENT)), (begun[1][0].message_id, Refused("x"))],
    )
    assert texts(lease, dispatch.claim(lease, 10)) == ["second"]
    assert sorted(Message.objects.values_list("content", "status")) == [
        ("elsewhere", "failed"),
        ("first", "sent"),
        ("second", "queued"),
    ]


def test_only_a_campaigns_message_in_its_turn_may_go_with_others(lease, conversation, other_conversation):
    queue(conversation, "reply")
    queue(other_conversation, "campaign", priority=Message.Priority.CAMPAIGN, origin="campaign")

    assert [one.broadcast for one in dispatch.claim(lease, 10)] == [False, True]


def test_delivered_is_sent(lease, conversation):
    message = queue(conversation)
    begin(lease)
    dispatch.settle(lease, [(message.pk, Delivered(now(), AckLevel.SENT))])

    message.refresh_from_db()
    conversation.refresh_from_db()
    assert (message.status, conversation.preview_status) == ("sent", "sent")
    assert dispatch.in_flight(lease) == []


def test_only_queued_on_the_phone_is_not_sent_yet(lease, conversation):
    message = queue(conversation)
    begin(lease)
    dispatch.settle(lease, [(message.pk, Delivered(now(), AckLevel.PENDING))])

    message.refresh_from_db()
    assert message.status == "sending"
    assert [one.wa_id for one in dispatch.in_flight(lease)] == ["OUT1"]


def test_it_is_tried_five_times_with_growing_waits_under_one_id(lease, conversation):
    message = queue(conversation)
    waits = []
    for _ in range(5):
        Message.objects.update(not_before=None)
        assert begin(lease, wa_id=f"OUT{len(waits)}") == "OUT0"
        dispatch.settle(lease, [(message.pk, TryAgain("offline"))])
        message.refresh_from_db()
        if message.not_before:
            waits.append(round((message.not_before - now()).total_seconds()))

    assert waits == [5, 15, 60, 300]
    assert (message.status, message.error_code) == ("failed", "offline")


def test_a_refusal_is_final_and_says_why(lease, conversation):
    message = queue(conversation)
    begin(lease)
    dispatch.settle(lease, [(message.pk, Refused("not_on_whatsapp", "x" * 600))])

    message.refresh_from_db()
    assert (message.status, message.error_code, len(message.error_message)) == (
        "failed",
        "not_on_whatsapp",
        500,
    )


def test_a_refusal_is_of_one_message(lease, conversation, other_conversation):
    refused, flying = queue(conversation), queue(other_conversation)
    for n, one in enumerate(dispatch.claim(lease, 10)):
        begin_one(lease, one, f"OUT{n}")

    dispatch.settle(lease, [(refused.pk, Refused("not_on_whatsapp"))])

    assert dict(Message.objects.values_list("pk", "status")) == {refused.pk: "failed", flying.pk: "sending"}


def test_recovery_believes_whatsapp(lease, conversation):
    message = queue(conversation)
    begin(lease)
    fresh = take_over(lease)
    (flying,) = dispatch.in_flight(fresh)
    assert flying.chat == Chat(phone="+9992000000001")

    dispatch.reconcile(fresh, flying, ack("OUT1", AckLevel.DELIVERED))

    message.refresh_from_db()
    assert message.status == "delivered"


def test_what_whatsapp_does_not_know_is_unknown_only_after_a_while(lease, conversation, settings):
    message = queue(conversation)
    begin(lease)
    (flying,) = dispatch.in_flight(lease)

    dispatch.reconcile(lease, flying, None)
    message.refresh_from_db()
    assert message.status == "sending"

    dispatch.reconcile(lease, replace(flying, since=ago(seconds=settings.UNKNOWN_AFTER_SECONDS + 1)), None)
    message.refresh_from_db()
    assert (message.status, message.error_code) == ("unknown", "not_confirmed")
    assert isinstance(flying, InFlight)


def test_a_message_that_the_phone_only_keeps_queued_becomes_unknown_after_a_while(
    lease, conversation, settings
):
    message = queue(conversation)
    begin(lease)
    (flying,) = dispatch.in_flight(lease)
    pending = ack("OUT1", AckLevel.PENDING)

    dispatch.reconcile(lease, flying, pending)
    message.refresh_from_db()
    assert message.status == "sending"

    begun = ago(seconds=settings.UNKNOWN_AFTER_SECONDS + 1)
    dispatch.reconcile(lease, replace(flying, since=begun), pending)
    message.refresh_from_db()
    assert message.status == "unknown"


def test_an_unknown_one_is_sent_again_only_by_a_person_and_under_the_same_id(
    lease, conversation, owner, business
):
    message = queue(conversation)
    begin(lease)
    Message.objects.update(status="unknown")
    assert dispatch.claim(lease, 10) == []

    outbox.retry(business, message, owner)

    assert begin(lease, wa_id="ANOTHER") == "OUT1"


def test_it_says_when_the_next_one_is_due(lease, conversation, other_conversation):
    assert dispatch.seconds_until_due(lease) is None
    queue(conversation, not_before=now() + timedelta(seconds=90))
    assert 85 < dispatch.seconds_until_due(lease) <= 90
    queue(other_conversation)
    assert dispatch.seconds_until_due(lease) == 0


def test_what_waits_on_another_number_wakes_nobody_here(lease, business):
    number = factories.ConnectionFactory(business_profile=business, phone_number="+9991000000077")
    elsewhere = factories.ConversationFactory(business_profile=business, connection=number)
    queue(elsewhere, not_before=now() + timedelta(seconds=90))

    assert dispatch.seconds_until_due(lease) is None


def test_messages_leave_with_their_files_and_wait_for_none_but_their_own(
    lease, conversation, other_conversation, business, owner, media_root
):
    picture = media_files.store_upload(business, owner, SimpleUploadedFile(PICTURE.name, PICTURE.data))
    lost = media_files.store_upload(business, owner, SimpleUploadedFile(PICTURE.name, PICTURE.data))
    media_files.remove_files(lost)
    third = factories.ConversationFactory(business_profile=business, connection=conversation.connection)
    for place, file in ((conversation, picture), (other_conversation, lost), (third, None)):
        queue(place, "Look", media=file)

    begun = dispatch.begin(
        lease, [replace(one, wa_id=f"OUT{n}") for n, one in enumerate(dispatch.claim(lease, 10))]
    )

    assert {message.wa_id: message.media and message.media.mime for _, message in begun} == {
        "OUT0": picture.mime,
        "OUT2": None,
    }
    assert Message.objects.get(media=lost).error_code == "media_missing"


def test_another_numbers_messages_are_not_claimed(lease, business, contact):
    elsewhere = factories.ConversationFactory(
        business_profile=business,
        contact=contact,
        connection=factories.ConnectionFactory(business_profile=business, phone_number="+9991000000077"),
    )
    queue(elsewhere)

    assert dispatch.claim(lease, 10) == []


def test_a_claim_is_one_statement_whatever_its_size(lease, conversation):
    for n in range(30):
        queue(conversation, str(n))

    with CaptureQueriesContext(database) as captured:
        assert len(dispatch.claim(lease, 25)) == 25

    claims = [
        one["sql"]
        for one in captured.captured_queries
        if "ready" in one["sql"] or "claim_epoch" in one["sql"]
    ]
    assert len(claims) <= (1 if database.vendor == "postgresql" else 2)


def test_one_whose_time_has_come_takes_its_own_place(lease, conversation):
    queue(conversation, "campaign", priority=Message.Priority.CAMPAIGN)
    queue(conversation, "first", not_before=ago(seconds=1))
    queue(conversation, "second")

    assert texts(lease, dispatch.claim(lease, 10)) == ["first", "second", "campaign"]


def test_looking_for_work_holds_no_row(lease, conversation):
    with CaptureQueriesContext(database) as captured:
        dispatch.seconds_until_due(lease)
        dispatch.in_flight(lease)
        media_jobs.due(lease, 4)
        read_receipts.due(lease, 20)

    assert len(captured) <= 9
    assert not [one for one in captured.captured_queries if "FOR NO KEY UPDATE" in one["sql"]]

"""In whatever order receipts and results come, the highest status wins and none falls."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connections.drivers.base import AckLevel
from core.clock import now
from core.ids import uuid7
from messaging.inbound import receiver
from messaging.models import Message, ParkedAck
from messaging.outbox import dispatch, states
from messaging.outbox.types import Delivered, Refused, TryAgain
from tests import factories
from tests.messaging.helpers import ack, begin, hello, lease_of, queue

pytestmark = pytest.mark.services

LEVELS = st.sampled_from(list(AckLevel))
PROOFS = [AckLevel.SENT, AckLevel.DELIVERED, AckLevel.READ, AckLevel.PLAYED]


@given(st.integers(1, 4))
def test_each_wait_is_longer_and_the_fifth_try_is_the_last(tries):
    wait = states.wait_before_next_try(tries)
    longer = states.wait_before_next_try(tries + 1)
    assert wait is not None
    assert longer is None or longer > wait
    assert states.wait_before_next_try(5) is None
    assert states.wait_before_next_try(tries, retry_after=90) == 90


# -- the same on the real rows ---------------------------------------------------------------------

RESULTS = [
    Delivered(now(), AckLevel.SENT),
    Delivered(now(), AckLevel.PENDING),
    Refused("not_on_whatsapp"),
    TryAgain("offline"),
]
STEPS = st.lists(st.one_of(LEVELS, st.sampled_from(RESULTS)), min_size=1, max_size=8)


@pytest.fixture
def lease(connection):
    return lease_of(connection)


@given(steps=STEPS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_results_and_receipts_in_any_order_end_at_the_highest_proof(
    lease, steps, business, contact, connection
):
    conversation = factories.ConversationFactory(
        business_profile=business,
        contact=factories.ContactFactory(
            business_profile=business, phone_number=f"+999{uuid7().int % 10**9:09}"
        ),
        connection=connection,
    )
    # What an earlier example has put back may be due by now, and would be claimed first.
    Message.objects.filter(status=Message.Status.QUEUED).update(status=Message.Status.CANCELLED)
    message = queue(conversation)
    wa_id = begin(lease, wa_id=f"ID{uuid7().hex}")
    proven = 0
    for step in steps:
        if isinstance(step, AckLevel):
            receiver.receive(lease, [ack(wa_id, step)] * 2)
            proven = max(proven, step)
        else:
            dispatch.settle(lease, [(message.pk, step)])
            proven = max(proven, step.ack if isinstance(step, Delivered) else 0)
        message.refresh_from_db()
        if proven:
            assert message.status == states.status_of_ack(proven)
    assert bool(message.sent_at) == bool(proven)
    assert bool(message.delivered_at) == (proven >= AckLevel.DELIVERED)
    assert bool(message.read_at) == (proven >= AckLevel.READ)


@given(levels=st.lists(st.sampled_from(PROOFS), min_size=1, max_size=6), place=st.integers(0, 6))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_receipts_wait_for_a_message_that_comes_later(lease, levels, place):
    wa_id = f"PH{uuid7().hex}"
    told = [ack(wa_id, level) for level in levels]
    told.insert(min(place, len(told)), hello(wa_id, from_me=True))
    for event in told:
        receiver.receive(lease, [event])

    assert Message.objects.get(whatsapp_message_id=wa_id).status == states.status_of_ack(max(levels))
    assert not ParkedAck.objects.filter(whatsapp_message_id=wa_id).exists()


def test_times_are_written_once(lease, conversation):
    queue(conversation)
    wa_id = begin(lease)
    first = now() - timedelta(minutes=5)
    receiver.receive(lease, [ack(wa_id, AckLevel.READ, first)])
    receiver.receive(lease, [ack(wa_id, AckLevel.PLAYED)])

    message = Message.objects.get()
    assert message.status == "played"
    assert message.sent_at == message.delivered_at == message.read_at == first
    conversation.refresh_from_db()
    assert conversation.preview_status == "played"

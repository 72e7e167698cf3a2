"""What runs by the clock."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from connections.drivers.base import AckLevel
from core.clock import now
from core.realtime import wakeup
from messaging import tasks
from messaging.inbound import receiver
from messaging.models import ParkedAck
from tests import factories
from tests.messaging.helpers import ack, ago, lease_of, queue

pytestmark = pytest.mark.services


def test_the_sweeper_rings_for_every_number_with_due_messages_in_one_query(
    business, conversation, connection, monkeypatch
):
    queue(conversation)
    factories.ConnectionFactory(business_profile=business, phone_number="+9991000000033")
    later = factories.ConversationFactory(
        business_profile=business,
        contact=conversation.contact,
        connection=factories.ConnectionFactory(business_profile=business, phone_number="+9991000000034"),
    )
    queue(later, not_before=now() + timedelta(hours=1))

    rung = []
    monkeypatch.setattr(wakeup, "notify", rung.append)
    with CaptureQueriesContext(database) as captured:
        tasks.sweep_outbox()

    assert rung == [wakeup.connection_topic(connection.pk)]
    assert len(captured) == 1


def test_receipts_that_never_found_their_message_are_removed(connection):
    receiver.receive(lease_of(connection), [ack("A", AckLevel.READ), ack("B", AckLevel.READ)])
    ParkedAck.objects.filter(whatsapp_message_id="A").update(created_at=ago(days=8))

    tasks.prune()

    assert ParkedAck.objects.get().whatsapp_message_id == "B"

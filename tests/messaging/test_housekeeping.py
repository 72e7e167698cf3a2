"""What runs by the clock."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection as database
from django.db.migrations.executor import MigrationExecutor
from django.test.utils import CaptureQueriesContext

from connections.drivers.base import AckLevel
from connections.ports import mailbox
from messaging import tasks
from messaging.models import ParkedAck
from tests import factories
from tests.messaging.helpers import ack, ago, lease_of, queue
from whatsflow.core import doorbell
from whatsflow.core.clock import now


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
    monkeypatch.setattr(doorbell, "ring", rung.append)
    with CaptureQueriesContext(database) as captured:
        tasks.sweep_outbox()

    assert rung == [doorbell.connection_topic(connection.pk)]
    assert len(captured) == 1


def test_receipts_that_never_found_their_message_are_removed(connection):
    mailbox().receive(lease_of(connection), [ack("A", AckLevel.READ), ack("B", AckLevel.READ)])
    ParkedAck.objects.filter(whatsapp_message_id="A").update(created_at=ago(days=8))

    tasks.prune()

    assert ParkedAck.objects.get().whatsapp_message_id == "B"


@pytest.mark.django_db(transaction=True)
def test_the_search_indexes_can_be_removed_and_made_again_over_existing_rows(business, conversation, owner):
    from messaging import selectors

    factories.MessageFactory(conversation=conversation, content="A needle in a haystack")
    forward = MigrationExecutor(database).loader.graph.leaf_nodes()
    MigrationExecutor(database).migrate([("messaging", "0002_outbox_indexes"), ("contacts", "0001_initial")])
    try:
        assert conversation.messages.count() == 1
    finally:
        MigrationExecutor(database).migrate(forward)

    rows = selectors.inbox_page(business, owner, search="needle").rows
    assert len(rows) == 1
    assert [row.name for row in selectors.inbox_page(business, owner, search="carla").rows] == [
        "Carla Customer"
    ]

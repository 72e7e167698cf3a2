"""What runs by the clock."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection as database
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.test.utils import CaptureQueriesContext

from connections.drivers.base import AckLevel
from connections.ports import mailbox
from messaging import tasks
from messaging.models import Message, ParkedAck
from tests import factories
from tests.messaging.helpers import ack, ago, lease_of, queue
from whatsflow.core import bulk, doorbell
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


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("app", ["contacts", "messaging"])
@pytest.mark.parametrize("step", ["text", "terms", "index"])
def test_an_upgrade_of_the_search_that_was_interrupted_goes_on(
    app, step, business, conversation, owner, monkeypatch
):
    from messaging import selectors

    for text in ("A needle in a haystack", "A thimble in a haystack"):
        factories.MessageFactory(conversation=conversation, content=text)
    forward = MigrationExecutor(database).loader.graph.leaf_nodes()
    before = [("messaging", "0008_quick_replies"), ("contacts", "0007_proofs_and_imports_remembered")]
    MigrationExecutor(database).migrate(before)
    record = MigrationRecorder.record_applied

    def interrupt(recorder, of_app, name):
        """Between the last statement of a migration and the note that it was done."""
        if of_app == app and name.endswith(f"_search_{step}"):
            raise InterruptedError
        record(recorder, of_app, name)

    try:
        with monkeypatch.context() as patch:
            patch.setattr(MigrationRecorder, "record_applied", interrupt)
            with pytest.raises(InterruptedError):
                MigrationExecutor(database).migrate(forward)
    finally:
        MigrationExecutor(database).migrate(forward)

    for word in ("needle", "thimble"):
        assert len(selectors.inbox_page(business, owner, search=word).rows) == 1
    assert [row.name for row in selectors.inbox_page(business, owner, search="carla").rows] == [
        "Carla Customer"
    ]


@pytest.mark.django_db(transaction=True)
def test_terms_that_were_written_before_an_interruption_are_not_written_again(conversation, monkeypatch):
    for number in range(5):
        factories.MessageFactory(conversation=conversation, content=f"Needle {number}")
    migration = import_module("messaging.migrations.0010_search_terms")
    Message.objects.update(search_text="")
    update_each, written = bulk.update_each, []

    def stop_at_the_third(columns, rows, statement):
        if len(written) == 2:
            written.append(0)
            raise InterruptedError
        written.append(len(rows))
        update_each(columns, rows, statement)

    monkeypatch.setattr(migration, "BATCH", 2)
    monkeypatch.setattr(bulk, "update_each", stop_at_the_third)
    with pytest.raises(InterruptedError):
        migration.write_terms(apps, None)
    migration.write_terms(apps, None)

    assert written == [2, 2, 0, 1]
    assert not Message.objects.filter(search_text="").exists()

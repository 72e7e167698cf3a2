"""What people do with a conversation, and what two of one person become."""

from __future__ import annotations

import pytest

from accounts.models import AuditEntry
from connections.drivers.base import Chat
from contacts.models import ContactIdentity, ContactNote
from contacts.services import merging
from core.errors import InvalidInput, NotFound
from messaging.inbound import receiver
from messaging.inbox import selectors
from messaging.models import Conversation, ConversationEvent, Draft, Message
from messaging.services import conversations, read_receipts
from tests import factories
from tests.messaging.helpers import CARLA, hello, lease_of

pytestmark = pytest.mark.services


def test_reading_clears_unread_and_wants_a_receipt(business, connection, owner):
    lease = lease_of(connection)
    receiver.receive(lease, [hello("IN1"), hello("IN2")])
    conversation = Conversation.objects.get()

    conversations.mark_read(business, conversation, owner)

    assert selectors.unread_total(business) == 0
    (receipt,) = read_receipts.due(lease, 10)
    assert (receipt.chat, set(receipt.wa_ids)) == (CARLA, {"IN1", "IN2"})
    read_receipts.mark_sent(lease, receipt)
    assert read_receipts.due(lease, 10) == []


def test_what_was_read_while_whatsapp_was_told_is_told_next(business, connection, owner):
    lease = lease_of(connection)
    receiver.receive(lease, [hello("IN1")])
    conversations.mark_read(business, Conversation.objects.get(), owner)
    (receipt,) = read_receipts.due(lease, 10)
    receiver.receive(lease, [hello("IN2")])
    conversations.mark_read(business, Conversation.objects.get(), owner)

    read_receipts.mark_sent(lease, receipt)

    (later,) = read_receipts.due(lease, 10)
    assert later.wa_ids == ("IN2",)


def test_starting_takes_a_number_in_any_spelling(business, connection):
    business.default_country = "GB"
    one = conversations.start(business, connection, "07700 900123", name="New Person")
    two = conversations.start(business, connection, "+44 7700 900 123")

    assert one == two
    assert (one.contact.phone_number, one.contact.name) == ("+447700900123", "New Person")
    assert one.business_profile == business


@pytest.mark.parametrize("number", ["", "hello", "123", "+1"])
def test_an_unreadable_number_is_explained(business, connection, number):
    with pytest.raises(InvalidInput, match="country code"):
        conversations.start(business, connection, number)

    assert not Conversation.objects.exists()


def test_another_businesss_number_cannot_be_used(other_business, connection):
    with pytest.raises(NotFound):
        conversations.start(other_business, connection, "+9992000000001")


def test_a_conversation_is_given_to_members_only(business, conversation, owner, teammate, stranger):
    conversations.assign(business, conversation, owner, teammate)
    assert [row.id for row in selectors.inbox_page(business, teammate, tab="mine").rows] == [conversation.pk]

    with pytest.raises(InvalidInput, match="team"):
        conversations.assign(business, conversation, owner, stranger)
    conversations.assign(business, conversation, owner, None)
    assert selectors.inbox_page(business, teammate, tab="mine").rows == []
    assert [entry.action for entry in AuditEntry.objects.all()] == ["conversation.assigned"] * 2


def test_closing_and_opening_again(business, conversation, owner):
    conversations.close(business, conversation, owner)
    assert selectors.inbox_page(business, owner, tab="open").rows == []
    assert len(selectors.inbox_page(business, owner, tab="closed").rows) == 1

    conversations.reopen(business, conversation, owner)
    conversations.reopen(business, conversation, owner)
    assert len(selectors.inbox_page(business, owner, tab="open").rows) == 1
    assert AuditEntry.objects.count() == 2


def test_a_draft_is_kept_for_each_person_and_removed_when_empty(business, conversation, owner, teammate):
    conversations.save_draft(business, conversation, owner, "Mine")
    conversations.save_draft(business, conversation, owner, "Mine, longer")
    conversations.save_draft(business, conversation, teammate, "Theirs")

    assert selectors.open_conversation(business, conversation.pk, owner)[1] == "Mine, longer"
    conversations.save_draft(business, conversation, owner, "  ")
    assert selectors.open_conversation(business, conversation.pk, owner)[1] == ""
    assert Draft.objects.count() == 1


def test_another_businesss_conversation_is_not_touched(other_business, stranger, conversation):
    for act in (
        lambda: conversations.mark_read(other_business, conversation, stranger),
        lambda: conversations.assign(other_business, conversation, stranger, None),
        lambda: conversations.close(other_business, conversation, stranger),
        lambda: conversations.save_draft(other_business, conversation, stranger, "x"),
    ):
        with pytest.raises(NotFound):
            act()


def test_merged_contacts_bring_their_conversations(business, connection, owner, teammate):
    kept = factories.ContactFactory(business_profile=business, phone_number="+9992000000011")
    lost = factories.ContactFactory(business_profile=business, phone_number=None, name="Only a LID")
    other_number = factories.ConnectionFactory(business_profile=business, phone_number="+9991000000055")
    here, there = (
        factories.ConversationFactory(
            business_profile=business, contact=one, connection=connection, unread_count=2
        )
        for one in (kept, lost)
    )
    alone = factories.ConversationFactory(business_profile=business, contact=lost, connection=other_number)
    for conversation in (here, there, alone):
        factories.MessageFactory(conversation=conversation)
    Draft.objects.create(conversation=here, user=owner, text="kept")
    Draft.objects.create(conversation=there, user=owner, text="lost")
    Draft.objects.create(conversation=there, user=teammate, text="moved")

    assert merging.merge_all(business.pk, [kept.pk, lost.pk]) == kept.pk

    assert set(Conversation.objects.values_list("pk", "contact")) == {(here.pk, kept.pk), (alone.pk, kept.pk)}
    assert set(Message.objects.values_list("conversation", "contact")) == {
        (here.pk, kept.pk),
        (alone.pk, kept.pk),
    }
    here.refresh_from_db()
    assert here.unread_count == 4
    assert set(Draft.objects.values_list("text", flat=True)) == {"kept", "moved"}


def test_a_merge_leaves_everybody_else_alone(business, other_business, connection, owner, stranger):
    pair = [factories.ContactFactory(business_profile=business) for _ in range(2)]
    for one in pair:
        factories.ConversationFactory(business_profile=business, contact=one, connection=connection)
    for place in (
        factories.ConversationFactory(business_profile=business, connection=connection),
        factories.ConversationFactory(business_profile=other_business),
    ):
        factories.MessageFactory(conversation=place)
        factories.ContactNoteFactory(contact=place.contact)
        Draft.objects.create(conversation=place, user=owner, text="mine")
        conversations.close(place.business_profile, place, place.business_profile.user)
    before = _everything_but(pair)
    assert all(before)

    merging.merge(business, owner, *pair)

    assert _everything_but(pair) == before


def _everything_but(pair):
    tables = (Conversation, Message, ContactNote, ContactIdentity)
    rows = [list(table.objects.exclude(contact__in=pair).order_by("pk").values()) for table in tables]
    talks = Conversation.objects.exclude(contact__in=pair)
    hanging = (Draft, ConversationEvent)
    return rows + [
        list(one.objects.filter(conversation__in=talks).order_by("pk").values()) for one in hanging
    ]


@pytest.mark.parametrize("later", ["kept", "lost"])
def test_the_joined_conversation_shows_what_was_said_last_and_is_open_if_either_was(
    business, connection, owner, later
):
    lease, talks = lease_of(connection), {}
    for name in ("kept", "lost") if later == "lost" else ("lost", "kept"):
        person = factories.ContactFactory(business_profile=business)
        receiver.receive(lease, [hello(f"IN-{name}", Chat(phone=person.phone_number), f"from {name}")])
        talks[name] = Conversation.objects.get(contact=person)
        conversations.close(business, talks[name], owner)
    conversations.reopen(business, talks["lost"], owner)
    conversations.mark_read(business, talks["lost"], owner)
    answered = Conversation.objects.get(pk=talks["lost"].pk).last_read_at

    merging.merge(business, owner, talks["kept"].contact, talks["lost"].contact)

    joined = Conversation.objects.get()
    assert (joined.preview, joined.state) == (f"from {later}", "open")
    assert joined.last_message_id == Message.objects.get(whatsapp_message_id=f"IN-{later}").pk
    assert (joined.receipt_wanted, joined.last_read_at) == (True, answered)
    assert joined.events.count() == 3
    assert AuditEntry.objects.filter(action="contact.merged").count() == 1


def test_the_badge_counts_no_further_than_it_shows(business, connection):
    factories.ConversationFactory.create_batch(
        3, business_profile=business, connection=connection, unread_count=1
    )

    assert selectors.unread_total(business, most=2) == 2
    assert selectors.unread_total(business) == 3

"""Queueing, sending again and taking back."""

from messaging import selectors
from messaging.services import outbox


def test_a_queued_message_shows_in_the_list(business, conversation, owner):
    message = outbox.enqueue(business, conversation, sender=owner, text="Hello *there*\n")

    row = selectors.inbox_page(business, owner, tab="open").rows[0]
    assert (row.last_message_id, row.preview, row.preview_status) == (message.pk, "Hello *there*", "queued")
    conversation.contact.refresh_from_db()
    assert conversation.contact.total_messages == 1
    assert selectors.messages_page(business, conversation).messages == [message]

"""What writers do to their messages afterwards."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from connections.drivers.base import Chat, Edited, Revoked
from connections.models import WhatsAppConnection
from messaging import bubbles
from messaging.models import Message
from messaging.rows import Said
from messaging.services import changes
from tests import factories

CHAT = Chat(phone="+999100000001")


@pytest.fixture
def told(connection: WhatsAppConnection) -> Message:
    talk = factories.ConversationFactory(business_profile=connection.business_profile, connection=connection)
    return factories.MessageFactory(
        conversation=talk, connection=connection, whatsapp_message_id="3EB0AA", content="Helo"
    )


def test_an_edit_changes_the_text_once_and_says_so(connection: WhatsAppConnection, told: Message) -> None:
    at = timezone.now()
    later = Edited("3EB0AA", CHAT, "Hello there", at + timedelta(seconds=5))
    changes.apply(connection, [Edited("3EB0AA", CHAT, "Hello", at), later])
    changes.apply(connection, [Edited("3EB0AA", CHAT, "Hello", at)])
    told.refresh_from_db()
    assert told.content == "Hello there"
    assert bubbles.bubble(Said.of(told), None, "Ada", "/inbox/").mark == "Edited"


def test_an_edit_keeps_what_is_known_of_the_message(connection: WhatsAppConnection, told: Message) -> None:
    Message.objects.update(metadata={"campaign": {"name": "Spring"}})
    changes.apply(connection, [Edited("3EB0AA", CHAT, "Hello", timezone.now())])
    told.refresh_from_db()
    assert told.metadata["campaign"] == {"name": "Spring"}


def test_what_was_taken_back_stays_readable_and_is_marked(
    connection: WhatsAppConnection, told: Message
) -> None:
    changes.apply(connection, [Revoked("3EB0AA", CHAT, timezone.now())])
    told.refresh_from_db()
    assert told.content == "Helo"
    assert bubbles.bubble(Said.of(told), None, "Ada", "/inbox/").mark == "Deleted by the sender"


def test_changes_of_unknown_messages_change_nothing(connection: WhatsAppConnection, told: Message) -> None:
    changes.apply(connection, [Revoked("3EB0BB", CHAT, timezone.now())])
    told.refresh_from_db()
    assert told.metadata == {}

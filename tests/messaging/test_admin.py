"""Operators see states and ids, never what people wrote, and change nothing."""

from __future__ import annotations

import pytest
from django.urls import reverse

from messaging.models import Message
from tests.factories import MessageFactory, UserFactory


@pytest.fixture
def operator(client_of):
    return client_of(UserFactory(is_staff=True, is_superuser=True))


def test_lists_and_forms_hold_no_message_text(operator, conversation):
    message = MessageFactory(conversation=conversation, content="Very private words")
    conversation.preview = "Very private words"
    conversation.save()

    for address in (
        reverse("admin:messaging_message_changelist"),
        reverse("admin:messaging_message_change", args=[message.pk]),
        reverse("admin:messaging_conversation_changelist"),
        reverse("admin:messaging_conversation_change", args=[conversation.pk]),
        reverse("admin:messaging_mediafile_changelist"),
        reverse("admin:messaging_parkedack_changelist"),
        reverse("admin:contacts_contact_changelist"),
        reverse("admin:contacts_contact_change", args=[conversation.contact_id]),
    ):
        answer = operator.get(address)
        assert answer.status_code == 200, address
        assert b"private words" not in answer.content, address


def test_nothing_can_be_removed(operator, conversation):
    message = MessageFactory(conversation=conversation)

    assert operator.post(reverse("admin:messaging_message_delete", args=[message.pk])).status_code == 403
    assert Message.objects.exists()

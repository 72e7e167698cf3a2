"""What people do in the inbox: send, answer, retry, read, assign, close, rename, start."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from accounts.models import BusinessProfile, User
from connections.models import WhatsAppConnection
from contacts.models import Contact
from messaging.models import Conversation, Draft, MediaFile, Message
from tests import factories

HTMX = {"HX-Request": "true"}
ClientOf = Callable[..., Client]


@pytest.fixture
def client(client_of: ClientOf, teammate: User) -> Client:
    """An agent's browser."""
    return client_of(teammate)


def page(target: Conversation | Message, name: str) -> str:
    return reverse(f"messaging:{name}", args=[target.pk])


def words_of(response: object) -> str:
    """The toast that the answer carries."""
    return str(response["HX-Trigger"])  # type: ignore[index]


@pytest.fixture
def message(conversation: Conversation) -> Message:
    return factories.MessageFactory(conversation=conversation, outbound=True, status="failed")


# -- who may ---------------------------------------------------------------------------------------


ACTIONS = ["send", "read", "draft", "assign", "state", "contact"]


@pytest.mark.parametrize("name", ACTIONS)
def test_a_viewer_changes_nothing(
    name: str, client_of: ClientOf, viewer: User, conversation: Conversation
) -> None:
    data = {"text": "x", "state": "closed", "name": "x"}
    assert client_of(viewer).post(page(conversation, name), data).status_code == 403
    assert not Message.objects.exists()
    assert not Draft.objects.exists()
    conversation.refresh_from_db()
    assert conversation.state == "open"


@pytest.mark.parametrize("name", ["retry", "cancel"])
def test_a_viewer_sends_nothing_again(name: str, client_of: ClientOf, viewer: User, message: Message) -> None:
    assert client_of(viewer).post(page(message, name)).status_code == 403
    message.refresh_from_db()
    assert message.status == "failed"


@pytest.mark.parametrize("name", ACTIONS)
def test_a_stranger_finds_nothing(
    name: str,
    client_of: ClientOf,
    stranger: User,
    other_business: BusinessProfile,
    conversation: Conversation,
) -> None:
    data = {"text": "x", "state": "closed", "name": "x"}
    assert client_of(stranger).post(page(conversation, name), data).status_code == 404
    assert not Message.objects.exists()


@pytest.mark.parametrize("name", [*ACTIONS, "messages_get"])
def test_actions_are_posts_and_reading_is_a_get(
    name: str, client: Client, conversation: Conversation
) -> None:
    if name == "messages_get":
        assert client.post(page(conversation, "messages")).status_code == 405
    else:
        assert client.get(page(conversation, name)).status_code == 405


def test_a_post_without_a_token_is_refused(
    client_of: ClientOf, teammate: User, conversation: Conversation
) -> None:
    client = client_of(teammate, csrf=True)
    assert client.post(page(conversation, "send"), {"text": "Hi"}).status_code == 403
    assert not Message.objects.exists()


# -- sending ---------------------------------------------------------------------------------------


def test_sending_queues_a_message_and_answers_with_its_bubble(
    client: Client, conversation: Conversation, teammate: User
) -> None:
    response = client.post(page(conversation, "send"), {"text": "Hello *there*"}, headers=HTMX)
    message = Message.objects.get()
    assert (message.status, message.origin, message.sender) == ("queued", "inbox", teammate)
    html = response.content.decode()
    assert f'id="message-{message.pk}"' in html
    assert "<strong>there</strong>" in html
    assert "ticks-queued" in html


def test_without_javascript_a_sent_form_leads_back_to_the_chat(
    client: Client, conversation: Conversation
) -> None:
    response = client.post(page(conversation, "send"), {"text": "Hello"})
    assert response.status_code == 302
    assert response["Location"].startswith(page(conversation, "conversation"))


def test_pressing_twice_sends_one_message(client: Client, conversation: Conversation) -> None:
    data = {"text": "Once", "client_token": "token-1"}
    first = client.post(page(conversation, "send"), data, headers=HTMX)
    second = client.post(page(conversation, "send"), data, headers=HTMX)
    assert Message.objects.count() == 1
    assert f"message-{Message.objects.get().pk}" in first.content.decode()
    assert f"message-{Message.objects.get().pk}" in second.content.decode()


def test_a_message_over_the_limit_is_refused_with_its_length(
    client: Client, conversation: Conversation
) -> None:
    text = "x" * (settings.MESSAGE_MAX_LENGTH + 1)
    response = client.post(page(conversation, "send"), {"text": text}, headers=HTMX)
    assert response.status_code == 422
    assert "65,536" in words_of(response)
    assert not Message.objects.exists()


def test_the_longest_message_is_sent(client: Client, conversation: Conversation) -> None:
    text = "é" * settings.MESSAGE_MAX_LENGTH
    assert client.post(page(conversation, "send"), {"text": text}, headers=HTMX).status_code == 200
    assert len(Message.objects.get().content) == settings.MESSAGE_MAX_LENGTH


@pytest.mark.parametrize("text", ["", "   ", "\n\n"])
def test_an_empty_message_is_refused(text: str, client: Client, conversation: Conversation) -> None:
    response = client.post(page(conversation, "send"), {"text": text}, headers=HTMX)
    assert response.status_code == 422
    assert "Write something" in words_of(response)


def test_a_reply_quotes_its_message(client: Client, conversation: Conversation) -> None:
    asked = factories.MessageFactory(conversation=conversation, content="Do you deliver?")
    data = {"text": "Yes", "reply_to": str(asked.pk)}
    html = client.post(page(conversation, "send"), data, headers=HTMX).content.decode()
    assert Message.objects.get(content="Yes").reply_to_wa_id == asked.whatsapp_message_id
    assert "Do you deliver?" in html


def test_a_message_of_another_business_cannot_be_quoted(client: Client, conversation: Conversation) -> None:
    foreign = factories.MessageFactory()
    data = {"text": "Yes", "reply_to": str(foreign.pk)}
    assert client.post(page(conversation, "send"), data, headers=HTMX).status_code == 404
    assert Message.objects.count() == 1


def test_a_file_of_another_business_cannot_be_sent(client: Client, conversation: Conversation) -> None:
    foreign = factories.MediaFileFactory()
    data = {"text": "Look", "attachment": str(foreign.pk)}
    assert client.post(page(conversation, "send"), data, headers=HTMX).status_code == 404


@pytest.mark.parametrize("field", ["reply_to", "attachment"])
def test_an_id_that_is_none_is_refused(field: str, client: Client, conversation: Conversation) -> None:
    response = client.post(page(conversation, "send"), {"text": "x", field: "no-uuid"}, headers=HTMX)
    assert response.status_code == 422
    assert not Message.objects.exists()


def test_sending_forgets_the_draft(client: Client, conversation: Conversation) -> None:
    client.post(page(conversation, "draft"), {"text": "Hel"})
    assert Draft.objects.count() == 1
    client.post(page(conversation, "send"), {"text": "Hello"})
    assert not Draft.objects.exists()


# -- afterwards ------------------------------------------------------------------------------------


def test_a_failed_message_is_sent_again(client: Client, message: Message) -> None:
    html = client.post(page(message, "retry"), headers=HTMX).content.decode()
    message.refresh_from_db()
    assert message.status == "queued"
    assert "ticks-queued" in html


def test_a_waiting_message_is_taken_back(client: Client, conversation: Conversation) -> None:
    waiting = factories.MessageFactory(conversation=conversation, outbound=True, status="queued")
    html = client.post(page(waiting, "cancel"), headers=HTMX).content.decode()
    assert "Cancelled before it was sent." in html


def test_what_has_left_cannot_be_taken_back(client: Client, conversation: Conversation) -> None:
    sent = factories.MessageFactory(conversation=conversation, outbound=True, status="sent")
    response = client.post(page(sent, "cancel"), headers=HTMX)
    assert response.status_code == 409
    assert "no longer waiting" in words_of(response)


def test_reading_leaves_nothing_unread(client: Client, conversation: Conversation) -> None:
    Conversation.objects.filter(pk=conversation.pk).update(unread_count=3)
    assert client.post(page(conversation, "read")).status_code == 204
    conversation.refresh_from_db()
    assert conversation.unread_count == 0


def test_looking_alone_reads_nothing(client: Client, conversation: Conversation) -> None:
    Conversation.objects.filter(pk=conversation.pk).update(unread_count=3)
    client.get(page(conversation, "conversation"))
    conversation.refresh_from_db()
    assert conversation.unread_count == 3


def test_a_conversation_is_assigned_and_given_back(
    client: Client, conversation: Conversation, owner: User
) -> None:
    html = client.post(
        page(conversation, "assign"), {"assignee": str(owner.pk)}, headers=HTMX
    ).content.decode()
    conversation.refresh_from_db()
    assert conversation.assigned_to == owner
    assert "Assigned to</span>" in html
    assert "Olive Owner" in html
    client.post(page(conversation, "assign"), {"assignee": ""}, headers=HTMX)
    conversation.refresh_from_db()
    assert conversation.assigned_to is None


def test_a_conversation_is_not_assigned_to_outsiders(
    client: Client, conversation: Conversation, stranger: User
) -> None:
    response = client.post(page(conversation, "assign"), {"assignee": str(stranger.pk)}, headers=HTMX)
    assert response.status_code == 422
    assert "not in your team" in words_of(response)


def test_closing_and_reopening(client: Client, conversation: Conversation) -> None:
    for wanted in ("closed", "open"):
        html = client.post(page(conversation, "state"), {"state": wanted}, headers=HTMX).content.decode()
        conversation.refresh_from_db()
        assert conversation.state == wanted
        assert f'data-state="{wanted}"' in html
    assert client.post(page(conversation, "state"), {"state": "gone"}, headers=HTMX).status_code == 422


def test_renaming_a_contact_changes_header_and_card(
    client: Client, conversation: Conversation, contact: Contact
) -> None:
    html = client.post(page(conversation, "contact"), {"name": "Carla R."}, headers=HTMX).content.decode()
    contact.refresh_from_db()
    assert contact.name == "Carla R."
    assert 'id="chat-head"' in html
    assert 'id="contact-card"' in html
    assert html.count("Carla R.") >= 2


# -- starting --------------------------------------------------------------------------------------


def test_a_conversation_is_started_with_a_number(
    client: Client, connection: WhatsAppConnection, business: BusinessProfile
) -> None:
    url = reverse("messaging:start")
    data = {"phone": "+44 7911 123456", "name": "Nina", "connection": str(connection.pk)}
    response = client.post(url, data)
    made = Conversation.objects.get()
    assert response["Location"] == page(made, "conversation")
    assert (made.contact.phone_number, made.contact.name) == ("+447911123456", "Nina")
    assert client.post(url, data)["Location"] == response["Location"]


def test_a_wrong_number_is_said_at_its_field(client: Client, connection: WhatsAppConnection) -> None:
    data = {"phone": "12", "connection": str(connection.pk)}
    response = client.post(reverse("messaging:start"), data)
    assert response.status_code == 422
    assert b"is-invalid" in response.content
    assert not Conversation.objects.exists()


def test_nobody_starts_from_a_foreign_number(client: Client, connection: WhatsAppConnection) -> None:
    foreign = factories.ConnectionFactory()
    data = {"phone": "+44 7911 123456", "connection": str(foreign.pk)}
    assert client.post(reverse("messaging:start"), data).status_code == 422
    assert not Conversation.objects.exists()


def test_without_a_number_the_form_says_what_to_do(client: Client, business: BusinessProfile) -> None:
    assert b"Connect a number" in client.get(reverse("messaging:start")).content


def test_a_viewer_does_not_start(client_of: ClientOf, viewer: User) -> None:
    assert client_of(viewer).get(reverse("messaging:start")).status_code == 403
    assert not MediaFile.objects.exists()

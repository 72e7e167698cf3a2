"""What the team types is shown to the customer while it lasts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import BusinessProfile, User
from connections.models import SandboxPhone, WhatsAppConnection
from contacts.models import ContactIdentity
from messaging.models import Conversation
from messaging.services import typing_notices
from tests import factories
from tests.connections.driver_contract import until
from tests.connections.live import is_connected, running


@pytest.fixture
def tell(client_of: Callable[..., Client], conversation: Conversation) -> Callable[..., int]:
    """`tell(user, active=True)`: their page says that they type; the answer's status."""

    def told(user: User, *, active: bool = True) -> int:
        address = f"/inbox/{conversation.pk}/typing/"
        return client_of(user).post(address, {"active": "1" if active else ""}).status_code

    return told


def chats(conversation: Conversation) -> list[tuple[str | None, str | None]]:
    return [(chat.phone, chat.lid) for chat in typing_notices.chats(conversation.connection_id)]


def test_whoever_may_reply_is_shown_typing_until_they_stop(
    tell: Callable[..., int], conversation: Conversation, teammate: User
) -> None:
    assert tell(teammate) == 204
    assert chats(conversation) == [(conversation.contact.phone_number, None)]
    assert tell(teammate, active=False) == 204
    assert chats(conversation) == []


def test_it_ends_by_itself(
    conversation: Conversation, business: BusinessProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(typing_notices, "LASTS_SECONDS", -1.0)
    typing_notices.report(business, conversation, True)
    assert chats(conversation) == []


def test_people_known_by_a_lid_alone_see_it_too(
    conversation: Conversation, business: BusinessProfile
) -> None:
    contact = conversation.contact
    contact.phone_number = None
    contact.save()
    ContactIdentity.objects.create(business_profile=business, contact=contact, kind="lid", value="4711")
    typing_notices.report(business, conversation, True)
    assert chats(conversation) == [(None, "4711")]


def test_viewers_and_strangers_show_nothing(
    tell: Callable[..., int],
    conversation: Conversation,
    viewer: User,
    stranger: User,
    other_business: BusinessProfile,
) -> None:
    assert tell(viewer) == 403
    assert tell(stranger) == 404
    assert chats(conversation) == []


@pytest.mark.django_db(transaction=True)
def test_the_runner_passes_it_on(
    connection: WhatsAppConnection, business: BusinessProfile, media_root: object
) -> None:
    WhatsAppConnection.objects.filter(pk=connection.pk).update(session_data="linked", status="starting")
    SandboxPhone.objects.filter(connection=connection).update(cast_started=True)
    person = factories.SandboxCustomerFactory(phone=connection.sandbox_phone)
    contact = factories.ContactFactory(business_profile=business, phone_number=person.number)
    talk = factories.ConversationFactory(business_profile=business, contact=contact, connection=connection)

    def sees() -> bool:
        person.refresh_from_db()
        return person.sees_typing_until is not None

    with running(connection):
        is_connected(connection)
        typing_notices.report(business, talk, True)
        until(sees, "typing")
        typing_notices.report(business, talk, False)
        until(lambda: not sees(), "the end of typing")

"""The overview: first steps, figures, numbers, recent conversations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import BusinessProfile, User
from accounts.services import keys
from analytics.reports import home
from connections.models import WhatsAppConnection
from messaging.models import Conversation, Message
from tests import factories

SignIn = Callable[..., Client]


def test_it_asks_nobody_in_before_they_signed_in(client: Client, db: None) -> None:
    response = client.get("/")
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")


def test_it_sends_people_without_a_business_to_make_one(owner: User, client_of: SignIn) -> None:
    assert client_of(owner).get("/")["Location"] == "/accounts/businesses/new/"


def test_it_rejects_post(owner: User, business: BusinessProfile, client_of: SignIn) -> None:
    assert client_of(owner).post("/").status_code == 405


def test_a_new_business_sees_its_first_steps_and_the_sandbox(
    owner: User, business: BusinessProfile, client_of: SignIn
) -> None:
    html = client_of(owner).get("/").content.decode()
    assert "0 of 6" in html
    assert "Try the sandbox" in html
    assert "No conversations yet" in html
    assert "No number yet" in html


def test_a_viewer_sees_the_steps_and_no_button_that_is_not_theirs(
    business: BusinessProfile, viewer: User, client_of: SignIn
) -> None:
    html = client_of(viewer).get("/").content.decode()
    assert "Connect a number" in html
    assert "Try the sandbox" not in html
    assert "Invite somebody" not in html
    assert "Describe it" not in html


def test_each_step_is_done_by_what_happened(
    owner: User, business: BusinessProfile, conversation: Conversation, teammate: User
) -> None:
    BusinessProfile.objects.filter(pk=business.pk).update(industry="Food", description="Bread and cake")
    factories.MessageFactory(conversation=conversation, outbound=True)
    business.refresh_from_db()
    done = home.home_page(business, owner).checklist
    assert (done.described, done.connected, done.answered, done.invited) == (True, True, True, True)
    assert done.complete
    assert (done.imported, done.integrated, done.done) == (False, False, 4)
    factories.ContactImportFactory(business_profile=business)
    keys.create(business, owner, name="Shop", scopes=["contacts:read"])
    done = home.home_page(business, owner).checklist
    assert (done.imported, done.integrated, done.done) == (True, True, 6)


def test_the_steps_go_when_all_are_done(
    owner: User, business: BusinessProfile, conversation: Conversation, teammate: User, client_of: SignIn
) -> None:
    BusinessProfile.objects.filter(pk=business.pk).update(industry="Food", description="Bread and cake")
    factories.MessageFactory(conversation=conversation, outbound=True)
    assert "First steps" not in client_of(owner).get("/").content.decode()


def test_a_message_from_the_phone_is_not_the_first_reply(
    owner: User, business: BusinessProfile, conversation: Conversation
) -> None:
    factories.MessageFactory(conversation=conversation, outbound=True, origin=Message.Origin.PHONE)
    assert not home.home_page(business, owner).checklist.answered


def test_a_number_that_was_connected_once_counts(
    owner: User, business: BusinessProfile, connection: WhatsAppConnection
) -> None:
    WhatsAppConnection.objects.update(status=WhatsAppConnection.Status.DISCONNECTED)
    assert home.home_page(business, owner).checklist.connected


def test_a_number_that_waits_for_its_first_scan_does_not_count(
    owner: User, business: BusinessProfile
) -> None:
    factories.ConnectionFactory(
        business_profile=business, phone_number=None, status="qr_pending", last_connected_at=None
    )
    assert not home.home_page(business, owner).checklist.connected


def test_figures_count_since_midnight_of_the_reader(
    owner: User, business: BusinessProfile, conversation: Conversation
) -> None:
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    factories.MessageFactory(conversation=conversation, created_at=midnight - timedelta(seconds=1))
    factories.MessageFactory(conversation=conversation, created_at=midnight)
    factories.MessageFactory(conversation=conversation, created_at=midnight, outbound=True)
    figures = home.home_page(business, owner).figures
    assert (figures.received, figures.sent) == (1, 1)


def test_figures_count_open_and_unread_conversations(
    owner: User, business: BusinessProfile, conversation: Conversation
) -> None:
    factories.ConversationFactory(business_profile=business, unread_count=3)
    factories.ConversationFactory(business_profile=business, state=Conversation.State.CLOSED)
    figures = home.home_page(business, owner).figures
    assert (figures.open, figures.unread) == (2, 1)


def test_conversations_are_counted_up_to_a_bound(
    owner: User, business: BusinessProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "COUNTED", 2)
    for _ in range(3):
        factories.ConversationFactory(business_profile=business)
    figures = home.home_page(business, owner).figures
    assert figures.open == 2
    assert figures.open_is_capped


def test_another_business_shows_nowhere(
    owner: User, business: BusinessProfile, other_business: BusinessProfile, client_of: SignIn
) -> None:
    theirs = factories.ContactFactory(business_profile=other_business, name="Foreign Person")
    talk = factories.ConversationFactory(business_profile=other_business, contact=theirs, unread_count=2)
    factories.MessageFactory(conversation=talk, outbound=True)
    shown = home.home_page(business, owner)
    assert (shown.figures.open, shown.figures.unread, shown.figures.sent) == (0, 0, 0)
    assert not shown.numbers
    assert not shown.checklist.answered
    assert "Foreign Person" not in client_of(owner).get("/").content.decode()


def test_recent_conversations_lead_to_the_chat(
    owner: User, business: BusinessProfile, conversation: Conversation, client_of: SignIn
) -> None:
    html = client_of(owner).get("/").content.decode()
    assert "Carla Customer" in html
    assert f'href="/inbox/{conversation.pk}/"' in html


def test_htmx_gets_the_overview_alone(owner: User, business: BusinessProfile, client_of: SignIn) -> None:
    response = client_of(owner).get("/", headers={"HX-Request": "true"})
    html = response.content.decode()
    assert "Recent conversations" in html
    assert 'id="overview"' not in html, "what asks again stays in the page"
    assert "<html" not in html
    assert "HX-Request" in response["Vary"]


def test_the_page_costs_the_same_queries_with_2_and_with_40_conversations(
    owner: User,
    business: BusinessProfile,
    connection: WhatsAppConnection,
    client_of: SignIn,
    django_assert_max_num_queries: Callable,
    django_assert_num_queries: Callable,
) -> None:
    client = client_of(owner)

    def talk(count: int) -> None:
        for _ in range(count):
            factories.ConversationFactory(business_profile=business, connection=connection, unread_count=1)

    talk(2)
    with django_assert_max_num_queries(13) as few:
        client.get("/")
    talk(38)
    with django_assert_num_queries(len(few)):
        client.get("/")

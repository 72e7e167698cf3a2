"""Texts that a team keeps ready."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import AuditEntry, BusinessProfile, User
from contacts.models import CustomField
from core.errors import Conflict, InvalidInput
from messaging.models import Conversation, QuickReply
from messaging.services import quick_replies

ClientOf = Callable[..., Client]
PAGE = "/inbox/replies/"


@pytest.fixture
def hours(business: BusinessProfile, teammate: User) -> QuickReply:
    return quick_replies.create(
        business, teammate, shortcut="hours", text="Hello {{first_name|there}}, we open at nine."
    )


def test_an_agent_keeps_changes_and_removes_texts(
    teammate: User, business: BusinessProfile, client_of: ClientOf
) -> None:
    client = client_of(teammate)
    client.post(PAGE, {"shortcut": "/Opening-Hours", "text": " Nine to five. \r\nSundays closed. "})
    reply = QuickReply.objects.get(business_profile=business)
    assert (reply.shortcut, reply.text) == ("opening-hours", "Nine to five. \nSundays closed.")
    assert "/opening-hours" in client.get(PAGE).content.decode()

    client.post(f"{PAGE}{reply.pk}/", {"shortcut": "hours", "text": "Nine to six."})
    reply.refresh_from_db()
    assert (reply.shortcut, reply.text) == ("hours", "Nine to six.")

    client.post(f"{PAGE}{reply.pk}/delete/")
    assert not QuickReply.objects.exists()
    said = AuditEntry.objects.filter(action__startswith="quick_reply").values_list("action", flat=True)
    assert sorted(said) == ["quick_reply.created", "quick_reply.deleted", "quick_reply.updated"]


def test_a_viewer_has_none_of_it(
    viewer: User, hours: QuickReply, conversation: Conversation, client_of: ClientOf
) -> None:
    client = client_of(viewer)
    for path in (PAGE, f"{PAGE}{hours.pk}/", f"/inbox/{conversation.pk}/replies/"):
        assert client.get(path).status_code == 403


def test_the_composer_is_offered_texts_in_the_contacts_words(
    teammate: User,
    business: BusinessProfile,
    hours: QuickReply,
    conversation: Conversation,
    client_of: ClientOf,
    django_assert_max_num_queries,
) -> None:
    CustomField.objects.create(business_profile=business, key="size", label="Size")
    conversation.contact.metadata = {"size": "<b>XL</b>"}
    conversation.contact.save()
    quick_replies.create(business, teammate, shortcut="size", text="{{size}} of {{settings.SECRET_KEY}}")
    client = client_of(teammate)
    with django_assert_max_num_queries(5):
        html = client.get(f"/inbox/{conversation.pk}/replies/").content.decode()
    assert 'data-text="Hello Carla, we open at nine."' in html
    assert "&lt;b&gt;XL&lt;/b&gt; of {{settings.SECRET_KEY}}" in html
    conversation.contact.name = conversation.contact.push_name = ""
    conversation.contact.save()
    assert "Hello there," in client.get(f"/inbox/{conversation.pk}/replies/").content.decode()


@pytest.mark.parametrize(
    ("shortcut", "text", "code"),
    [
        ("two words", "x", "invalid_shortcut"),
        ("", "x", "invalid_shortcut"),
        ("a" * 33, "x", "invalid_shortcut"),
        ("<b>", "x", "invalid_shortcut"),
        ("HOURS", "x", "shortcut_taken"),
        ("new", " \n ", "invalid_text"),
        ("new", "x" * 4001, "invalid_text"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_words(
    business: BusinessProfile,
    teammate: User,
    hours: QuickReply,
    client_of: ClientOf,
    shortcut: str,
    text: str,
    code: str,
) -> None:
    with pytest.raises(InvalidInput) as refused:
        quick_replies.create(business, teammate, shortcut=shortcut, text=text)
    assert refused.value.code == code
    response = client_of(teammate).post(PAGE, {"shortcut": shortcut, "text": text})
    assert response.status_code == 422
    assert QuickReply.objects.count() == 1


def test_there_is_an_end_to_how_many(
    business: BusinessProfile, teammate: User, hours: QuickReply, monkeypatch
) -> None:
    monkeypatch.setattr(quick_replies, "MOST", 1)
    with pytest.raises(Conflict):
        quick_replies.create(business, teammate, shortcut="more", text="x")


def test_two_businesses_may_use_the_same_name(
    other_business: BusinessProfile, stranger: User, hours: QuickReply, client_of: ClientOf
) -> None:
    quick_replies.create(other_business, stranger, shortcut="hours", text="Never")
    assert "we open at nine" not in client_of(stranger).get(PAGE).content.decode()

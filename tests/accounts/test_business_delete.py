"""Deleting a business for good."""

from __future__ import annotations

import pytest

from accounts import tasks
from accounts.events import BusinessDeleted, MembershipChanged
from accounts.models import AuditEntry, BusinessProfile, Invitation, Membership, User
from accounts.services import businesses, purge, team
from connections.models import WhatsAppConnection
from contacts.models import Contact
from core.errors import Forbidden, InvalidInput, NotFound
from messaging.models import Conversation, Message
from tests import factories
from tests.accounts.events import recorded

pytestmark = pytest.mark.services

DELETE = "/accounts/businesses/delete/"


def test_the_owner_deletes_it_by_typing_its_name(client_of, owner: User, teammate: User, business) -> None:
    client = client_of(owner)
    assert client.get(DELETE).status_code == 200
    response = client.post(DELETE, {"typed_name": " Blue  Bakery "})
    assert response.status_code == 302
    assert not Membership.objects.filter(business_profile=business).exists()
    assert client.get("/accounts/team/")["Location"] == "/accounts/businesses/new/"
    assert client_of(teammate).get("/accounts/team/")["Location"] == "/accounts/businesses/new/"


def test_a_wrong_name_deletes_nothing(client_of, owner: User, business) -> None:
    response = client_of(owner).post(DELETE, {"typed_name": "Blue Baker"})
    assert response.status_code == 422
    assert response.context["form"].errors["typed_name"]
    assert Membership.objects.filter(business_profile=business).exists()


@pytest.mark.parametrize("who", ["admin_member", "teammate", "viewer"])
def test_nobody_but_an_owner_may(client_of, request: pytest.FixtureRequest, business, who: str) -> None:
    user = request.getfixturevalue(who)
    assert client_of(user).post(DELETE, {"typed_name": "Blue Bakery"}).status_code == 403
    with pytest.raises(Forbidden):
        businesses.delete(business, user, typed_name="Blue Bakery")
    assert Membership.objects.filter(business_profile=business).exists()


def test_everybody_who_was_a_member_is_announced(owner: User, teammate: User, business) -> None:
    with recorded(MembershipChanged) as left, recorded(BusinessDeleted) as deleted:
        businesses.delete(business, owner, typed_name="Blue Bakery")
    assert {(event.user_id, event.role) for event in left} == {(owner.pk, None), (teammate.pk, None)}
    assert [event.business_id for event in deleted] == [business.pk]


def test_invitations_no_longer_work(owner: User, stranger: User, business) -> None:
    invitation, _ = team.invite(business, owner, role="agent")
    businesses.delete(business, owner, typed_name="Blue Bakery")
    with pytest.raises(NotFound):
        team.accept(invitation.pk, stranger)


def test_its_rows_are_removed_and_nobody_elses(
    owner: User, business, conversation, other_business, django_capture_on_commit_callbacks, monkeypatch
) -> None:
    monkeypatch.setattr(purge, "CHUNK", 2)
    factories.MessageFactory.create_batch(5, conversation=conversation)
    theirs = factories.ConversationFactory(business_profile=other_business)
    factories.MessageFactory(conversation=theirs)
    with django_capture_on_commit_callbacks(execute=True):
        businesses.delete(business, owner, typed_name="Blue Bakery")
    assert not BusinessProfile.objects.filter(pk=business.pk).exists()
    for model in (Message, Conversation, Contact, WhatsAppConnection, Invitation):
        assert not model.objects.exclude(business_profile=other_business).exists()
    assert Message.objects.count() == 1
    assert WhatsAppConnection.objects.count() == 1


def test_the_audit_log_outlives_it_unchanged(owner: User, django_capture_on_commit_callbacks) -> None:
    business = businesses.create(owner, business_name="Short-lived")
    with django_capture_on_commit_callbacks(execute=True):
        businesses.delete(business, owner, typed_name="Short-lived")
    entries = AuditEntry.objects.filter(business_profile_id=business.pk).order_by("id")
    assert [entry.action for entry in entries] == ["business.created", "member.joined", "business.deleted"]
    assert AuditEntry.objects.select_related("business_profile").first().business_profile is None


def test_the_periodic_task_finishes_what_was_left(owner: User, business) -> None:
    businesses.delete(business, owner, typed_name="Blue Bakery")
    assert BusinessProfile.objects.filter(pk=business.pk).exists()
    tasks.clear_expired()
    tasks.clear_expired()
    assert not BusinessProfile.objects.filter(pk=business.pk).exists()


def test_a_living_business_is_never_purged(business) -> None:
    assert purge.business(business.pk) is False
    assert BusinessProfile.objects.filter(pk=business.pk).exists()


def test_a_deleted_business_cannot_be_changed_or_deleted_again(owner: User, business) -> None:
    businesses.delete(business, owner, typed_name="Blue Bakery")
    with pytest.raises(NotFound):
        businesses.update(business, owner, business_name="Risen")
    with pytest.raises(NotFound):
        businesses.delete(business, owner, typed_name="Blue Bakery")
    with pytest.raises(NotFound):
        businesses.choose(owner, business.pk)


def test_the_name_is_compared_exactly(owner: User, business) -> None:
    with pytest.raises(InvalidInput):
        businesses.delete(business, owner, typed_name="blue bakery")

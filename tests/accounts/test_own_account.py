"""What is stored about oneself, and closing the account."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from accounts.events import MembershipChanged
from accounts.models import Membership, TokenSession, User
from accounts.services import tokens, two_factor
from messaging.models import Conversation, Message
from messaging.outbox import queue
from tests.accounts.events import recorded

ClientOf = Callable[..., Client]
CLOSE = "/accounts/profile/close/"


def test_what_is_stored_is_handed_over_without_secrets(
    client_of: ClientOf, teammate: User, business, owner: User
) -> None:
    tokens.open_session(teammate)
    two_factor.begin(teammate)
    client = client_of(teammate)
    client.post("/accounts/profile/", {"full_name": "Timothy", "time_zone": "UTC", "theme": "dark"})
    response = client.get("/accounts/profile/data/")
    assert "attachment" in response["Content-Disposition"]
    told = response.json()
    assert (told["user"]["email"], told["user"]["full_name"]) == ("agent@example.com", "Timothy")
    assert [one["business_name"] for one in told["memberships"]] == ["Blue Bakery"]
    assert "user.profile_changed" in [one["action"] for one in told["done"]]
    teammate.refresh_from_db()
    for secret in (teammate.password, teammate.second_factor.secret, TokenSession.objects.get().refresh_id):
        assert secret not in response.content.decode()
    assert owner.email not in response.content.decode()


def test_a_closed_account_names_nobody_and_is_signed_out_everywhere(
    client_of: ClientOf, client: Client, teammate: User, conversation: Conversation, password: str
) -> None:
    message = queue.enqueue(conversation.business_profile, conversation, sender=teammate, text="Hello")
    pair = tokens.open_session(teammate)
    here, elsewhere = client_of(teammate), client_of(teammate)
    assert here.post(CLOSE, {"password": "a guess"}).status_code == 422
    with recorded(MembershipChanged) as events:
        assert "Nothing here names you" in here.post(CLOSE, {"password": password}).content.decode()
    assert [event.role for event in events] == [None]
    for one in (here, elsewhere):
        assert one.get("/accounts/profile/").status_code == 302
    assert (
        client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {pair.access}"}).status_code == 401
    )
    teammate.refresh_from_db()
    assert "agent" not in teammate.email
    assert (teammate.full_name, teammate.is_active) == ("Former member", False)
    assert not Membership.objects.filter(user=teammate).exists()
    assert Message.objects.get(pk=message.pk).sender_id == teammate.pk
    sent = {"username": "agent@example.com", "password": password}
    assert client.post("/accounts/login/", sent).status_code == 422


def test_a_business_keeps_an_owner(client_of: ClientOf, owner: User, teammate: User, password: str) -> None:
    response = client_of(owner).post(CLOSE, {"password": password})
    assert response.status_code == 422
    assert "needs an owner" in response.content.decode()
    owner.refresh_from_db()
    assert owner.is_active
    Membership.objects.filter(user=teammate).update(role="owner")
    assert client_of(owner).post(CLOSE, {"password": password}).status_code == 200
    membership = Membership.objects.select_related("business_profile").get(user=teammate)
    assert membership.business_profile.user_id == teammate.pk

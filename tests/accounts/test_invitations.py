"""Invitations by link, from making one to its end."""

from __future__ import annotations

import re
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.events import MembershipChanged
from accounts.models import AuditEntry, Invitation, Membership, User
from accounts.roles import Role
from accounts.services import team
from core.errors import Conflict, NotFound
from tests.accounts.events import recorded

pytestmark = pytest.mark.services

INVITE = "/accounts/team/invite/"
OPENED = "/accounts/invitation/"
NEW = {"full_name": "Nora New", "email": "nora@example.com", "password": "three brown foxes"}


def link(token: str) -> str:
    return f"/accounts/invitations/{token}/"


@pytest.fixture
def invitation(business, owner: User) -> tuple[Invitation, str]:
    return team.invite(business, owner, role=Role.AGENT)


# -- making and withdrawing ------------------------------------------------------------------------


def test_the_link_is_shown_once_and_only_its_hash_is_kept(client_of, owner: User, business) -> None:
    client = client_of(owner)
    response = client.post(INVITE, {"role": "viewer", "email": ""})
    assert response.status_code == 201
    assert "no-store" in response["Cache-Control"]
    match = re.search(r'value="http://[^"]+/accounts/invitations/([^/"]+)/"', response.content.decode())
    assert match
    token = match.group(1)
    made = Invitation.objects.get()
    assert token not in {str(value) for value in vars(made).values()}
    assert token not in client.get("/accounts/team/").content.decode()
    entry = AuditEntry.objects.get(action="invitation.created")
    assert entry.data == {"role": "viewer", "bound": False}
    assert made.expires_at - made.created_at >= timedelta(days=7) - timedelta(seconds=5)


def test_an_admin_cannot_invite_an_owner(client_of, admin_member: User, business) -> None:
    response = client_of(admin_member).post(INVITE, {"role": "owner"})
    assert response.status_code == 422
    assert not Invitation.objects.exists()


def test_somebody_in_the_team_is_not_invited_again(client_of, owner: User, teammate: User, business) -> None:
    response = client_of(owner).post(INVITE, {"role": "agent", "email": "AGENT@example.com"})
    assert response.status_code == 422
    assert response.context["form"].errors["email"]


def test_a_withdrawn_invitation_says_so(client: Client, client_of, owner: User, business, invitation) -> None:
    made, token = invitation
    url = f"/accounts/invitations/{made.pk}/revoke/"
    assert client_of(owner).post(url)["Location"] == "/accounts/team/"
    page = client.get(link(token), follow=True)
    assert page.status_code == 409
    assert "withdrawn" in page.content.decode()
    assert client_of(owner).post(url).status_code == 409


def test_another_tenants_invitation_cannot_be_withdrawn(
    client_of, stranger, other_business, invitation
) -> None:
    made, _ = invitation
    assert client_of(stranger).post(f"/accounts/invitations/{made.pk}/revoke/").status_code == 404
    made.refresh_from_db()
    assert made.revoked_at is None


# -- accepting -------------------------------------------------------------------------------------


def test_somebody_with_an_account_joins(
    client_of, stranger: User, other_business, business, invitation
) -> None:
    made, token = invitation
    client = client_of(stranger)
    page = client.get(link(token), follow=True)
    assert page.redirect_chain == [(OPENED, 302)]
    assert "Blue Bakery" in page.content.decode()
    assert not Membership.objects.filter(user=stranger, business_profile=business).exists()
    with recorded(MembershipChanged) as events:
        assert client.post(OPENED)["Location"] == "/"
    assert Membership.objects.get(user=stranger, business_profile=business).role == Role.AGENT
    assert [(event.user_id, event.role) for event in events] == [(stranger.pk, "agent")]
    assert client.get("/accounts/team/").context["access"].business == business
    made.refresh_from_db()
    assert made.accepted_by == stranger


def test_a_newcomer_registers_and_joins_in_one_step(client: Client, business, invitation, settings) -> None:
    settings.REGISTRATION_OPEN = False
    client.get(link(invitation[1]))
    page = client.get(OPENED).content.decode()
    assert "/accounts/register/?invitation" in page
    assert client.get("/accounts/register/?invitation").status_code == 200
    assert client.post("/accounts/register/?invitation", NEW)["Location"] == "/"
    user = User.objects.get(email="nora@example.com")
    assert Membership.objects.get(user=user).business_profile == business
    assert client.get("/accounts/team/").status_code == 200


def test_somebody_signs_in_first_and_comes_back(
    client: Client, stranger: User, invitation, password: str
) -> None:
    client.get(link(invitation[1]))
    assert client.post(OPENED)["Location"] == f"/accounts/login/?next={OPENED}"
    response = client.post(
        f"/accounts/login/?next={OPENED}", {"username": stranger.email, "password": password, "next": OPENED}
    )
    assert response["Location"] == OPENED
    assert "Join as stranger@example.com" in client.get(OPENED).content.decode()


def test_the_token_stays_out_of_every_later_address(client: Client, invitation) -> None:
    token = invitation[1]
    page = client.get(link(token), follow=True)
    assert token not in page.content.decode()
    assert token not in str(dict(client.session))


def test_an_invitation_works_once(client_of, stranger: User, viewer: User, invitation) -> None:
    made, token = invitation
    team.accept(made.pk, stranger)
    with pytest.raises(Conflict) as refused:
        team.accept(made.pk, viewer)
    assert refused.value.code == "invitation_used"
    page = client_of(viewer).get(link(token), follow=True)
    assert page.status_code == 409
    assert "already used" in page.content.decode()


def test_an_invitation_expires_after_seven_days(client_of, stranger: User, business, invitation) -> None:
    with time_machine.travel(timezone.now() + timedelta(days=7, minutes=1)):
        page = client_of(stranger).get(link(invitation[1]), follow=True)
        assert page.status_code == 409
        assert "expired" in page.content.decode()
        with pytest.raises(Conflict):
            team.accept(invitation[0].pk, stranger)
    assert not Membership.objects.filter(user=stranger, business_profile=business).exists()


def test_an_invitation_for_an_address_is_for_nobody_else(
    client_of, owner: User, stranger: User, business
) -> None:
    made, token = team.invite(business, owner, role=Role.AGENT, email="Guest@Example.com")
    client = client_of(stranger)
    page = client.get(link(token), follow=True).content.decode()
    assert "another e-mail address" in page
    assert "guest@example.com" not in page
    assert client.post(OPENED).status_code == 403
    made.refresh_from_db()
    assert made.accepted_at is None
    assert not Membership.objects.filter(user=stranger, business_profile=business).exists()


def test_a_newcomer_with_another_address_is_not_even_registered(
    client: Client, owner: User, business
) -> None:
    _, token = team.invite(business, owner, role=Role.AGENT, email="guest@example.com")
    client.get(link(token))
    response = client.post("/accounts/register/?invitation", NEW)
    assert response.status_code == 422
    assert "another e-mail address" in response.content.decode()
    assert not User.objects.filter(email="nora@example.com").exists()


def test_a_member_keeps_their_role_and_the_invitation_stays_open(owner: User, business, invitation) -> None:
    with pytest.raises(Conflict) as refused:
        team.accept(invitation[0].pk, owner)
    assert refused.value.code == "already_member"
    assert Membership.objects.get(user=owner, business_profile=business).role == Role.OWNER
    invitation[0].refresh_from_db()
    assert invitation[0].accepted_at is None


@pytest.mark.parametrize("token", ["x", "a" * 43, "..%2f..", "0" * 300])
def test_a_made_up_token_is_not_found(client: Client, db, token: str) -> None:
    assert client.get(link(token)).status_code == 404


def test_without_an_opened_link_there_is_nothing_to_join(client_of, stranger: User, invitation) -> None:
    assert client_of(stranger).get(OPENED).status_code == 404
    assert client_of(stranger).post(OPENED).status_code == 404
    with pytest.raises(NotFound):
        team.accept(uuid4(), stranger)


def test_the_link_alone_joins_nobody(client_of, stranger: User, business, invitation) -> None:
    client = client_of(stranger)
    client.get(link(invitation[1]), follow=True)
    assert client.post(link(invitation[1])).status_code == 405
    assert not Membership.objects.filter(user=stranger, business_profile=business).exists()


def test_the_form_cannot_ask_for_another_role_or_business(
    client_of, stranger: User, other_business, business, invitation
) -> None:
    client = client_of(stranger)
    client.get(link(invitation[1]))
    client.post(OPENED, {"role": "owner", "business_profile": str(other_business.pk), "user": "1"})
    assert Membership.objects.get(user=stranger, business_profile=business).role == Role.AGENT

"""The team page, roles, removing and leaving."""

from __future__ import annotations

import pytest

from accounts.events import MembershipChanged
from accounts.models import AuditEntry, BusinessProfile, Membership, User
from accounts.roles import Role
from accounts.services import team
from core.errors import Conflict, Forbidden, InvalidInput, NotFound
from tests import factories
from tests.accounts.events import recorded

pytestmark = pytest.mark.services

TEAM = "/accounts/team/"


def membership(user: User, business: BusinessProfile) -> Membership:
    return Membership.objects.get(user=user, business_profile=business)


def role_url(user: User, business: BusinessProfile) -> str:
    return f"{TEAM}{membership(user, business).pk}/role/"


def remove_url(user: User, business: BusinessProfile) -> str:
    return f"{TEAM}{membership(user, business).pk}/remove/"


# -- the page --------------------------------------------------------------------------------------


def test_everybody_in_the_team_sees_who_is_in_it(
    client_of, viewer: User, owner: User, business, stranger
) -> None:
    page = client_of(viewer).get(TEAM).content.decode()
    assert "Olive Owner" in page
    assert "stranger@example.com" not in page


def test_only_managers_get_the_controls(client_of, viewer: User, admin_member: User, business) -> None:
    assert "/role/" not in client_of(viewer).get(TEAM).content.decode()
    assert "Open invitations" in client_of(admin_member).get(TEAM).content.decode()


def test_an_admin_gets_no_controls_over_owners(client_of, admin_member: User, owner: User, business) -> None:
    page = client_of(admin_member).get(TEAM).content.decode()
    assert role_url(owner, business) not in page
    assert remove_url(owner, business) not in page
    assert '<option value="owner"' not in page


# -- roles -----------------------------------------------------------------------------------------


def test_an_owner_gives_another_role(client_of, owner: User, teammate: User, business) -> None:
    with recorded(MembershipChanged) as events:
        response = client_of(owner).post(role_url(teammate, business), {"role": "admin"})
    assert response["Location"] == TEAM
    assert membership(teammate, business).role == Role.ADMIN
    assert [(event.business_id, event.user_id, event.role) for event in events] == [
        (business.pk, teammate.pk, "admin")
    ]
    entry = AuditEntry.objects.get(action="member.role_changed")
    assert (entry.actor, entry.data["before"], entry.data["role"]) == (owner, "agent", "admin")


def test_a_new_role_counts_at_the_next_request(client_of, owner: User, admin_member: User, business) -> None:
    client = client_of(admin_member)
    assert client.get("/accounts/team/invite/").status_code == 200
    team.change_role(business, owner, membership(admin_member, business).pk, Role.VIEWER)
    assert client.get("/accounts/team/invite/").status_code == 403


def test_an_admin_cannot_make_or_touch_owners(
    client_of, admin_member: User, owner: User, teammate: User, business
) -> None:
    client = client_of(admin_member)
    assert client.post(role_url(teammate, business), {"role": "owner"}).status_code == 403
    assert client.post(role_url(owner, business), {"role": "viewer"}).status_code == 403
    assert client.post(remove_url(owner, business)).status_code == 403
    assert membership(owner, business).role == Role.OWNER
    assert membership(teammate, business).role == Role.AGENT


@pytest.mark.parametrize("who", ["admin_member", "teammate", "viewer"])
def test_nobody_raises_themselves(client_of, request: pytest.FixtureRequest, business, who: str) -> None:
    user = request.getfixturevalue(who)
    before = membership(user, business).role
    assert client_of(user).post(role_url(user, business), {"role": "owner"}).status_code == 403
    with pytest.raises(Forbidden):
        team.change_role(business, user, membership(user, business).pk, Role.OWNER)
    assert membership(user, business).role == before


@pytest.mark.parametrize("who", ["teammate", "viewer"])
def test_agents_and_viewers_manage_nobody(
    client_of, request: pytest.FixtureRequest, business, admin_member, who: str
) -> None:
    client = client_of(request.getfixturevalue(who))
    assert client.post(role_url(admin_member, business), {"role": "viewer"}).status_code == 403
    assert client.post(remove_url(admin_member, business)).status_code == 403
    assert client.get("/accounts/team/invite/").status_code == 403
    assert membership(admin_member, business).role == Role.ADMIN


@pytest.mark.parametrize("role", ["", "emperor", "OWNER"])
def test_an_unknown_role_is_refused(client_of, owner: User, teammate: User, business, role: str) -> None:
    assert client_of(owner).post(role_url(teammate, business), {"role": role}).status_code == 422
    with pytest.raises(InvalidInput):
        team.change_role(business, owner, membership(teammate, business).pk, role)


def test_the_last_owner_cannot_be_demoted(client_of, owner: User, teammate: User, business) -> None:
    response = client_of(owner).post(role_url(owner, business), {"role": "admin"})
    assert response.status_code == 409
    assert "needs an owner" in response.content.decode()
    assert membership(owner, business).role == Role.OWNER


def test_an_owner_who_is_switched_off_does_not_count(owner: User, stranger: User, business) -> None:
    factories.MembershipFactory(user=stranger, business_profile=business, role=Role.OWNER)
    User.objects.filter(pk=stranger.pk).update(is_active=False)
    with pytest.raises(Conflict):
        team.leave(business, owner)


def test_the_profile_passes_to_another_owner(owner: User, teammate: User, business) -> None:
    team.change_role(business, owner, membership(teammate, business).pk, Role.OWNER)
    team.leave(business, owner)
    business.refresh_from_db()
    assert business.user == teammate
    assert not Membership.objects.filter(user=owner).exists()


def test_other_fields_in_the_form_change_nothing(
    client_of, owner: User, teammate: User, stranger: User, business, other_business
) -> None:
    sent = {"role": "viewer", "user": str(stranger.pk), "business_profile": str(other_business.pk)}
    client_of(owner).post(role_url(teammate, business), sent)
    found = membership(teammate, business)
    assert (found.user, found.business_profile, found.role) == (teammate, business, Role.VIEWER)


# -- removing and leaving --------------------------------------------------------------------------


def test_a_removed_member_has_no_access_from_then_on(
    client_of, owner: User, teammate: User, business
) -> None:
    theirs = client_of(teammate)
    assert theirs.get(TEAM).status_code == 200
    with recorded(MembershipChanged) as events:
        client_of(owner).post(remove_url(teammate, business))
    assert theirs.get(TEAM)["Location"] == "/accounts/businesses/new/"
    assert [(event.user_id, event.role) for event in events] == [(teammate.pk, None)]
    entry = AuditEntry.objects.get(action="member.removed")
    assert (entry.actor, entry.data["user"]) == (owner, str(teammate.pk))


def test_everybody_may_leave(client_of, viewer: User, business) -> None:
    response = client_of(viewer).post("/accounts/team/leave/")
    assert response["Location"] == "/"
    assert not Membership.objects.filter(user=viewer).exists()
    assert AuditEntry.objects.filter(action="member.left", actor=viewer).exists()


def test_the_last_owner_cannot_leave(client_of, owner: User, teammate: User, business) -> None:
    client = client_of(owner)
    assert client.post("/accounts/team/leave/").status_code == 409
    assert client.post(remove_url(owner, business)).status_code == 409
    assert membership(owner, business).role == Role.OWNER


def test_invitations_beyond_their_power_die_with_the_role(owner: User, admin_member: User, business) -> None:
    invitation, _ = team.invite(business, admin_member, role=Role.ADMIN)
    team.change_role(business, owner, membership(admin_member, business).pk, Role.AGENT)
    invitation.refresh_from_db()
    assert invitation.revoked_at is not None


# -- other tenants ---------------------------------------------------------------------------------


def test_another_tenants_membership_is_not_found(
    client_of, owner: User, stranger: User, business, other_business
) -> None:
    client = client_of(owner)
    assert client.post(role_url(stranger, other_business), {"role": "viewer"}).status_code == 404
    assert client.post(remove_url(stranger, other_business)).status_code == 404
    assert membership(stranger, other_business).role == Role.OWNER
    with pytest.raises(NotFound):
        team.change_role(business, owner, membership(stranger, other_business).pk, Role.VIEWER)


def test_a_stranger_can_do_nothing_to_the_team(stranger: User, teammate: User, business) -> None:
    key = membership(teammate, business).pk
    with pytest.raises(Forbidden):
        team.change_role(business, stranger, key, Role.VIEWER)
    with pytest.raises(Forbidden):
        team.remove(business, stranger, key)
    with pytest.raises(Forbidden):
        team.invite(business, stranger, role=Role.OWNER)
    with pytest.raises(NotFound):
        team.leave(business, stranger)

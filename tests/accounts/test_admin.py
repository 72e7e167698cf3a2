"""The operators' pages."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.events import MembershipChanged, SessionsEnded
from accounts.models import AuditEntry, Membership, User
from accounts.roles import Role
from accounts.services import audit, team
from tests.accounts.events import recorded


@pytest.fixture
def operator(client_of, db) -> Client:
    return client_of(User.objects.create_superuser("root@example.com", "x"))


@pytest.mark.parametrize("model", ["user", "businessprofile", "membership", "invitation", "auditentry"])
def test_operators_see_every_table(operator: Client, owner: User, business, model: str) -> None:
    team.invite(business, owner, role=Role.AGENT)
    assert operator.get(f"/admin/accounts/{model}/?q=o").status_code == 200


def test_members_do_not_get_in(client_of, owner: User, business) -> None:
    client = client_of(owner)
    assert client.get("/admin/").status_code == 302
    assert client.get("/admin/", follow=True).status_code == 403


def test_the_audit_log_is_read_only(operator: Client, owner: User, business) -> None:
    audit.record(business, owner, "test.happened")
    entry = AuditEntry.objects.get()
    page = f"/admin/accounts/auditentry/{entry.pk}"
    assert operator.get(f"{page}/change/").status_code == 200
    assert operator.post(f"{page}/change/", {"action": "test.never"}).status_code == 403
    assert operator.post(f"{page}/delete/", {"post": "yes"}).status_code == 403
    assert operator.get("/admin/accounts/auditentry/add/").status_code == 403
    assert AuditEntry.objects.get().action == "test.happened"


def test_a_person_is_added(operator: Client, db) -> None:
    sent = {
        "email": "Nora@Example.com",
        "usable_password": "true",
        "password1": "three brown foxes",
        "password2": "three brown foxes",
    }
    assert operator.post("/admin/accounts/user/add/", sent).status_code == 302
    user = User.objects.get(email="nora@example.com")
    assert user.check_password("three brown foxes")
    assert operator.get(f"/admin/accounts/user/{user.pk}/change/").status_code == 200
    assert AuditEntry.objects.filter(action="operator.user_saved", target_id=str(user.pk)).count() == 1


def test_nobody_is_deleted_here(operator: Client, owner: User, business) -> None:
    for page in (f"user/{owner.pk}", f"businessprofile/{business.pk}"):
        assert operator.post(f"/admin/accounts/{page}/delete/", {"post": "yes"}).status_code == 403
    assert operator.get(f"/admin/accounts/businessprofile/{business.pk}/change/").status_code == 200


def test_switching_somebody_off_is_written_down_and_announced(
    operator: Client, owner: User, business
) -> None:
    sent = {"email": owner.email, "time_zone": "UTC", "theme": "auto", "full_name": owner.full_name}
    with recorded(SessionsEnded) as events:
        operator.post(f"/admin/accounts/user/{owner.pk}/change/", sent)
    owner.refresh_from_db()
    assert not owner.is_active
    assert [event.user_id for event in events] == [owner.pk]
    assert "is_active" in AuditEntry.objects.get(action="operator.user_saved").data["fields"]


def test_a_password_set_by_an_operator_is_announced(operator: Client, owner: User, business) -> None:
    sent = {"usable_password": "true", "password1": "three brown foxes", "password2": "three brown foxes"}
    with recorded(SessionsEnded) as events:
        assert operator.post(f"/admin/accounts/user/{owner.pk}/password/", sent).status_code == 302
    assert [event.user_id for event in events] == [owner.pk]


def test_an_operator_repairs_a_team(operator: Client, teammate: User, business) -> None:
    membership = Membership.objects.get(user=teammate)
    page = f"/admin/accounts/membership/{membership.pk}"
    sent = {"user": str(teammate.pk), "business_profile": str(business.pk), "role": "owner"}
    with recorded(MembershipChanged) as events:
        assert operator.post(f"{page}/change/", sent).status_code == 302
        assert operator.post(f"{page}/delete/", {"post": "yes"}).status_code == 302
    assert [(event.user_id, event.role) for event in events] == [(teammate.pk, "owner"), (teammate.pk, None)]
    actions = AuditEntry.objects.filter(business_profile=business).values_list("action", flat=True)
    assert sorted(actions) == ["operator.membership_removed", "operator.membership_saved"]


def test_entries_of_what_is_gone_can_still_be_read(operator: Client, owner: User, business) -> None:
    audit.record(business, owner, "test.happened")
    entry = AuditEntry.objects.get()
    owner.delete()
    assert operator.get("/admin/accounts/auditentry/").status_code == 200
    assert operator.get(f"/admin/accounts/auditentry/{entry.pk}/change/").status_code == 200


def test_the_hash_of_an_invitation_is_not_shown(operator: Client, owner: User, business) -> None:
    made, _ = team.invite(business, owner, role=Role.AGENT)
    page = operator.get(f"/admin/accounts/invitation/{made.pk}/change/")
    assert page.status_code == 200
    assert made.token_hash not in page.content.decode()

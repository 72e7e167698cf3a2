"""What every request costs, and who comes in."""

from __future__ import annotations

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.access import find_access, find_user
from accounts.backends import SessionBackend
from accounts.models import Membership, User
from accounts.roles import ALLOWED, Can, Role, allows, may_grant
from accounts.services import origins
from core.ids import uuid7
from tests import factories
from whatsflow.context_processors import shell


def queries_of(client: Client, path: str) -> list[str]:
    client.get(path)  # warm: the session is cached from now on
    with CaptureQueriesContext(
        database,
    ) as captured:
        assert client.get(path).status_code == 200
    return [query["sql"] for query in captured.captured_queries]


def test_a_request_costs_one_query_before_the_page(owner: User, business, client_of) -> None:
    """The user with memberships and businesses; the session comes from the cache."""
    found = queries_of(client_of(owner), "/accounts/password/")
    tables = [sql.split("FROM ")[1].split()[0].strip('"') for sql in found if sql.startswith("SELECT")]
    assert tables[0] == "memberships"
    assert not {"django_session", "users", "business_profiles"} & set(tables)
    assert tables.count("memberships") == 1


def test_the_team_page_costs_the_same_with_two_and_with_twenty_members(
    client_of, owner: User, business
) -> None:
    client = client_of(owner)
    factories.MembershipFactory(business_profile=business)
    few = len(queries_of(client, "/accounts/team/"))
    factories.MembershipFactory.create_batch(18, business_profile=business)
    assert len(queries_of(client, "/accounts/team/")) == few


def test_the_pages_frame_has_the_businesses_by_name(
    owner: User, business, rf, django_assert_num_queries
) -> None:
    another = factories.BusinessFactory(user=owner, business_name="a shop")
    request = rf.get("/")
    request.user, request.access = owner, find_access(owner, str(another.pk))
    with django_assert_num_queries(0):
        shown = shell(request)["businesses"]
    assert [one.business_name for one in shown] == ["a shop", "Blue Bakery"]


def test_what_was_read_with_the_user_serves_one_request_only(
    owner: User, business, django_assert_num_queries
) -> None:
    found = find_user(owner.pk)
    Membership.objects.filter(user=owner).delete()
    with django_assert_num_queries(0):
        assert find_access(found, None).business == business
    assert find_access(found, None) is None


def test_somebody_without_a_business_and_nobody_are_found_too(db) -> None:
    alone = factories.UserFactory()
    assert find_user(alone.pk) == alone
    assert find_user(uuid7()) is None
    assert SessionBackend().get_user(str(alone.pk)) == alone
    User.objects.filter(pk=alone.pk).update(is_active=False)
    assert SessionBackend().get_user(alone.pk) is None


def test_the_pages_frame_works_without_a_user(rf) -> None:
    assert shell(rf.get("/"))["access"] is None


@pytest.mark.parametrize("chosen", [None, "", "mine", "other"])
def test_access_is_found_in_one_query(
    owner: User, business, other_business, django_assert_num_queries, chosen
) -> None:
    key = {"mine": str(business.pk), "other": str(other_business.pk)}.get(chosen, chosen)
    with django_assert_num_queries(1):
        access = find_access(owner, key)
        assert access is not None
        assert (access.business, access.role) == (business, Role.OWNER)


def test_the_oldest_business_is_the_first_choice(owner: User, business) -> None:
    second = factories.BusinessFactory(user=owner)
    assert find_access(owner, None).business == business
    assert find_access(owner, str(second.pk)).business == second


def test_each_role_allows_what_the_one_below_it_allows() -> None:
    viewer, agent, admin, owner = (ALLOWED[role] for role in reversed(Role.values))
    assert viewer < agent < admin < owner == frozenset(Can)
    assert not allows("nobody", Can.VIEW)


@pytest.mark.parametrize("giver", [*Role.values, "", "emperor"])
@pytest.mark.parametrize("role", [*Role.values, "emperor"])
def test_who_may_grant_which_role(giver: str, role: str) -> None:
    expected = (giver == "owner" and role in Role.values) or (
        giver == "admin" and role in ("admin", "agent", "viewer")
    )
    assert may_grant(giver, role) is expected


def test_templates_ask_permissions_by_name(owner: User, business) -> None:
    access = find_access(owner, None)
    assert access.can["manage_team"]
    assert access.can(Can.DELETE_BUSINESS)


def test_times_are_in_the_users_zone(client_of, owner: User, business) -> None:
    User.objects.filter(pk=owner.pk).update(time_zone="Asia/Tokyo")
    page = client_of(owner).get("/accounts/team/").content.decode()
    assert 'data-time-zone="Asia/Tokyo"' in page


def test_a_zone_that_no_longer_exists_breaks_nothing(client_of, owner: User, business) -> None:
    User.objects.filter(pk=owner.pk).update(time_zone="Atlantis/Capital")
    client = client_of(owner)
    assert client.get("/accounts/team/").status_code == 200
    assert client.get("/accounts/profile/").status_code == 200


def test_another_site_may_read_the_api_and_never_a_page(client_of, owner: User, business) -> None:
    origins.replace(business, owner, ["https://shop.example"])
    client, headers = client_of(owner), {"Origin": "https://shop.example"}
    assert "Access-Control-Allow-Origin" not in client.get("/accounts/team/", headers=headers)
    assert (
        client.options("/api/v1/", headers=headers)["Access-Control-Allow-Origin"] == "https://shop.example"
    )

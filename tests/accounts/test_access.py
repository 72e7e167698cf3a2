"""What every request costs, and who comes in."""

from __future__ import annotations

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.access import find_access
from accounts.context import shell
from accounts.models import User
from accounts.roles import ALLOWED, Can, Role, allows, may_grant
from tests import factories


def queries_of(client: Client, path: str) -> list[str]:
    client.get(path)  # warm: the session is cached from now on
    with CaptureQueriesContext(
        database,
    ) as captured:
        assert client.get(path).status_code == 200
    return [query["sql"] for query in captured.captured_queries]


def test_a_request_costs_two_queries_before_the_page(owner: User, business, client_of, rf) -> None:
    """The user, and the membership with its business; the session comes from the cache."""
    found = queries_of(client_of(owner), "/accounts/password/")
    tables = [sql.split("FROM ")[1].split()[0].strip('"') for sql in found if sql.startswith("SELECT")]
    assert tables[:2] == ["users", "memberships"]
    assert tables.count("django_session") == 0
    assert len([table for table in tables if table in ("users", "memberships")]) == 2


def test_the_team_page_costs_the_same_with_two_and_with_twenty_members(
    client_of, owner: User, business
) -> None:
    client = client_of(owner)
    factories.MembershipFactory(business_profile=business)
    few = len(queries_of(client, "/accounts/team/"))
    factories.MembershipFactory.create_batch(18, business_profile=business)
    assert len(queries_of(client, "/accounts/team/")) == few


def test_the_pages_frame_asks_for_the_businesses_only_when_it_shows_them(
    owner: User, business, rf, django_assert_num_queries
) -> None:
    request = rf.get("/")
    request.user, request.access = owner, None
    with django_assert_num_queries(0):
        context = shell(request)
    with django_assert_num_queries(1):
        assert [one.business_name for one in context["businesses"]] == ["Blue Bakery"]
        assert len(context["businesses"]) == 1


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

"""Several businesses, one at a time."""

from __future__ import annotations

import pytest

from accounts.models import User
from accounts.roles import Role
from tests import factories

SWITCH = "/accounts/businesses/switch/"


@pytest.fixture
def second(owner: User):
    return factories.BusinessFactory(user=owner, business_name="Second")


def test_a_member_works_in_the_business_they_choose(client_of, owner: User, business, second) -> None:
    client = client_of(owner)
    assert client.get("/accounts/team/").context["access"].business == business
    response = client.post(SWITCH, {"business": str(second.pk)})
    assert response["Location"] == "/"
    assert client.get("/accounts/team/").context["access"].business == second


def test_the_role_is_the_one_in_that_business(client_of, stranger: User, other_business, business) -> None:
    factories.MembershipFactory(user=stranger, business_profile=business, role=Role.VIEWER)
    client = client_of(stranger)
    client.post(SWITCH, {"business": str(business.pk)})
    assert client.get("/accounts/team/").context["access"].role == Role.VIEWER
    assert client.get("/accounts/team/invite/").status_code == 403


@pytest.mark.parametrize("value", ["", "not an id", "00000000-0000-0000-0000-000000000000"])
def test_what_is_no_business_is_not_found(client_of, owner: User, business, value: str) -> None:
    assert client_of(owner).post(SWITCH, {"business": value}).status_code == 404


def test_somebody_elses_business_is_not_found(client_of, owner: User, business, other_business) -> None:
    client = client_of(owner)
    assert client.post(SWITCH, {"business": str(other_business.pk)}).status_code == 404
    assert client.get("/accounts/team/").context["access"].business == business


def test_a_session_that_names_another_business_gives_no_access_to_it(
    client_of, owner: User, business, other_business
) -> None:
    client = client_of(owner)
    session = client.session
    session["business_id"] = str(other_business.pk)
    session.save()
    assert client.get("/accounts/team/").context["access"].business == business


def test_no_parameter_chooses_the_business(client_of, owner: User, business, second, other_business) -> None:
    client = client_of(owner)
    for name in ("business", "business_id", "business_profile", "tenant"):
        page = client.get("/accounts/team/", {name: str(other_business.pk)})
        assert page.context["access"].business == business


def test_the_switcher_lists_ones_own_businesses(
    client_of, owner: User, business, second, other_business
) -> None:
    page = client_of(owner).get("/accounts/team/").content.decode()
    assert "Blue Bakery" in page
    assert "Second" in page
    assert "Other Shop" not in page

"""Changing a business's profile."""

from __future__ import annotations

import pytest

from accounts.models import AuditEntry, BusinessProfile, User
from accounts.services import businesses
from core.errors import Forbidden, InvalidInput
from tests.accounts.test_business_create import VALID

EDIT = "/accounts/businesses/edit/"


def form_of(business: BusinessProfile, **changes: str) -> dict[str, str]:
    return {**VALID, "ai_profile": '{"tone": "friendly"}', "business": str(business.pk), **changes}


def test_every_column_can_be_changed(client_of, admin_member: User, business) -> None:
    response = client_of(admin_member).post(EDIT, form_of(business))
    assert response.status_code == 302
    business.refresh_from_db()
    assert business.business_name == "Green Grocer"
    assert business.business_type == "retail"
    assert business.industry == "Food"
    assert business.website == "https://green.example"
    assert business.description == "Fruit and vegetables."
    assert business.ai_profile == {"tone": "friendly"}
    assert (business.time_zone, business.default_country) == ("Europe/Rome", "IT")
    entry = AuditEntry.objects.get(action="business.changed")
    assert entry.actor == admin_member
    assert "business_name" in entry.data["fields"]


def test_agents_and_viewers_read_but_do_not_change(client_of, teammate: User, viewer: User, business) -> None:
    for user in (teammate, viewer):
        client = client_of(user)
        page = client.get(EDIT)
        assert page.status_code == 200
        assert "Owners and admins can change this" in page.content.decode()
        assert client.post(EDIT, form_of(business)).status_code == 403
    business.refresh_from_db()
    assert business.business_name == "Blue Bakery"


def test_the_service_refuses_them_too(teammate: User, stranger: User, business) -> None:
    for actor in (teammate, stranger):
        with pytest.raises(Forbidden):
            businesses.update(business, actor, business_name="Mine now")


def test_a_page_opened_for_another_business_changes_nothing(
    client_of, owner: User, business, other_business
) -> None:
    response = client_of(owner).post(EDIT, form_of(other_business))
    assert response.status_code == 409
    business.refresh_from_db()
    other_business.refresh_from_db()
    assert business.business_name == "Blue Bakery"
    assert other_business.business_name == "Other Shop"


def test_owner_and_deletion_cannot_be_set_by_the_form(
    client_of, owner: User, stranger: User, business
) -> None:
    sent = form_of(business, user=str(stranger.pk), deleted_at="2020-01-01", id="0")
    client_of(owner).post(EDIT, sent)
    business.refresh_from_db()
    assert business.user == owner
    assert business.deleted_at is None
    with pytest.raises(InvalidInput):
        businesses.update(business, owner, user=stranger)


@pytest.mark.parametrize("value", ["[1, 2]", "{broken", '"text"', '{"x": "' + "y" * 20_001 + '"}'])
def test_the_machine_written_profile_is_a_small_json_object(
    client_of, owner: User, business, value: str
) -> None:
    response = client_of(owner).post(EDIT, form_of(business, ai_profile=value))
    assert response.status_code == 422
    assert response.context["form"].errors["ai_profile"]


def test_saving_without_a_change_writes_nothing_down(owner: User, business) -> None:
    businesses.update(business, owner, business_name=business.business_name)
    assert not AuditEntry.objects.filter(action="business.changed").exists()

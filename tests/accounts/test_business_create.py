"""Creating a business."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from accounts import country
from accounts.events import MembershipChanged
from accounts.models import AuditEntry, BusinessProfile, Membership, User
from accounts.roles import Role
from accounts.services import businesses
from tests.accounts.events import recorded

CREATE = "/accounts/businesses/new/"
VALID = {
    "business_name": "Green Grocer",
    "business_type": "retail",
    "industry": "Food",
    "website": "green.example",
    "description": "Fruit and vegetables.",
    "time_zone": "Europe/Rome",
    "default_country": "IT",
}


def test_the_creator_owns_the_business_and_works_in_it(client_of, owner: User, business) -> None:
    client = client_of(owner)
    response = client.post(CREATE, VALID)
    assert response.status_code == 302
    assert response["Location"] == "/"
    created = BusinessProfile.objects.get(business_name="Green Grocer")
    assert created.user == owner
    assert created.website == "https://green.example"
    assert (created.industry, created.description) == ("Food", "Fruit and vegetables.")
    assert (created.time_zone, created.default_country) == ("Europe/Rome", "IT")
    assert Membership.objects.get(user=owner, business_profile=created).role == Role.OWNER
    assert client.session["business_id"] == str(created.pk)
    assert client.get("/accounts/team/").context["access"].business == created


def test_it_is_written_down_and_announced(owner: User) -> None:
    with recorded(MembershipChanged) as events:
        created = businesses.create(owner, business_name="Green Grocer")
    assert [(event.business_id, event.user_id, event.role) for event in events] == [
        (created.pk, owner.pk, Role.OWNER)
    ]
    actions = AuditEntry.objects.filter(business_profile=created).values_list("action", flat=True)
    assert sorted(actions) == ["business.created", "member.joined"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("business_name", "  "),
        ("business_name", "x" * 256),
        ("business_type", "pyramid scheme"),
        ("website", "javascript:alert(1)"),
        ("time_zone", "Mars/Base"),
        ("default_country", "XX"),
        ("industry", "x" * 101),
    ],
)
def test_what_cannot_be_used_is_refused_at_its_field(
    client_of, stranger: User, field: str, value: str
) -> None:
    response = client_of(stranger).post(CREATE, {**VALID, field: value})
    assert response.status_code == 422
    assert response.context["form"].errors[field]
    assert not BusinessProfile.objects.exists()


def test_nobody_creates_a_business_for_somebody_else(
    client_of, owner: User, stranger: User, business
) -> None:
    client_of(stranger).post(
        CREATE, {**VALID, "user": str(owner.pk), "id": str(business.pk), "role": "viewer"}
    )
    created = BusinessProfile.objects.get(business_name="Green Grocer")
    assert created.user == stranger
    assert created.pk != business.pk


def test_only_somebody_signed_in_has_this_page(client: Client, db) -> None:
    assert client.get(CREATE)["Location"] == f"/accounts/login/?next={CREATE}"


@pytest.mark.parametrize(
    ("time_zone", "languages", "proposed"),
    [
        ("Europe/Berlin", "en-US,en;q=0.9", "DE"),
        ("Asia/Calcutta", "", "IN"),
        ("Asia/Kolkata", "", "IN"),
        ("America/Buenos_Aires", "es", "AR"),
        ("America/Sao_Paulo", "pt-PT", "BR"),
        ("Europe/Oslo", "", "NO"),
        ("UTC", "pt-BR,pt;q=0.9,en-US;q=0.8", "BR"),
        ("UTC", "zh-Hant-TW", "TW"),
        ("UTC", "en, de-AT;q=0.5", "AT"),
        ("UTC", "de", ""),
        ("UTC", "en-XX, *", ""),
        ("", "\x00, " + "a-" * 5000, ""),
    ],
)
def test_the_country_is_proposed_by_time_zone_and_language(
    time_zone: str, languages: str, proposed: str
) -> None:
    assert country.propose(time_zone, languages) == proposed


def test_the_form_begins_with_the_proposed_country(client_of, stranger: User) -> None:
    page = client_of(stranger).get(CREATE, headers={"Accept-Language": "pt-BR,pt;q=0.9"}).content.decode()
    assert '<option value="BR" selected>' in page
    stranger.time_zone = "Europe/Rome"
    stranger.save()
    page = client_of(stranger).get(CREATE, headers={"Accept-Language": "pt-BR"}).content.decode()
    assert '<option value="IT" selected>' in page
    assert re.search(r'<option value="Europe/Rome"[^>]* selected', page)


def test_a_country_that_was_chosen_is_not_proposed_anew(client_of, stranger: User) -> None:
    sent = {**VALID, "business_name": "", "default_country": "FR"}
    answer = client_of(stranger).post(CREATE, sent, headers={"Accept-Language": "pt-BR"})
    assert '<option value="FR" selected>' in answer.content.decode()
    assert "data-propose-country" not in answer.content.decode()

"""One's own profile and address."""

from __future__ import annotations

import pytest
from django.core import mail
from django.test import Client

from accounts.models import AuditEntry, User
from accounts.services import users
from core.errors import InvalidInput

PROFILE = "/accounts/profile/"
EMAIL = "/accounts/email/"
VALID = {"full_name": "Olive O.", "time_zone": "Europe/Vienna", "theme": "dark"}


def test_the_profile_is_saved(client_of, owner: User, business) -> None:
    response = client_of(owner).post(PROFILE, VALID)
    assert response.status_code == 302
    owner.refresh_from_db()
    assert (owner.full_name, owner.time_zone, owner.theme) == ("Olive O.", "Europe/Vienna", "dark")
    assert owner.shortcuts_enabled is False
    entry = AuditEntry.objects.get(action="user.profile_changed")
    assert entry.data == {"fields": ["full_name", "shortcuts_enabled", "theme", "time_zone"]}


def test_somebody_without_a_business_has_a_profile_too(client_of, stranger: User) -> None:
    assert client_of(stranger).get(PROFILE).status_code == 200


def test_an_old_spelling_of_a_time_zone_stays_chosen(client_of, owner: User, business) -> None:
    User.objects.filter(pk=owner.pk).update(time_zone="Asia/Calcutta")
    assert '<option value="Asia/Calcutta" selected>' in client_of(owner).get(PROFILE).content.decode()


@pytest.mark.parametrize("changes", [{"time_zone": "Mars/Base"}, {"theme": "pink"}, {"full_name": "x" * 256}])
def test_what_is_not_on_offer_is_refused(client_of, owner: User, business, changes: dict[str, str]) -> None:
    assert client_of(owner).post(PROFILE, {**VALID, **changes}).status_code == 422
    owner.refresh_from_db()
    assert owner.full_name == "Olive Owner"


def test_rights_address_and_password_cannot_be_changed_here(
    client_of, owner: User, business, password: str
) -> None:
    sent = {
        "is_staff": "on",
        "is_superuser": "on",
        "email": "x@example.com",
        "password": "x",
        "is_active": "",
    }
    client_of(owner).post(PROFILE, {**VALID, **sent})
    owner.refresh_from_db()
    assert not owner.is_staff
    assert not owner.is_superuser
    assert owner.email == "owner@example.com"
    assert owner.check_password(password)
    with pytest.raises(InvalidInput):
        users.update_profile(owner, is_staff=True)


def test_a_name_is_text_never_markup(client_of, owner: User, business) -> None:
    client = client_of(owner)
    client.post(PROFILE, {**VALID, "full_name": "<script>alert(1)</script>"})
    assert "<script>alert" not in client.get("/accounts/team/").content.decode()


def test_a_new_address_needs_the_password_and_tells_the_old_one(
    client_of, owner: User, business, password: str, django_capture_on_commit_callbacks
) -> None:
    client = client_of(owner)
    with django_capture_on_commit_callbacks(execute=True):
        response = client.post(EMAIL, {"email": "New@Example.com", "password": password})
    assert response.status_code == 302
    owner.refresh_from_db()
    assert owner.email == "new@example.com"
    assert [message.to for message in mail.outbox] == [["owner@example.com"]]
    assert "new@example.com" not in str(mail.outbox[0].body)
    assert AuditEntry.objects.filter(action="user.email_changed").count() == 1


def test_a_wrong_password_keeps_the_address(client_of, owner: User, business) -> None:
    response = client_of(owner).post(EMAIL, {"email": "new@example.com", "password": "not this one"})
    assert response.status_code == 422
    assert response.context["form"].errors["password"]
    owner.refresh_from_db()
    assert owner.email == "owner@example.com"


def test_an_address_in_use_is_refused(
    client_of, owner: User, stranger: User, business, password: str
) -> None:
    response = client_of(owner).post(EMAIL, {"email": "STRANGER@example.com", "password": password})
    assert response.status_code == 422
    assert response.context["form"].errors["email"]


@pytest.mark.parametrize("page", [PROFILE, EMAIL])
def test_only_somebody_signed_in_has_these_pages(client: Client, db, page: str) -> None:
    assert client.get(page)["Location"] == f"/accounts/login/?next={page}"

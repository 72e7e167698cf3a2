"""Creating an account."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import AuditEntry, Membership, User
from accounts.services import users
from accounts.views import sessions
from core.errors import InvalidInput

REGISTER = "/accounts/register/"
NEW = {"full_name": "Nora New", "email": "Nora@Example.com", "password": "three brown foxes"}


def test_a_newcomer_registers_and_is_asked_for_the_business(client: Client, db) -> None:
    response = client.post(REGISTER, NEW)
    assert response.status_code == 302
    assert response["Location"] == "/accounts/businesses/new/"
    user = User.objects.get(email="nora@example.com")
    assert user.full_name == "Nora New"
    assert client.session["_auth_user_id"] == str(user.pk)
    assert client.get("/accounts/businesses/new/").status_code == 200
    assert AuditEntry.objects.filter(action="user.registered", actor=user).count() == 1


@pytest.mark.parametrize(
    ("browser", "kept"), [("Europe/Vienna", "Europe/Vienna"), ("", "UTC"), ("Mars/Base", "UTC")]
)
def test_the_time_zone_is_the_browsers(client: Client, db, browser: str, kept: str) -> None:
    assert client.post(REGISTER, {**NEW, "time_zone": browser}).status_code == 302
    assert User.objects.get().time_zone == kept
    assert client.get("/accounts/businesses/new/").context["form"]["time_zone"].initial == kept


def test_every_page_leads_a_newcomer_to_the_business_form(client: Client, db) -> None:
    client.post(REGISTER, NEW)
    assert client.get("/accounts/team/")["Location"] == "/accounts/businesses/new/"


def test_an_address_in_use_is_refused_with_a_way_out(client: Client, owner: User) -> None:
    response = client.post(REGISTER, {**NEW, "email": "OWNER@example.com"})
    assert response.status_code == 422
    assert "sign in or reset your password" in response.content.decode()
    assert User.objects.count() == 1
    assert "_auth_user_id" not in client.session


def test_an_address_in_use_costs_a_password_hash_too(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = []
    monkeypatch.setattr(users, "make_password", lambda raw: hashed.append(raw) or "x")
    with pytest.raises(InvalidInput):
        users.register(email=owner.email, password="three brown foxes")
    assert hashed == ["three brown foxes"]


@pytest.mark.parametrize("password", ["short", "1234567890123", "password123", "nora@example.com"])
def test_a_weak_password_is_refused_at_its_field(client: Client, db, password: str) -> None:
    response = client.post(REGISTER, {**NEW, "password": password})
    assert response.status_code == 422
    assert response.context["form"].errors["password"]
    assert not User.objects.exists()


def test_nobody_registers_with_more_rights_than_asked_for(client: Client, other_business, db) -> None:
    sent = {
        "is_staff": "on",
        "is_superuser": "on",
        "role": "owner",
        "business": str(other_business.pk),
        "id": "1",
    }
    client.post(REGISTER, {**NEW, **sent})
    user = User.objects.get(email="nora@example.com")
    assert not user.is_staff
    assert not user.is_superuser
    assert not Membership.objects.filter(user=user).exists()


def test_the_session_key_changes_on_registration(client: Client, db) -> None:
    session = client.session
    session["planted"] = "by an attacker"
    session.save()
    client.cookies["whatsflow_session"] = session.session_key
    planted = session.session_key
    client.post(REGISTER, NEW)
    assert client.session.session_key != planted


def test_registration_can_be_closed(client: Client, db, settings) -> None:
    settings.REGISTRATION_OPEN = False
    response = client.post(REGISTER, NEW)
    assert response.status_code == 403
    assert "by invitation only" in response.content.decode()
    assert not User.objects.exists()


def test_a_flood_of_registrations_is_slowed_down(client: Client, db, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "REGISTRATIONS_PER_HOUR", 1)
    client.post(REGISTER, NEW)
    client.logout()
    response = client.post(REGISTER, {**NEW, "email": "second@example.com"})
    assert response.status_code in (422, 429)
    assert "Wait an hour" in response.content.decode()
    assert User.objects.count() == 1


def test_somebody_signed_in_is_sent_home(client_of, owner: User, business) -> None:
    assert client_of(owner).get(REGISTER)["Location"] == "/"

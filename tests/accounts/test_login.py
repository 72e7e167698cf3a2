"""Signing in: the page, the session, where it leads."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.test import Client

from accounts.models import User
from tests.accounts.pages import without_tokens

LOGIN = "/accounts/login/"


def sign_in(client: Client, user: User, password: str, **data: str):
    return client.post(LOGIN, {"username": user.email, "password": password, **data})


def test_a_user_signs_in_with_address_and_password(
    client: Client, owner: User, business, password: str
) -> None:
    response = sign_in(client, owner, password)
    assert response.status_code == 302
    assert response["Location"] == "/"
    assert client.session["_auth_user_id"] == str(owner.pk)


def test_capitals_and_blanks_in_the_address_make_no_difference(
    client: Client, owner: User, password: str
) -> None:
    response = client.post(LOGIN, {"username": "  OWNER@Example.com ", "password": password})
    assert response.status_code == 302


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(
    client: Client, owner: User, password: str
) -> None:
    wrong = client.post(LOGIN, {"username": owner.email, "password": "not this one"})
    unknown = client.post(LOGIN, {"username": "nobody@example.com", "password": "not this one"})
    assert wrong.status_code == unknown.status_code == 422
    assert [str(error) for error in wrong.context["form"].non_field_errors()] == [
        str(error) for error in unknown.context["form"].non_field_errors()
    ]
    pages = [
        without_tokens(wrong).replace(owner.email, ""),
        without_tokens(unknown).replace("nobody@example.com", ""),
    ]
    assert pages[0] == pages[1]


def test_an_unknown_address_costs_a_password_check_too(
    client: Client, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = []
    monkeypatch.setattr(User, "set_password", lambda user, raw: hashed.append(raw))
    client.post(LOGIN, {"username": "nobody@example.com", "password": "not this one"})
    assert hashed == ["not this one"]


def test_somebody_switched_off_cannot_sign_in_and_learns_nothing(
    client: Client, owner: User, password: str
) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)
    response = sign_in(client, owner, password)
    assert response.status_code == 422
    assert "Both may be wrong" in response.content.decode()


def test_switching_a_user_off_ends_what_they_have_open(client_of, owner: User, business) -> None:
    client = client_of(owner)
    assert client.get("/accounts/team/").status_code == 200
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert client.get("/accounts/team/").status_code == 302


def test_the_session_gets_a_new_key_when_somebody_signs_in(
    client: Client, owner: User, password: str
) -> None:
    session = client.session
    session["planted"] = "by an attacker"
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    planted = session.session_key
    sign_in(client, owner, password)
    assert client.session.session_key != planted
    stale = Client()
    stale.cookies[settings.SESSION_COOKIE_NAME] = planted
    assert stale.get("/accounts/profile/").status_code == 302


def test_the_session_ends_with_the_browser_unless_asked_otherwise(
    client: Client, owner: User, password: str
) -> None:
    response = sign_in(client, owner, password)
    cookie = response.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["max-age"] == ""
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"


def test_the_session_lasts_when_the_device_is_to_be_remembered(
    client: Client, owner: User, password: str
) -> None:
    response = sign_in(client, owner, password, remember="on")
    assert response.cookies[settings.SESSION_COOKIE_NAME]["max-age"] == settings.SESSION_COOKIE_AGE


def test_next_leads_to_a_page_of_this_site(client: Client, owner: User, business, password: str) -> None:
    assert sign_in(client, owner, password, next="/accounts/team/")["Location"] == "/accounts/team/"


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "/\\evil.example",
        "http:///evil.example",
    ],
)
def test_next_never_leads_elsewhere(client: Client, owner: User, password: str, target: str) -> None:
    assert sign_in(client, owner, password, next=target)["Location"] == "/"


def test_somebody_signed_in_is_sent_home(client_of, owner: User, business) -> None:
    assert client_of(owner).get(LOGIN)["Location"] == "/"


def test_the_fields_are_labelled_for_password_managers(client: Client, db) -> None:
    page = client.get(LOGIN).content.decode()
    assert 'autocomplete="username"' in page
    assert 'autocomplete="current-password"' in page

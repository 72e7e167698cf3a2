"""No form of accounts can be sent from another site."""

from __future__ import annotations

from uuid import uuid4

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

from accounts.models import User

OPEN = ["login", "login_code", "register", "password_reset", "invitation"]
SIGNED_IN = [
    "logout",
    "password_change",
    "profile",
    "email_change",
    "business_create",
    "business_edit",
    "business_delete",
    "business_switch",
    "invite",
    "team_leave",
    "key_create",
    "origins",
    "close",
    "second_step",
]
WITH_ID = {
    "member_role": "membership_id",
    "member_remove": "membership_id",
    "invitation_revoke": "invitation_id",
    "key_rotate": "key_id",
    "key_revoke": "key_id",
}
READ_ONLY = {
    "team",
    "own_data",
    "keys",
    "password_reset_done",
    "password_reset_complete",
    "invitation_accept",
}
BY_TOKEN = {"password_reset_confirm"}


@pytest.mark.parametrize("name", OPEN)
def test_open_forms_refuse_a_post_without_a_token(db, name: str) -> None:
    assert Client(enforce_csrf_checks=True).post(reverse(f"accounts:{name}")).status_code == 403


@pytest.mark.parametrize("name", SIGNED_IN)
def test_forms_of_members_refuse_a_post_without_a_token(client_of, owner: User, business, name: str) -> None:
    client = client_of(owner, csrf=True)
    assert client.post(reverse(f"accounts:{name}")).status_code == 403
    assert client.get("/accounts/profile/").status_code == 200


@pytest.mark.parametrize(("name", "argument"), WITH_ID.items())
def test_buttons_refuse_a_post_without_a_token(
    client_of, owner: User, business, name: str, argument: str
) -> None:
    url = reverse(f"accounts:{name}", kwargs={argument: uuid4()})
    assert client_of(owner, csrf=True).post(url).status_code == 403


def test_the_reset_form_refuses_a_post_without_a_token(db) -> None:
    url = reverse("accounts:password_reset_confirm", args=["x", "set-password"])
    assert Client(enforce_csrf_checks=True).post(url).status_code == 403


def test_every_route_is_covered_here() -> None:
    resolver = next(
        part for part in get_resolver().url_patterns if getattr(part, "app_name", "") == "accounts"
    )
    names = {pattern.name for pattern in resolver.url_patterns}
    assert names == {*OPEN, *SIGNED_IN, *WITH_ID, *READ_ONLY, *BY_TOKEN}


def test_a_token_from_the_page_is_accepted(db, owner: User, password: str) -> None:
    client = Client(enforce_csrf_checks=True)
    token = str(client.get("/accounts/login/").context["csrf_token"])
    response = client.post(
        "/accounts/login/", {"username": owner.email, "password": password, "csrfmiddlewaretoken": token}
    )
    assert response.status_code == 302

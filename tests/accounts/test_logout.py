"""Signing out."""

from __future__ import annotations

from django.conf import settings
from django.test import Client

from accounts.models import User


def test_signing_out_ends_the_session(client_of, owner: User, business) -> None:
    client = client_of(owner)
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert client.post("/accounts/logout/")["Location"] == "/accounts/login/"
    thief = Client()
    thief.cookies[settings.SESSION_COOKIE_NAME] = key
    assert thief.get("/accounts/profile/").status_code == 302


def test_a_link_cannot_sign_anybody_out(client_of, owner: User, business) -> None:
    client = client_of(owner)
    assert client.get("/accounts/logout/").status_code == 405
    assert client.get("/accounts/profile/").status_code == 200

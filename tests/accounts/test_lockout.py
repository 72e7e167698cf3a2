"""Guessing passwords: paused per account and address of the client."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.tokens import default_token_generator
from django.test import Client, RequestFactory
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts.lockout import client_address
from accounts.models import User
from accounts.views import locked_out
from tests.accounts.pages import without_tokens

pytestmark = pytest.mark.services

LOGIN = "/accounts/login/"


def guess(client: Client, email: str, times: int = 5, **extra: str):
    response = None
    for number in range(times):
        response = client.post(LOGIN, {"username": email, "password": f"guess {number}"}, **extra)
    return response


def test_five_wrong_passwords_pause_the_account_for_this_address(
    client: Client, owner: User, password: str
) -> None:
    response = guess(client, owner.email)
    assert response.status_code == 429
    assert response["Retry-After"] == "900"
    assert "Try again in 15 minutes" in response.content.decode()
    assert client.post(LOGIN, {"username": owner.email, "password": password}).status_code == 429


def test_an_unknown_address_is_paused_with_the_same_words(client: Client, owner: User) -> None:
    with time_machine.travel(timezone.now(), tick=False):
        known, unknown = guess(client, owner.email), guess(client, "nobody@example.com")
    assert known.status_code == unknown.status_code == 429
    assert "nobody" not in unknown.content.decode()
    assert without_tokens(known) == without_tokens(unknown)


def test_capitals_do_not_make_fresh_attempts(client: Client, owner: User) -> None:
    guess(client, "owner@example.com", 3)
    assert guess(client, "OWNER@EXAMPLE.COM", 2).status_code == 429


def test_a_program_is_told_in_json(rf) -> None:
    answer = locked_out(rf.post("/api/v1/auth/token/"))
    assert answer.status_code == 429
    assert json.loads(answer.content)["error"]["code"] == "locked_out"


def test_others_can_sign_in_meanwhile(client: Client, owner: User, stranger: User, password: str) -> None:
    guess(client, owner.email)
    assert client.post(LOGIN, {"username": stranger.email, "password": password}).status_code == 302
    elsewhere = Client(REMOTE_ADDR="198.51.100.7")
    assert elsewhere.post(LOGIN, {"username": owner.email, "password": password}).status_code == 302


def test_one_address_cannot_try_a_few_passwords_of_each_of_many_accounts(
    client: Client, owner: User, stranger: User, password: str, settings
) -> None:
    settings.ADDRESS_FAILURE_LIMIT = 6
    for number in range(6):
        assert guess(client, f"customer{number}@example.com", 1).status_code == (422 if number < 5 else 429)
    assert client.post(LOGIN, {"username": owner.email, "password": password}).status_code == 429
    elsewhere = Client(REMOTE_ADDR="198.51.100.7")
    assert elsewhere.post(LOGIN, {"username": owner.email, "password": password}).status_code == 302
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        assert client.post(LOGIN, {"username": stranger.email, "password": password}).status_code == 302


def test_a_right_password_does_not_forgive_what_the_address_tried_elsewhere(
    client: Client, owner: User, password: str, settings
) -> None:
    settings.ADDRESS_FAILURE_LIMIT = 4
    for number in range(3):
        guess(client, f"customer{number}@example.com", 1)
    assert client.post(LOGIN, {"username": owner.email, "password": password}).status_code == 302
    assert guess(Client(), "another@example.com", 1).status_code == 429


def test_a_made_up_forwarded_address_does_not_help(client: Client, owner: User) -> None:
    for number in range(4):
        guess(client, owner.email, 1, HTTP_X_FORWARDED_FOR=f"203.0.113.{number}")
    assert guess(client, owner.email, 1, HTTP_X_FORWARDED_FOR="203.0.113.99").status_code == 429


def test_the_pause_ends(client: Client, owner: User, password: str) -> None:
    guess(client, owner.email)
    with time_machine.travel(timezone.now() + timedelta(minutes=16)):
        assert client.post(LOGIN, {"username": owner.email, "password": password}).status_code == 302


def test_a_new_password_by_mail_ends_the_pause(client: Client, owner: User) -> None:
    guess(client, owner.email)
    uid = urlsafe_base64_encode(force_bytes(owner.pk))
    link = f"/accounts/password/reset/{uid}/{default_token_generator.make_token(owner)}/"
    form = client.get(link)["Location"]
    client.post(form, {"new_password": "a new and long one"})
    response = client.post(LOGIN, {"username": owner.email, "password": "a new and long one"})
    assert response.status_code == 302


def test_operators_sign_in_through_the_same_door(client: Client, db, password: str) -> None:
    operator = User.objects.create_superuser("root@example.com", password)
    assert client.get("/admin/login/?next=/admin/")["Location"] == f"{LOGIN}?next=/admin/"
    response = client.post("/admin/login/", {"username": operator.email, "password": password})
    assert response["Location"].startswith(LOGIN)
    assert client.get("/admin/").status_code == 302
    assert guess(client, "Root@example.com").status_code == 429
    assert client.post(LOGIN, {"username": operator.email, "password": password}).status_code == 429


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "203.0.113.9", "127.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "1.2.3.4, 203.0.113.9", "203.0.113.9"),
        (2, "1.2.3.4, 203.0.113.9, 10.0.0.2", "203.0.113.9"),
        (2, "203.0.113.9", "127.0.0.1"),
        (1, "", "127.0.0.1"),
    ],
)
def test_the_clients_address_is_what_our_own_proxies_saw(settings, proxies, forwarded, expected) -> None:
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", HTTP_X_FORWARDED_FOR=forwarded)
    assert client_address(request) == expected

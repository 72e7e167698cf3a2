"""A forgotten password."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import tasks
from accounts.models import AuditEntry, User
from accounts.views import sessions
from tests.accounts.pages import without_tokens

RESET = "/accounts/password/reset/"
NEW = "a new and long one"


def link_for(client: Client, user: User) -> str:
    client.post(RESET, {"email": user.email})
    match = re.search(r"http://[^/]+(/accounts/password/reset/\S+)", str(mail.outbox[-1].body))
    assert match
    return match.group(1)


def test_a_known_and_an_unknown_address_get_the_same_answer(client: Client, owner: User) -> None:
    known = client.post(RESET, {"email": owner.email}, follow=True)
    unknown = client.post(RESET, {"email": "nobody@example.com"}, follow=True)
    assert known.redirect_chain == unknown.redirect_chain
    assert without_tokens(known) == without_tokens(unknown)
    assert [message.to for message in mail.outbox] == [[owner.email]]


def test_the_page_itself_does_the_same_work_for_every_address(
    client: Client, owner: User, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries
) -> None:
    queued = []
    monkeypatch.setattr(tasks.send_password_reset, "delay", queued.append)
    for address in (owner.email, "nobody@example.com"):
        with django_assert_num_queries(0):
            client.post(RESET, {"email": address})
    assert queued == [owner.email, "nobody@example.com"]


def test_a_broker_that_is_down_changes_nothing_in_the_answer(
    client: Client, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(email: str) -> None:
        raise ConnectionError

    monkeypatch.setattr(tasks.send_password_reset, "delay", refuse)
    assert client.post(RESET, {"email": owner.email}).status_code == 302


def test_the_link_sets_a_new_password_and_signs_nobody_in(client: Client, owner: User) -> None:
    form = client.get(link_for(client, owner))["Location"]
    response = client.post(form, {"new_password": NEW}, follow=True)
    assert response.redirect_chain == [("/accounts/password/reset/complete/", 302)]
    assert "_auth_user_id" not in client.session
    assert client.get("/accounts/profile/").status_code == 302
    owner.refresh_from_db()
    assert owner.check_password(NEW)
    assert AuditEntry.objects.filter(action="user.password_reset", actor=owner).exists()


def test_a_reset_ends_every_session(client: Client, client_of, owner: User, business) -> None:
    signed_in = client_of(owner)
    form = client.get(link_for(client, owner))["Location"]
    client.post(form, {"new_password": NEW})
    assert signed_in.get("/accounts/profile/").status_code == 302


def test_a_link_works_once(client: Client, owner: User) -> None:
    link = link_for(client, owner)
    form = client.get(link)["Location"]
    client.post(form, {"new_password": NEW})
    again = Client()
    assert "no longer works" in again.get(link).content.decode()
    again.post(form, {"new_password": "and yet another one"})
    owner.refresh_from_db()
    assert owner.check_password(NEW)


def test_a_link_is_too_old_after_two_hours(client: Client, owner: User) -> None:
    link = link_for(client, owner)
    with time_machine.travel(timezone.now() + timedelta(hours=2, minutes=1)):
        assert "no longer works" in client.get(link).content.decode()


def test_the_token_does_not_stay_in_the_address_bar(client: Client, owner: User) -> None:
    link = link_for(client, owner)
    assert client.get(link)["Location"].endswith("/set-password/")


def test_a_weak_new_password_is_refused(client: Client, owner: User, password: str) -> None:
    form = client.get(link_for(client, owner))["Location"]
    assert client.post(form, {"new_password": "short"}).status_code == 422
    owner.refresh_from_db()
    assert owner.check_password(password)


def test_somebody_switched_off_gets_no_link(client: Client, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)
    client.post(RESET, {"email": owner.email})
    assert not mail.outbox


def test_the_link_does_not_follow_a_forged_host(client: Client, owner: User, settings) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    client.post(RESET, {"email": owner.email}, HTTP_HOST="evil.example")
    assert "evil.example" not in str(mail.outbox[-1].body)


def test_nobody_can_flood_a_mailbox(client: Client, owner: User) -> None:
    answers = {
        client.post(RESET, {"email": owner.email}).status_code for _ in range(sessions.RESETS_PER_ADDRESS + 3)
    }
    assert answers == {302}
    assert len(mail.outbox) == sessions.RESETS_PER_ADDRESS

"""Changing one's password."""

from __future__ import annotations

from django.conf import settings
from django.test import Client

from accounts.events import SessionsEnded
from accounts.models import AuditEntry, User
from accounts.services import reauthentication, users
from tests.accounts.events import recorded

CHANGE = "/accounts/password/"
NEW = "a new and long one"


def test_a_new_password_ends_the_other_sessions_and_keeps_this_one(
    client_of, owner: User, business, password: str
) -> None:
    here, elsewhere = client_of(owner), client_of(owner)
    before = here.cookies[settings.SESSION_COOKIE_NAME].value
    response = here.post(CHANGE, {"current_password": password, "new_password": NEW})
    assert response.status_code == 302
    assert here.get("/accounts/profile/").status_code == 200
    assert here.cookies[settings.SESSION_COOKIE_NAME].value != before
    assert elsewhere.get("/accounts/profile/").status_code == 302
    assert AuditEntry.objects.filter(action="user.password_changed", actor=owner).count() == 1


def test_the_current_password_is_required(client_of, owner: User, business, password: str) -> None:
    response = client_of(owner).post(CHANGE, {"current_password": "not this one", "new_password": NEW})
    assert response.status_code == 422
    assert response.context["form"].errors["current_password"]
    owner.refresh_from_db()
    assert owner.check_password(password)


def test_a_borrowed_session_is_no_place_to_guess_the_password(
    client_of, owner: User, stranger: User, business, password: str
) -> None:
    client = client_of(owner)
    for number in range(reauthentication.WRONG_PER_HOUR):
        page = CHANGE if number % 2 else "/accounts/email/"
        sent = {
            "current_password": "a guess",
            "new_password": NEW,
            "password": "a guess",
            "email": "x@example.com",
        }
        assert client.post(page, sent).status_code == 422
    response = client.post(CHANGE, {"current_password": password, "new_password": NEW})
    assert response.status_code == 429
    owner.refresh_from_db()
    assert owner.check_password(password)
    own = client_of(stranger).post(CHANGE, {"current_password": password, "new_password": NEW})
    assert own.status_code == 302


def test_a_weak_password_is_refused(client_of, owner: User, business, password: str) -> None:
    response = client_of(owner).post(CHANGE, {"current_password": password, "new_password": "1234567890123"})
    assert response.status_code == 422
    assert response.context["form"].errors["new_password"]


def test_live_sockets_are_told_in_every_business(owner: User, business, password: str) -> None:
    with recorded(SessionsEnded) as events:
        users.change_password(owner, current=password, new=NEW)
    assert [(event.business_id, event.user_id) for event in events] == [(business.pk, owner.pk)]


def test_only_somebody_signed_in_has_this_page(client: Client, db) -> None:
    assert client.get(CHANGE)["Location"] == f"/accounts/login/?next={CHANGE}"

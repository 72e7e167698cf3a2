"""The second step of signing in: a code of an app, recovery codes, and nothing that gets around it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

import pytest
import time_machine
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.contrib.auth.tokens import default_token_generator
from django.db import connection as database
from django.test import Client
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts.models import AuditEntry, RecoveryCode, SecondFactor, User
from accounts.services import two_factor

pytestmark = pytest.mark.services

ClientOf = Callable[..., Client]
LOGIN = "/accounts/login/"
CODE = "/accounts/login/code/"
PAGE = "/accounts/second-step/"
STEP = timedelta(seconds=30)


def code_of(user: User, at: datetime | None = None) -> str:
    """What the app shows at a time."""
    secret = SecondFactor.objects.get(user=user).secret
    moment = at or timezone.now()
    return TOTP(base64.b32decode(secret), 6, SHA1(), 30).generate(int(moment.timestamp())).decode()


@pytest.fixture
def clock():
    """Time stands still and goes on by a step for each code."""
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        yield traveller


@pytest.fixture
def recovery(owner: User, password: str, clock) -> list[str]:
    """The owner has turned it on; the recovery codes."""
    two_factor.begin(owner)
    codes = two_factor.turn_on(owner, password=password, code=code_of(owner))
    clock.shift(STEP)
    return codes


def password_step(client: Client, user: User, password: str, **data: str):
    return client.post(LOGIN, {"username": user.email, "password": password, **data})


def test_a_person_turns_it_on_with_a_code_and_the_password(
    client_of: ClientOf, owner: User, business, password: str
) -> None:
    client = client_of(owner)
    page = client.get(PAGE).content.decode()
    assert "<svg" in page
    assert client.post(PAGE, {"code": "000000", "password": password}).status_code == 422
    assert client.post(PAGE, {"code": code_of(owner), "password": "a guess"}).status_code == 422
    assert not two_factor.is_on(owner)
    shown = client.post(PAGE, {"code": code_of(owner), "password": password}).content.decode()
    codes = re.findall(r"\b[a-z2-7]{4}(?:-[a-z2-7]{4}){3}\b", shown)
    assert len(set(codes)) == two_factor.RECOVERY_CODES
    assert AuditEntry.objects.filter(action="user.second_factor_on", actor=owner).count() == 1
    with database.cursor() as cursor:
        cursor.execute("SELECT secret FROM second_factors")
        stored = cursor.fetchone()[0]
    assert SecondFactor.objects.get().secret not in stored
    assert not RecoveryCode.objects.filter(code_hash__in=codes).exists()


def test_the_password_alone_signs_nobody_in(
    client: Client, owner: User, business, password: str, recovery: list[str]
) -> None:
    response = password_step(client, owner, password, next="/accounts/team/", remember="on")
    assert response["Location"] == CODE
    assert client.get("/inbox/").status_code == 302
    assert client.post(CODE, {"code": "000000"}).status_code == 422
    assert client.get("/inbox/").status_code == 302
    response = client.post(CODE, {"code": code_of(owner)})
    assert response["Location"] == "/accounts/team/"
    assert client.get("/inbox/").status_code == 200
    assert client.get(CODE)["Location"] == LOGIN


def test_a_code_counts_once(owner: User, password: str, recovery: list[str]) -> None:
    code = code_of(owner)
    first, second = Client(), Client()
    for one in (first, second):
        password_step(one, owner, password)
    assert first.post(CODE, {"code": code}).status_code == 302
    assert second.post(CODE, {"code": code}).status_code == 422


@pytest.mark.parametrize(("steps", "status"), [(-2, 422), (-1, 302), (0, 302), (1, 302), (2, 422)])
def test_a_phones_clock_may_be_a_little_off(
    client: Client, owner: User, password: str, recovery: list[str], clock, steps: int, status: int
) -> None:
    clock.shift(10 * STEP)
    password_step(client, owner, password)
    assert client.post(CODE, {"code": code_of(owner, timezone.now() + steps * STEP)}).status_code == status


def test_a_recovery_code_stands_in_once(
    client: Client, owner: User, password: str, recovery: list[str]
) -> None:
    for status in (302, 422):
        password_step(client, owner, password)
        assert client.post(CODE, {"code": f" {recovery[3].upper()} "}).status_code == status
        client.post("/accounts/logout/")
    assert two_factor.recovery_codes_left(owner) == two_factor.RECOVERY_CODES - 1
    assert AuditEntry.objects.filter(action="user.recovery_code_used").count() == 1


def test_codes_are_not_guessed(client: Client, owner: User, password: str, recovery: list[str]) -> None:
    password_step(client, owner, password)
    wrong = (f"{number:06d}" for number in count() if f"{number:06d}" != code_of(owner))
    for _ in range(two_factor.WRONG_PER_HOUR):
        assert client.post(CODE, {"code": next(wrong)}).status_code == 422
    elsewhere = Client(REMOTE_ADDR="198.51.100.7")
    password_step(elsewhere, owner, password)
    for one in (client, elsewhere):
        assert one.post(CODE, {"code": code_of(owner)}).status_code == 429


def test_the_code_must_follow_its_password_soon_and_with_the_same_password(
    client: Client, owner: User, password: str, recovery: list[str], clock
) -> None:
    password_step(client, owner, password)
    clock.shift(timedelta(minutes=11))
    assert client.post(CODE, {"code": code_of(owner)})["Location"] == LOGIN
    password_step(client, owner, password)
    owner.set_password("another one altogether")
    owner.save()
    assert client.post(CODE, {"code": code_of(owner)})["Location"] == LOGIN
    assert client.get("/accounts/profile/").status_code == 302
    assert Client().get(CODE)["Location"] == LOGIN


def test_a_reset_password_does_not_get_around_it(
    client: Client, owner: User, business, recovery: list[str]
) -> None:
    uid = urlsafe_base64_encode(force_bytes(owner.pk))
    link = f"/accounts/password/reset/{uid}/{default_token_generator.make_token(owner)}/"
    client.post(client.get(link)["Location"], {"new_password": "a new and long one"})
    assert password_step(client, owner, "a new and long one")["Location"] == CODE
    assert client.get("/inbox/").status_code == 302
    sent = {"email": owner.email, "password": "a new and long one"}
    assert client.post("/api/v1/auth/login", sent, "application/json").status_code == 401


def test_the_api_asks_for_the_code_too(
    client: Client, owner: User, business, password: str, recovery: list[str]
) -> None:
    def log_in(**more: str):
        sent = {"email": owner.email, "password": password, **more}
        return client.post("/api/v1/auth/login", sent, "application/json")

    without = log_in()
    assert (without.status_code, without.json()["error"]["code"]) == (401, "second_factor_required")
    wrong = log_in(code="000000")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "wrong_code")
    assert log_in(code=code_of(owner)).status_code == 200


def test_the_operators_pages_are_no_way_around_it(client: Client, password: str, db, clock) -> None:
    operator = User.objects.create_superuser("root@example.com", password)
    two_factor.begin(operator)
    two_factor.turn_on(operator, password=password, code=code_of(operator))
    clock.shift(STEP)
    client.post("/admin/login/", {"username": operator.email, "password": password})
    assert client.get("/admin/").status_code == 302
    assert password_step(client, operator, password, next="/admin/")["Location"] == CODE
    assert client.post(CODE, {"code": code_of(operator)})["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_it_is_turned_off_with_password_and_code(
    client_of: ClientOf, client: Client, owner: User, business, password: str, recovery: list[str]
) -> None:
    signed_in = client_of(owner)
    assert signed_in.post(PAGE, {"code": "000000", "password": password}).status_code == 422
    assert two_factor.is_on(owner)
    assert signed_in.post(PAGE, {"code": recovery[0], "password": password}).status_code == 302
    assert not RecoveryCode.objects.exists()
    assert password_step(client, owner, password)["Location"] == "/"


def test_an_operator_helps_who_lost_phone_and_codes(
    client_of: ClientOf, client: Client, owner: User, business, password: str, recovery: list[str]
) -> None:
    operator = client_of(User.objects.create_superuser("root@example.com", "x"))
    sent = {"action": "remove_second_factor", "_selected_action": str(owner.pk)}
    operator.post("/admin/accounts/user/", sent)
    assert password_step(client, owner, password)["Location"] == "/"
    assert AuditEntry.objects.get(action="user.second_factor_off").target_id == str(owner.pk)

"""Tokens: getting them, renewing them, and everything that ends them."""

from datetime import timedelta

import jwt
import pytest
import time_machine
from django.conf import settings as django_settings

from accounts.models import TokenSession, User
from accounts.services import api_sessions, team, tokens, users
from tests.factories import PASSWORD

pytestmark = pytest.mark.services

PERSON = {"email": "new@example.com", "password": "a very long sentence", "fullName": "Nina New"}


def login(caller, user, password=PASSWORD):
    return caller.post("auth/login", {"email": user.email, "password": password})


# -- POST /auth/register -----------------------------------------------------------------------------


def test_post_auth_register_makes_a_person_with_a_business_and_signs_them_in(anonymous):
    answer = anonymous.post("auth/register", {**PERSON, "businessName": "New Shop"})
    data = answer.json()["data"]
    assert answer.status_code == 201
    assert data["user"]["email"] == "new@example.com"
    assert [one["businessName"] for one in data["businesses"]] == ["New Shop"]
    me = anonymous.get("auth/me", authorization=f"Bearer {data['access']}")
    assert me.json()["data"]["role"] == "owner"


def test_a_weak_password_is_told_and_makes_nobody(anonymous):
    answer = anonymous.post("auth/register", {**PERSON, "password": "password12"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "weak_password")
    assert not User.objects.filter(email=PERSON["email"]).exists()


def test_registering_can_be_closed(anonymous, settings):
    settings.REGISTRATION_OPEN = False
    assert anonymous.post("auth/register", PERSON).status_code == 403


# -- POST /auth/login --------------------------------------------------------------------------------


def test_post_auth_login_gives_tokens_that_work(anonymous, owner, business):
    answer = login(anonymous, owner)
    data = answer.json()["data"]
    assert (answer.status_code, data["expiresIn"]) == (200, 900)
    assert anonymous.get("business", authorization=f"Bearer {data['access']}").status_code == 200


def test_a_wrong_password_and_a_stranger_look_the_same(anonymous, owner):
    wrong = login(anonymous, owner, "wrong password")
    nobody = anonymous.post("auth/login", {"email": "nobody@example.com", "password": "wrong password"})
    assert wrong.status_code == nobody.status_code == 401
    assert wrong.json() == nobody.json()


def test_guessing_locks_the_account_for_that_address(anonymous, owner):
    for _ in range(5):
        answer = login(anonymous, owner, "wrong password")
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "locked_out")
    assert int(answer["Retry-After"]) > 0
    assert login(anonymous, owner).status_code == 429


def test_a_right_password_forgets_the_wrong_ones(anonymous, owner):
    for _ in range(3):
        login(anonymous, owner, "wrong password")
    assert login(anonymous, owner).status_code == 200
    for _ in range(3):
        login(anonymous, owner, "wrong password")
    assert login(anonymous, owner).status_code == 200


# -- POST /auth/refresh ------------------------------------------------------------------------------


def test_post_auth_refresh_gives_the_next_pair(anonymous, owner, business):
    first = tokens.open_session(owner)
    answer = anonymous.post("auth/refresh", {"refresh": first.refresh})
    second = answer.json()["data"]
    assert answer.status_code == 200
    assert second["refresh"] != first.refresh
    assert anonymous.get("business", authorization=f"Bearer {second['access']}").status_code == 200


def test_a_refresh_token_that_was_used_long_ago_ends_the_session(anonymous, owner, business):
    first = tokens.open_session(owner)
    second = anonymous.post("auth/refresh", {"refresh": first.refresh}).json()["data"]
    with time_machine.travel(tokens.now() + timedelta(minutes=1)):
        assert anonymous.post("auth/refresh", {"refresh": first.refresh}).status_code == 401
        assert anonymous.post("auth/refresh", {"refresh": second["refresh"]}).status_code == 401
        assert anonymous.get("business", authorization=f"Bearer {second['access']}").status_code == 401


def test_a_repetition_by_a_lost_answer_does_not_end_the_session(anonymous, owner):
    first = tokens.open_session(owner)
    second = anonymous.post("auth/refresh", {"refresh": first.refresh}).json()["data"]
    assert anonymous.post("auth/refresh", {"refresh": first.refresh}).status_code == 401
    assert anonymous.post("auth/refresh", {"refresh": second["refresh"]}).status_code == 200


# -- POST /auth/logout -------------------------------------------------------------------------------


def test_post_auth_logout_ends_both_tokens(anonymous, owner, business):
    pair = tokens.open_session(owner)
    other = tokens.open_session(owner)
    assert anonymous.post("auth/logout", {"refresh": pair.refresh}).status_code == 204
    assert anonymous.get("business", authorization=f"Bearer {pair.access}").status_code == 401
    assert anonymous.post("auth/refresh", {"refresh": pair.refresh}).status_code == 401
    assert anonymous.get("business", authorization=f"Bearer {other.access}").status_code == 200


# -- what ends access --------------------------------------------------------------------------------


def test_a_new_password_ends_tokens(as_person, anonymous, owner, business):
    pair = tokens.open_session(owner)
    users.change_password(owner, current=PASSWORD, new="another long sentence")
    assert anonymous.get("business", authorization=f"Bearer {pair.access}").status_code == 401
    assert anonymous.post("auth/refresh", {"refresh": pair.refresh}).status_code == 401


def test_leaving_the_team_ends_tokens(as_person, owner, teammate, business):
    caller = as_person(teammate)
    assert caller.get("business").status_code == 200
    membership = teammate.memberships.get()
    team.remove(business, owner, membership.pk)
    assert caller.get("business").status_code == 401


def test_a_switched_off_account_has_no_access(as_person, owner, business):
    caller = as_person(owner)
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert caller.get("business").status_code == 401


def test_an_access_token_expires(as_person, owner, business):
    caller = as_person(owner)
    with time_machine.travel(tokens.now() + timedelta(minutes=16)):
        answer = caller.get("business")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "token_expired")
    assert answer["WWW-Authenticate"].startswith("Bearer")


def forged(owner, **changes):
    """Claims of a valid access token with some of them changed, and the keyword arguments for signing it."""
    pair = tokens.open_session(owner)
    key = django_settings.SIMPLE_JWT["SIGNING_KEY"]
    claims = jwt.decode(pair.access, key, algorithms=["HS256"], audience="whatsflow-api")
    signing = {"key": changes.pop("key", key), "algorithm": changes.pop("algorithm", "HS256")}
    claims.update(changes)
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, **signing)


@pytest.mark.parametrize(
    "changes",
    [
        {"key": "x" * 64},
        {"key": None, "algorithm": "none"},
        {"algorithm": "HS512"},
        {"aud": "another-site"},
        {"aud": None},
        {"iss": "somebody"},
        {"token_type": "refresh"},
        {"token_type": None},
        {"exp": None},
        {"jti": None},
        {"sid": None},
        {"sid": "x"},
        {"user_id": "0198a6f0-0000-7000-8000-000000000000"},
        {"user_id": None},
        {"hash_password": None},
    ],
    ids=str,
)
def test_a_forged_token_opens_nothing(anonymous, owner, business, changes):
    token = forged(owner, **changes)
    answer = anonymous.get("business", authorization=f"Bearer {token}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_token")


def test_the_same_token_unforged_works(anonymous, owner, business):
    assert anonymous.get("business", authorization=f"Bearer {forged(owner)}").status_code == 200


def test_a_refresh_token_is_no_access_token(anonymous, owner, business):
    pair = tokens.open_session(owner)
    assert anonymous.get("business", authorization=f"Bearer {pair.refresh}").status_code == 401
    assert anonymous.post("auth/refresh", {"refresh": pair.access}).status_code == 401


@pytest.mark.parametrize("header", ["Basic eDp5", "Bearer", "Bearer ", "bearer x.y.z", "x", "Bearer é"])
def test_odd_headers_are_refused(anonymous, owner, business, header):
    assert anonymous.get("business", authorization=header).status_code == 401


def test_sessions_are_forgotten_when_their_tokens_have_expired(owner):
    tokens.open_session(owner)
    with time_machine.travel(tokens.now() + timedelta(days=31)):
        api_sessions.prune()
    assert not TokenSession.objects.exists()


# -- GET /auth/me, choosing a business ---------------------------------------------------------------


def test_get_auth_me_tells_who_acts_where(as_person, teammate, business):
    data = as_person(teammate).get("auth/me").json()["data"]
    assert data["user"]["email"] == teammate.email
    assert (data["business"]["id"], data["role"], data["apiKey"]) == (str(business.pk), "agent", None)


def test_a_person_without_a_business_can_create_one(as_person, stranger):
    caller = as_person(stranger)
    assert caller.get("auth/me").json()["data"]["business"] is None
    assert caller.get("business").json()["error"]["code"] == "no_business"
    assert caller.post("business", {"businessName": "Mine"}).status_code == 201
    assert caller.get("business").json()["data"]["businessName"] == "Mine"


def test_people_choose_among_their_businesses(as_person, owner, business, other_business):
    team_of_other = other_business.memberships.create(user=owner, role="viewer")
    caller = as_person(owner)
    assert caller.get("business").json()["data"]["id"] == str(business.pk)
    chosen = caller.get("business", x_business_id=str(other_business.pk))
    assert chosen.json()["data"]["id"] == str(other_business.pk)
    team_of_other.delete()
    assert caller.get("business", x_business_id=str(other_business.pk)).status_code == 404
    assert caller.get("business", x_business_id="nonsense").status_code == 404

"""What every endpoint does alike: limits, repetitions, versions, sparse answers, refusals."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import IdempotencyRecord
from accounts.services import idempotency, origins
from contacts.services import tags
from tests.api.conftest import Caller

pytestmark = pytest.mark.services

PROFILE = {"businessName": "Blue Bakery"}


def code(answer):
    return answer.status_code, answer.json()["error"]["code"]


def faults(answer):
    return {(one["field"], one["code"]) for one in answer.json()["error"]["details"]}


# -- envelope and refusals ---------------------------------------------------------------------------


def test_answers_are_wrapped_and_name_the_request(program, business):
    answer = program.get("business")
    assert answer.json()["success"] is True
    assert len(answer["X-Request-Id"]) == 36
    assert answer["Cache-Control"] == "private, no-store"


def test_nobody_is_told_how_to_sign_in(anonymous, business):
    answer = anonymous.get("business")
    assert code(answer) == (401, "not_authenticated")
    assert answer["WWW-Authenticate"] == 'Bearer realm="WhatsFlow"'


def test_a_session_cookie_opens_nothing_here(client_of, owner, business):
    assert client_of(owner).get("/api/v1/business").status_code == 401


def test_unknown_parameters_are_refused_by_name(program):
    assert faults(program.get("business?colour=red")) == {("colour", "unknown_field")}


def test_repeated_parameters_are_refused(program):
    assert faults(program.get("team?limit=1&limit=2")) == {("limit", "repeated_parameter")}


def test_unknown_fields_are_refused_by_name(program):
    answer = program.patch("business", {"industry": "Bread", "userId": "x", "created_at": "x"})
    assert faults(answer) == {("userId", "unknown_field"), ("created_at", "unknown_field")}


@pytest.mark.parametrize("body", [{"businessName": 5}, {"businessName": None}, {"aiProfile": []}, []])
def test_other_types_are_refused(program, body):
    assert program.put("business", body).status_code == 400


def test_a_body_that_nobody_asked_for_is_refused(program):
    assert program.send("put", "business/origins", {"origins": [], "x": 1}).status_code == 400


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b'{"a": NaN}', b"\xff", b""])
def test_bodies_that_are_no_json_are_refused(program, body):
    answer = program._client.generic(
        "PUT",
        "/api/v1/business",
        body,
        "application/json",
        headers={"x-api-key": program.headers["x_api_key"]},
    )
    assert answer.status_code == 400
    assert answer.json()["success"] is False


def test_a_body_without_end_is_refused(program, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    assert code(program.put("business", {**PROFILE, "description": "x" * 2000})) == (413, "body_too_large")


def test_other_media_types_are_refused(program):
    answer = program._client.generic(
        "PUT", "/api/v1/business", b"a=1", "text/plain", headers={"x-api-key": program.headers["x_api_key"]}
    )
    assert answer.status_code == 415


def test_other_methods_are_refused_with_those_that_exist(program):
    answer = program.delete("business")
    assert code(answer) == (405, "method_not_allowed")
    assert answer["Allow"] == "GET, HEAD, POST, PUT, PATCH"
    assert code(program.send("options", "business")) == (405, "method_not_allowed")


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_unknown_addresses_answer_in_the_same_shape(program, method):
    assert code(program.send(method, "nothing/here")) == (404, "not_found")


def test_a_change_without_a_body_is_refused(program):
    assert faults(program.patch("business")) == {("body", "required")}
    assert program.patch("business", {}).status_code == 200


def test_text_holds_no_nul(program):
    assert faults(program.patch("business", {"industry": "a\0b"})) == {
        ("industry", "null_characters_not_allowed")
    }


# -- sparse answers ----------------------------------------------------------------------------------


def test_fields_leaves_out_the_rest(program, business):
    answer = program.get("business?fields=id,businessName")
    assert answer.json()["data"] == {"id": str(business.pk), "businessName": "Blue Bakery"}
    assert [set(one) for one in program.get("team?fields=role").json()["data"]] == [{"role"}]


def test_fields_that_do_not_exist_are_refused(program):
    assert program.get("business?fields=password").status_code == 400


def test_numbered_pages_tell_totals(program, teammate, viewer):
    answer = program.get("team?limit=2&page=2").json()
    assert answer["meta"] == {"page": 2, "limit": 2, "total": 3, "totalPages": 2}
    assert len(answer["data"]) == 1


# -- versions ----------------------------------------------------------------------------------------


def test_a_change_by_somebody_else_is_not_overwritten(program, business):
    seen = program.get("business")["ETag"]
    assert program.patch("business", {"industry": "Bread"}, if_match=seen).status_code == 200
    assert code(program.patch("business", {"industry": "Cakes"}, if_match=seen)) == (
        412,
        "precondition_failed",
    )
    assert code(program.put("business", PROFILE, if_match='"x"')) == (412, "precondition_failed")
    business.refresh_from_db()
    assert business.industry == "Bread"


def test_an_answer_to_a_change_tells_the_new_version(program):
    changed = program.patch("business", {"industry": "Bread"})
    assert changed["ETag"] == program.get("business")["ETag"]
    assert program.put("business", PROFILE, if_match=changed["ETag"]).status_code == 200
    assert program.put("business", PROFILE, if_match="*").status_code == 200


def test_what_is_unchanged_is_not_sent_again(program):
    seen = program.get("business")["ETag"]
    answer = program.get("business", if_none_match=seen)
    assert (answer.status_code, answer.content) == (304, b"")


def test_put_replaces_and_patch_changes(program):
    program.patch("business", {"industry": "Bread", "description": "Cakes"})
    assert program.patch("business", {"industry": "Pies"}).json()["data"]["description"] == "Cakes"
    assert program.put("business", PROFILE).json()["data"]["description"] == ""


# -- limits ------------------------------------------------------------------------------------------


def test_too_many_requests_are_told_when_to_come_back(program, settings):
    settings.API_REQUESTS_PER_KEY = 2
    left = [program.get("business")["RateLimit-Remaining"] for _ in range(2)]
    refused = program.get("business")
    assert left == ["1", "0"]
    assert code(refused) == (429, "throttled")
    assert 0 < int(refused["Retry-After"]) <= 60
    assert refused["RateLimit-Limit"] == "2"


def test_every_key_and_person_has_a_budget_of_their_own(as_program, as_person, business, owner, settings):
    settings.API_REQUESTS_PER_KEY = settings.API_REQUESTS_PER_USER = 1
    callers = [as_program(business), as_program(business), as_person(owner)]
    assert [caller.get("business").status_code for caller in callers] == [200, 200, 200]
    assert [caller.get("business").status_code for caller in callers] == [429, 429, 429]


def test_guessing_keys_uses_up_the_addresss_budget(anonymous, program, settings):
    settings.API_REQUESTS_PER_ADDRESS = 3
    guesses = [anonymous.get("business", x_api_key=f"wf_a_{n}").status_code for n in range(5)]
    assert guesses == [401, 401, 401, 429, 429]
    assert program.get("business").status_code == 200


# -- repetitions (tried on the endpoints that create and send, see test_messages) ---------------------


def test_records_are_forgotten_after_a_day(business):
    made = idempotency.begin(business, "POST /x", "k", "hash")
    IdempotencyRecord.objects.update(expires_at="2020-01-01T00:00Z")
    idempotency.prune()
    assert not IdempotencyRecord.objects.filter(pk=made).exists()


def test_a_business_is_made_once_though_there_is_none_to_keep_the_key_in(as_person, stranger, teammate):
    caller = as_person(stranger)
    first = caller.post("business", {"businessName": "Mine"}, idempotency_key="k")
    again = caller.post("business", {"businessName": "Mine"}, idempotency_key="k")
    assert first.json() == again.json()
    assert (first.status_code, again["Idempotency-Replayed"]) == (201, "true")
    assert stranger.memberships.count() == 1
    assert code(caller.post("business", {"businessName": "x"}, idempotency_key="k")) == (
        422,
        "idempotency_key_reused",
    )
    assert as_person(teammate).post("business", PROFILE, idempotency_key="k").status_code == 201


@pytest.fixture
def meanwhile(program, monkeypatch):
    """`meanwhile(body)`: the answer to a second POST /tags with the same key, sent while the first is carried out."""
    real, answers, during = tags.create, [], []

    def create(*args, **fields):
        if not during:
            during.append(True)
            answers.append(program.post("tags", answers.pop(), idempotency_key="k"))
        return real(*args, **fields)

    monkeypatch.setattr(tags, "create", create)

    def ask(body):
        answers.append(body)
        first = program.post("tags", {"name": "Lead"}, idempotency_key="k")
        assert first.status_code == 201, first.content
        return answers[0]

    return ask


def test_a_repetition_is_refused_as_long_as_the_first_request_is_carried_out(meanwhile, program, business):
    assert code(meanwhile({"name": "Lead"})) == (409, "request_in_progress")
    assert business.tags.count() == 1
    assert program.post("tags", {"name": "Lead"}, idempotency_key="k")["Idempotency-Replayed"] == "true"


def test_another_request_under_the_key_of_one_that_is_carried_out_is_refused(meanwhile, business):
    assert code(meanwhile({"name": "Other"})) == (422, "idempotency_key_reused")
    assert business.tags.count() == 1


@pytest.mark.parametrize(("minutes", "status"), [(2, 409), (4, 201)])
def test_the_key_of_a_request_that_died_with_its_process_is_free_after_three_minutes(
    program, business, minutes, status
):
    program.post("tags", {"name": "Lead"}, idempotency_key="k")
    business.tags.all().delete()
    started = timezone.now() - timedelta(minutes=minutes)
    IdempotencyRecord.objects.update(status=None, answer="", started_at=started)

    assert program.post("tags", {"name": "Lead"}, idempotency_key="k").status_code == status
    assert business.tags.count() == (status == 201)


def test_every_key_has_an_answer_of_its_own(program, business):
    made = {key: program.post("tags", {"name": key}, idempotency_key=key).json() for key in ("k1", "k2")}

    for key in ("k2", "k1"):
        assert program.post("tags", {"name": key}, idempotency_key=key).json() == made[key]
    assert business.tags.count() == 2


def test_a_key_may_be_used_for_another_request_after_a_day(program, business):
    program.post("tags", {"name": "Lead"}, idempotency_key="k")
    IdempotencyRecord.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert program.post("tags", {"name": "Other"}, idempotency_key="k").status_code == 201
    again = program.post("tags", {"name": "Other"}, idempotency_key="k")
    assert (again.status_code, again["Idempotency-Replayed"]) == (201, "true")


@pytest.mark.parametrize("key", ["", " ", "k" * 256, "a\tb", "schlüssel"])
def test_keys_that_headers_do_not_carry_are_refused(program, key):
    answer = program.post("tags", {"name": "x"}, idempotency_key=key)
    assert code(answer) == (422, "invalid_idempotency_key")


# -- calls from web pages ----------------------------------------------------------------------------

SHOP = "https://shop.example"


def test_pages_of_other_sites_may_not_call(program, business):
    answer = program.get("business", origin=SHOP)
    assert code(answer) == (403, "origin_not_allowed")
    assert "Access-Control-Allow-Origin" not in answer


def test_pages_of_an_allowed_site_may(program, business, owner):
    origins.replace(business, owner, [SHOP])
    answer = program.get("business", origin=SHOP)
    assert (answer.status_code, answer["Access-Control-Allow-Origin"]) == (200, SHOP)
    asked = Caller().send(
        "options",
        "business",
        origin=SHOP,
        access_control_request_method="PUT",
        access_control_request_headers="x-api-key,if-match",
    )
    assert asked["Access-Control-Allow-Origin"] == SHOP
    assert "x-api-key" in asked["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in asked


def test_a_site_that_another_business_allows_may_not_call_here(program, other_business, stranger):
    origins.replace(other_business, stranger, [SHOP])
    assert code(program.get("business", origin=SHOP)) == (403, "origin_not_allowed")


def test_put_business_origins_replaces_the_list(program, business):
    answer = program.put(
        "business/origins", {"origins": ["HTTPS://Shop.Example:443/", "http://localhost:3000"]}
    )
    assert answer.json()["data"]["origins"] == ["http://localhost:3000", SHOP]
    assert program.get("business/origins").json()["data"]["origins"] == ["http://localhost:3000", SHOP]


@pytest.mark.parametrize(
    "origin", ["*", "null", "http://shop.example", "https://a.example/x", "https://", "x"]
)
def test_origins_that_are_none_are_refused(program, origin):
    assert code(program.put("business/origins", {"origins": [origin]})) == (422, "invalid_origin")


# -- description -------------------------------------------------------------------------------------


def test_the_description_is_there_for_everybody(client):
    answer = client.get(reverse("api:openapi"))
    assert answer.json()["openapi"] == "3.1.1"

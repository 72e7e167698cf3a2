"""What people and programs see when something goes wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from django.test import Client, RequestFactory

from accounts.models import BusinessProfile, User
from whatsflow import error_pages


def test_a_wrong_address_gets_a_page_that_says_what_to_do(client: Client, db: None) -> None:
    response = client.get("/no/such/page/")
    html = response.content.decode()
    assert response.status_code == 404
    assert "There is nothing here" in html
    assert 'href="/"' in html


def test_an_error_page_names_the_request_of_the_logs(client: Client, db: None) -> None:
    html = client.get("/no/such/page/").content.decode()
    assert re.search(r"name this request: <code>[0-9a-f]{8}-[0-9a-f-]{27}</code>", html)


def test_a_request_id_that_somebody_sent_is_escaped(client: Client, db: None) -> None:
    response = client.get("/no/such/page/", headers={"X-Request-ID": "<script>1</script>"})
    assert "<script>1" not in response.content.decode()


@pytest.mark.parametrize(
    ("view", "status", "words"),
    [
        (error_pages.bad_request, 400, "could not be understood"),
        (error_pages.permission_denied, 403, "Ask an owner or admin"),
        (error_pages.page_not_found, 404, "nothing here"),
        (error_pages.server_error, 500, "on our side"),
        (error_pages.csrf_failure, 403, "no longer valid"),
    ],
)
def test_every_error_page_can_be_drawn_without_user_or_database(
    view: Callable, status: int, words: str, rf: RequestFactory
) -> None:
    response = view(rf.get("/x/"))
    assert response.status_code == status
    assert words in response.content.decode()


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/api/v1/nothing/", "/api/v1/"])
def test_the_api_answers_a_wrong_address_in_its_envelope(path: str, client: Client, db: None) -> None:
    response = client.get(path)
    assert response.status_code == 404
    body = json.loads(response.content)
    assert body["success"] is False
    assert body["error"]["code"] == "not_found"


def test_a_form_without_a_token_is_refused_in_plain_words(
    owner: User, business: BusinessProfile, client_of: Callable[..., Client]
) -> None:
    response = client_of(owner, csrf=True).post("/theme/", {"theme": "dark"})
    owner.refresh_from_db()
    assert response.status_code == 403
    assert "This form is no longer valid" in response.content.decode()
    assert owner.theme == "auto"


def test_a_crash_shows_the_page_and_no_details(
    owner: User,
    business: BusinessProfile,
    client_of: Callable[..., Client],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def crash(*args: object) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr("analytics.reports.home.home_page", crash)
    client = client_of(owner)
    client.raise_request_exception = False
    response = client.get("/")
    html = response.content.decode()
    assert response.status_code == 500
    assert "Something went wrong on our side" in html
    assert "secret" not in html


@pytest.mark.parametrize("path", ["/accounts/login/", "/", "/no/such/page/", "/api/v1/nothing", "/theme/"])
def test_the_content_security_policy_is_on_every_answer(path: str, client: Client, db: None) -> None:
    policy = client.get(path)["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "style-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy

"""The two-tenant matrix: every address of the site, tried by somebody who is signed in to another business.

A new parameter without a row in tests/one_of_each.py, or a new page without parameters that shows another tenant's
data, fails here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import Client
from django.urls import reverse

from core.ids import uuid7
from tests.matrix import CANARY, ROUTES, WITH_IDS, WITHOUT_IDS, Cases, rows_as_text

ClientOf = Callable[..., Client]


def test_another_tenants_id_is_not_found_and_changes_nothing(
    owner: Any, business: Any, foreign: dict[str, Any], client_of: ClientOf
) -> None:
    before = rows_as_text(foreign)
    client = client_of(owner)  # refused everywhere, so that nothing ends this session
    cases = Cases(at_least=75)
    for route in WITH_IDS:
        with cases.case(route):
            address = route.address(foreign)
            statuses = {}
            for method in ("get", "post"):
                for headers in ({}, {"HX-Request": "true"}):
                    response = getattr(client, method)(address, headers=headers)
                    assert response.status_code in (404, 405), f"{method} {headers}: {response.status_code}"
                    assert CANARY not in response.content.decode(errors="replace")
                    statuses[method, bool(headers)] = response.status_code
            assert 404 in statuses.values(), "refuses every method"
            assert rows_as_text(foreign) == before
            nobodys = client.get(reverse(route.name, kwargs=dict.fromkeys(route.parameters, uuid7())))
            assert nobodys.status_code == statuses["get", False], "tells which ids others have"
    cases.check()


def test_no_parameter_overrides_the_tenant_of_the_session(
    owner: Any, business: Any, foreign: dict[str, Any], client_of: ClientOf
) -> None:
    theirs = foreign["connection_id"].business_profile_id
    injected = {
        "business": theirs,
        "business_id": theirs,
        "business_profile": theirs,
        "business_profile_id": theirs,
        "connection": foreign["connection_id"].pk,
        "conversation": foreign["conversation_id"].pk,
        "contact": foreign["conversation_id"].contact_id,
        "media": foreign["media_id"].pk,
        "q": CANARY[:10],
        "tab": "all",
    }
    before = rows_as_text(foreign)
    headers = {"X-Business-Id": str(theirs)}
    cases = Cases(at_least=50)
    for route in WITHOUT_IDS:
        with cases.case(route):
            client = client_of(owner)
            answers = [
                client.get(reverse(route.name), injected, headers=headers),
                client.post(reverse(route.name), injected, headers=headers),
                client.get(reverse("home"), injected, headers=headers),
            ]
            for answer in answers:
                if not answer.streaming:
                    assert CANARY not in answer.content.decode(errors="replace")
            assert rows_as_text(foreign) == before
    cases.check()


def test_anonymous_people_reach_no_row(client: Client, foreign: dict[str, Any]) -> None:
    cases = Cases(at_least=75)
    for route in WITH_IDS:
        with cases.case(route):
            for response in (client.get(route.address(foreign)), client.post(route.address(foreign))):
                assert response.status_code in (302, 401, 403, 404, 405), response.status_code
                assert CANARY not in response.content.decode(errors="replace")
    cases.check()


def test_no_unsafe_request_is_taken_without_a_csrf_token(
    owner: Any, business: Any, foreign: dict[str, Any], client_of: ClientOf
) -> None:
    client = client_of(owner, csrf=True)
    cases = Cases(at_least=125)
    for route in ROUTES:
        with cases.case(route):
            response = client.post(route.address(foreign))
            allowed = (403, 405, 404) if route.name == "api:unknown" else (403, 405)
            assert response.status_code in allowed, response.status_code
    cases.check()


def test_operators_admin_is_closed_to_members(owner: Any, business: Any, client_of: ClientOf) -> None:
    response = client_of(owner).get(reverse("admin:index"))

    assert response.status_code == 302
    assert "login" in response["Location"]

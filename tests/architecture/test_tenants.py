"""The two-tenant matrix: every address of the site, tried by somebody who is signed in to another business.

The list of addresses is read from the URL configuration. A new parameter without an entry in `FOREIGN`, or a new page
without parameters that shows another tenant's data, fails here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.core import serializers
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import Membership
from core.ids import uuid7
from messaging.models import MediaFile
from tests.one_of_each import one_of_each

CANARY = "canary-of-the-other-tenant"
OPEN_NAMESPACES = {"admin", "api"}
"""Operators only, across tenants, by design: proven by `test_operators_admin_is_closed_to_members`. The API has its own
matrix with the same rows: tests/api/test_matrix.py."""
BY_SECRET = {"token", "uidb64"}
"""Addresses that carry their own secret instead of a tenant's id."""


@dataclass(frozen=True)
class Route:
    """One named address and the names of its parameters."""

    name: str
    parameters: tuple[str, ...]


def _routes(patterns: list[Any], namespace: str = "") -> Iterator[Route]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = ":".join(filter(None, [namespace, pattern.namespace or ""]))
            if inner not in OPEN_NAMESPACES:
                yield from _routes(pattern.url_patterns, inner)
        elif isinstance(pattern, URLPattern) and pattern.name:
            yield Route(f"{namespace}:{pattern.name}".lstrip(":"), tuple(pattern.pattern.converters))


ROUTES = sorted(_routes(get_resolver().url_patterns), key=lambda route: route.name)
WITH_IDS = [route for route in ROUTES if route.parameters and not set(route.parameters) & BY_SECRET]
WITHOUT_IDS = [route for route in ROUTES if not route.parameters and route.name != "api:unknown"]


@pytest.fixture
def foreign(stranger: Any, other_business: Any) -> dict[str, Any]:
    """One row of each kind in the stranger's business, by the name of the parameter that would reach it."""
    return one_of_each(other_business, stranger, CANARY)


def _rows(foreign: dict[str, Any]) -> str:
    """Everything that the stranger's business has, as text, to see that nothing was changed."""
    fresh = []
    for row in foreign.values():
        manager = type(row)._default_manager
        fresh.extend(manager.filter(pk=row.pk))
    fresh.extend(MediaFile.objects.filter(business_profile=foreign["media_id"].business_profile))
    fresh.extend(Membership.objects.filter(business_profile=foreign["membership_id"].business_profile))
    return serializers.serialize("json", sorted(fresh, key=lambda row: str(row.pk)))


def _values(route: Route, rows: dict[str, Any]) -> dict[str, Any]:
    unknown = set(route.parameters) - set(rows)
    assert not unknown, f"{route.name} has parameters without a place in this test: {unknown}"
    return {name: rows[name].pk for name in route.parameters}


@pytest.mark.parametrize("htmx", [False, True], ids=["page", "htmx"])
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("route", WITH_IDS, ids=lambda route: route.name)
def test_another_tenants_id_is_not_found_and_changes_nothing(
    route: Route,
    method: str,
    htmx: bool,
    owner: Any,
    business: Any,
    foreign: dict[str, Any],
    client_of: Callable[..., Client],
) -> None:
    before = _rows(foreign)
    address = reverse(route.name, kwargs=_values(route, foreign))
    headers = {"HX-Request": "true"} if htmx else {}

    response = getattr(client_of(owner), method)(address, headers=headers)

    assert response.status_code in (404, 405), f"{method} {route.name}: {response.status_code}"
    assert CANARY not in response.content.decode(errors="replace")
    assert _rows(foreign) == before


@pytest.mark.parametrize("route", WITH_IDS, ids=lambda route: route.name)
def test_every_address_with_an_id_answers_404_to_at_least_one_method(
    route: Route, owner: Any, business: Any, foreign: dict[str, Any], client_of: Callable[..., Client]
) -> None:
    client = client_of(owner)
    address = reverse(route.name, kwargs=_values(route, foreign))

    statuses = {client.get(address).status_code, client.post(address).status_code}

    assert 404 in statuses, f"{route.name} refuses every method: {statuses}"


@pytest.mark.parametrize("route", WITH_IDS, ids=lambda route: route.name)
def test_an_id_that_nobody_has_looks_the_same_as_another_tenants(
    route: Route, owner: Any, business: Any, foreign: dict[str, Any], client_of: Callable[..., Client]
) -> None:
    client = client_of(owner)
    theirs = client.get(reverse(route.name, kwargs=_values(route, foreign)))
    nobodys = client.get(reverse(route.name, kwargs=dict.fromkeys(route.parameters, uuid7())))

    assert theirs.status_code == nobodys.status_code


@pytest.mark.parametrize("route", WITHOUT_IDS, ids=lambda route: route.name)
def test_no_parameter_overrides_the_tenant_of_the_session(
    route: Route, owner: Any, business: Any, foreign: dict[str, Any], client_of: Callable[..., Client]
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
    before = _rows(foreign)
    client = client_of(owner)
    headers = {"X-Business-Id": str(theirs)}

    answers = [
        client.get(reverse(route.name), injected, headers=headers),
        client.post(reverse(route.name), injected, headers=headers),
        client.get(reverse("home"), injected, headers=headers),
    ]

    for answer in answers:
        if not answer.streaming:
            assert CANARY not in answer.content.decode(errors="replace")
    assert _rows(foreign) == before


@pytest.mark.parametrize("route", WITH_IDS, ids=lambda route: route.name)
def test_anonymous_people_reach_no_row(route: Route, client: Client, foreign: dict[str, Any]) -> None:
    address = reverse(route.name, kwargs=_values(route, foreign))

    for response in (client.get(address), client.post(address)):
        assert response.status_code in (302, 401, 403, 404, 405)
        assert CANARY not in response.content.decode(errors="replace")


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_no_unsafe_request_is_taken_without_a_csrf_token(
    route: Route, owner: Any, business: Any, foreign: dict[str, Any], client_of: Callable[..., Client]
) -> None:
    samples = {**{name: row.pk for name, row in foreign.items()}, "token": "secret", "uidb64": "x"}
    address = reverse(route.name, kwargs={name: samples[name] for name in route.parameters})

    response = client_of(owner, csrf=True).post(address)

    assert response.status_code in (403, 405, 404 if route.name == "api:unknown" else 403)


def test_operators_admin_is_closed_to_members(
    owner: Any, business: Any, client_of: Callable[..., Client]
) -> None:
    response = client_of(owner).get(reverse("admin:index"))

    assert response.status_code == 302
    assert "login" in response["Location"]

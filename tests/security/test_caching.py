"""Whose pages a browser or a proxy may keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import Client
from django.urls import reverse

from tests.matrix import WITHOUT_IDS, Cases

PUBLIC = {"livez", "readyz", "api:openapi"}


def test_no_copy_of_a_members_page_is_kept(
    owner: Any, connection: Any, client_of: Callable[..., Client]
) -> None:
    cases = Cases(at_least=50)
    for route in WITHOUT_IDS:
        if route.name not in PUBLIC:
            with cases.case(route):
                response = client_of(owner).get(reverse(route.name))
                assert "no-store" in response["Cache-Control"], response.headers
    cases.check()


def test_a_conversation_and_its_parts_are_not_kept(
    owner: Any, conversation: Any, client_of: Callable[..., Client]
) -> None:
    client = client_of(owner)
    for headers in ({}, {"HX-Request": "true"}):
        response = client.get(f"/inbox/{conversation.pk}/", headers=headers)
        assert response["Cache-Control"] == "private, no-store"


def test_pages_for_everybody_say_nothing_about_it(client: Client, db: None) -> None:
    assert "no-store" not in client.get("/accounts/password/reset/").headers.get("Cache-Control", "")

"""Callers of the API: people with tokens, programs with keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts import scopes
from accounts.models import BusinessProfile, User
from accounts.services import keys, tokens
from tests.conftest import forget_what_is_cached


class Caller:
    """An HTTP client with a credential. `headers` are named like x_api_key."""

    def __init__(self, **headers: str) -> None:
        self.headers = headers
        self._client = Client(raise_request_exception=False)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The response to a JSON request; `path` is below /api/v1/."""
        sent = b"" if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in {**self.headers, **headers}.items()}
        address = f"/api/v1/{path}"
        return self._client.generic(method.upper(), address, sent, "application/json", headers=named)

    def get(self, path: str, **headers: str) -> Any:
        return self.send("get", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("post", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("put", path, body, **headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("patch", path, body, **headers)

    def delete(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.send("delete", path, body, **headers)


@pytest.fixture(autouse=True)
def _fresh_budget(db: None) -> None:
    """Nobody has asked anything yet in this minute."""
    forget_what_is_cached()


@pytest.fixture
def as_person() -> Callable[..., Caller]:
    """`as_person(user)`: signed in with an access token."""

    def sign_in(user: User, **headers: str) -> Caller:
        return Caller(authorization=f"Bearer {tokens.open_session(user).access}", **headers)

    return sign_in


@pytest.fixture
def as_program() -> Callable[..., Caller]:
    """`as_program(business)`: with an API key that may do everything, or what `scopes` says."""

    def with_key(business: BusinessProfile, **options: Any) -> Caller:
        options.setdefault("scopes", list(scopes.ALL))
        options.setdefault("name", "Test")
        _row, key = keys.create(business, business.user, **options)
        return Caller(x_api_key=key)

    return with_key


@pytest.fixture
def program(as_program: Callable[..., Caller], business: BusinessProfile) -> Caller:
    """A program of the business that may do everything."""
    return as_program(business)


@pytest.fixture
def anonymous() -> Caller:
    """Nobody in particular."""
    return Caller()

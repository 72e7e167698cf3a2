"""What a request leaves in the log: enough to find it, nothing that must not be kept."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client, RequestFactory
from structlog.testing import capture_logs

from whatsflow.request_log import RequestLogMiddleware, mask_secrets


def test_neither_searches_nor_the_secrets_of_links_are_logged(
    client_of: Callable[..., Client], owner: Any, business: Any, client: Client
) -> None:
    token = secrets.token_urlsafe(32)
    with capture_logs() as entries:
        client_of(owner).get("/inbox/", {"q": "+447911123456", "before": "nonsense"})
        client.head(f"/accounts/invitations/{token}/")

    finished = [entry["request"] for entry in entries if entry["event"] == "request_finished"]
    assert finished == ["GET /inbox/", "HEAD /accounts/invitations/…/"]
    assert token not in str(entries)
    assert "7911123456" not in str(entries)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (
            "/inbox/01890a5d-ac96-774b-bcce-b302099a8057/messages/",
            "/inbox/01890a5d-ac96-774b-bcce-b302099a8057/messages/",
        ),
        (
            "/accounts/password/reset/MDE4OTBhNWQtYWM5Ni03NzRi/cx2a1b-0123456789abcdef0123456789abcdef/",
            "/accounts/password/reset/…/…/",
        ),
        ("/accounts/businesses/new/", "/accounts/businesses/new/"),
    ],
)
def test_ids_stay_and_tokens_go(path: str, shown: str) -> None:
    assert mask_secrets(path) == shown


def test_a_client_cannot_write_another_address_into_the_log(monkeypatch: pytest.MonkeyPatch) -> None:
    bound: dict[str, Any] = {}
    monkeypatch.setattr("structlog.contextvars.bind_contextvars", lambda **values: bound.update(values))
    request = RequestFactory().get("/", headers={"X-Forwarded-For": "203.0.113.7"})

    RequestLogMiddleware.bind_ip(request)

    assert bound == {"ip": "127.0.0.1"}

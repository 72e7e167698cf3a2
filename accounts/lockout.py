"""Who is guessing: the two halves of django-axes' key, account and address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest


def username(request: HttpRequest | None, credentials: Mapping[str, Any] | None = None) -> str:
    """The account that is tried, spelled as it is kept, so that capitals make no fresh attempts."""
    given: Any = ""
    if credentials:
        given = credentials.get("username") or credentials.get("email")
    elif request is not None:
        given = request.POST.get("username")
    return str(given or "").strip().lower()[:255]


def client_address(request: HttpRequest) -> str | None:
    """The address of the client as the nearest trusted proxy saw it.

    X-Forwarded-For is believed only as far as our own proxies wrote it: with N trusted proxies, the Nth entry from the
    right. What a client puts further left changes nothing.
    """
    remote = request.META.get("REMOTE_ADDR")
    hops = settings.TRUSTED_PROXIES
    if not hops:
        return remote
    forwarded = [
        part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()
    ]
    return forwarded[-hops] if len(forwarded) >= hops else remote

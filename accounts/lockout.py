"""Who is guessing: the two halves of django-axes' key, account and address, and what one address may try in all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from axes.attempts import get_cool_off_threshold
from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Sum
from django.http import HttpRequest


class Handler(AxesDatabaseHandler):
    """django-axes', with a second and wider limit: one address over all accounts.

    A few guesses at each of many accounts never reach the limit of any one of them.
    """

    def get_failures(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        """Wrong passwords that count for this attempt; the limit of one account once the address has spent its own."""
        own = super().get_failures(request, credentials)
        recent = AccessAttempt.objects.filter(
            ip_address=request.axes_ip_address, attempt_time__gte=get_cool_off_threshold(request)
        )
        tried = recent.aggregate(tried=Sum("failures_since_start"))["tried"] or 0
        return max(own, settings.AXES_FAILURE_LIMIT) if tried >= settings.ADDRESS_FAILURE_LIMIT else own


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

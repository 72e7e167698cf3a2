"""Lockout after failed sign-ins: handler and key functions (account, client address) of django-axes."""

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
    """django-axes' handler with a second limit: failures of one address over all accounts.

    It stops password spraying, which never reaches the limit of any single account.
    """

    def get_failures(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        """Count failures for this attempt; at least the account's limit once the address has reached its own."""
        failures = super().get_failures(request, credentials)
        recent = AccessAttempt.objects.filter(
            ip_address=request.axes_ip_address, attempt_time__gte=get_cool_off_threshold(request)
        )
        of_address = recent.aggregate(total=Sum("failures_since_start"))["total"] or 0
        if of_address >= settings.ADDRESS_FAILURE_LIMIT:
            return max(failures, settings.AXES_FAILURE_LIMIT)
        return failures


def username(request: HttpRequest | None, credentials: Mapping[str, Any] | None = None) -> str:
    """Return the normalised account name of an attempt, so that capitals do not reset the count."""
    name: Any = ""
    if credentials:
        name = credentials.get("username") or credentials.get("email")
    elif request is not None:
        name = request.POST.get("username")
    return str(name or "").strip().lower()[:255]


def client_address(request: HttpRequest) -> str | None:
    """Return the client's IP address as the outermost trusted proxy saw it.

    With N trusted proxies that is the Nth entry of X-Forwarded-For from the right; entries further left come from the
    client and are ignored.
    """
    remote = request.META.get("REMOTE_ADDR")
    hops = settings.TRUSTED_PROXIES
    if not hops:
        return remote
    forwarded = [
        part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()
    ]
    return forwarded[-hops] if len(forwarded) >= hops else remote

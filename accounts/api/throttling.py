"""Rate limits of the API: requests a minute by key, by user, or without credentials by client address."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from rest_framework.exceptions import Throttled

from accounts.access import Access
from accounts.lockout import client_address
from accounts.models import User
from core import rate_limit


def caller(access: Access | None, user: User | None, request: HttpRequest) -> tuple[str, int]:
    """Return the throttle key of the caller, and the limit of requests a minute."""
    if access is not None and access.key is not None:
        return f"key:{access.key.pk}", settings.API_REQUESTS_PER_KEY
    if user is not None:
        return f"user:{user.pk}", settings.API_REQUESTS_PER_USER
    return f"address:{client_address(request)}", settings.API_REQUESTS_PER_ADDRESS


def refusal(window: rate_limit.Window) -> Throttled:
    """Build the error for an exceeded window."""
    return Throttled(wait=window.reset, detail="Too many requests. Slow down, and come back then.")

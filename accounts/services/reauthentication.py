"""Proving anew who one is, before what a borrowed browser must not do."""

from __future__ import annotations

from accounts.models import User
from core import rate_limit
from core.errors import InvalidInput

WRONG_PER_HOUR = 10
"""Wrong passwords that a signed-in person may enter: a session must not be a place to guess at."""


def password(user: User, given: str, field: str) -> None:
    """Raises InvalidInput unless `given` is the user's password, TooManyRequests after too many that were not."""
    rate_limit.require_unspent("proof", str(user.pk), WRONG_PER_HOUR)
    if user.check_password(given):
        return
    rate_limit.hit("proof", str(user.pk), WRONG_PER_HOUR)
    raise InvalidInput("wrong_password", "This is not your current password.", field=field)

"""Password re-authentication for sensitive actions."""

from __future__ import annotations

from accounts.models import User
from core import rate_limit
from core.errors import InvalidInput

WRONG_PER_HOUR = 10
"""Wrong passwords that a signed-in user may enter, so that a stolen session cannot be used to guess the password."""


def require_password(user: User, password: str, field: str) -> None:
    """Check the user's current password. Raises InvalidInput("wrong_password"), TooManyRequests."""
    rate_limit.require_unspent("reauthentication", str(user.pk), WRONG_PER_HOUR)
    if user.check_password(password):
        return
    rate_limit.hit("reauthentication", str(user.pk), WRONG_PER_HOUR)
    raise InvalidInput("wrong_password", "This is not your current password.", field=field)

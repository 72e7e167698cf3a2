"""Authentication backend of sessions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.backends import ModelBackend

from accounts.access import find_user
from accounts.models import User


class SessionBackend(ModelBackend):
    """Django's model backend, which also loads the user's memberships in the same query."""

    def get_user(self, user_id: Any) -> User | None:
        """Return the active user with this id, or None."""
        user = find_user(user_id if isinstance(user_id, UUID) else UUID(str(user_id)))
        return user if user is not None and self.user_can_authenticate(user) else None

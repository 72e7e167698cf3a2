"""End and prune API sessions, without importing the JWT library that `tokens` needs."""

from __future__ import annotations

from uuid import UUID

from accounts.models import TokenSession
from core.clock import now


def end_all(user_id: UUID) -> None:
    """End every API session of a user."""
    TokenSession.objects.filter(user_id=user_id, ended_at=None).update(ended_at=now())


def prune() -> None:
    """Delete sessions whose tokens have all expired."""
    TokenSession.objects.filter(expires_at__lt=now()).delete()

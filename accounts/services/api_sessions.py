"""Ending the sessions of people in the API, for parts that need not know what their tokens are made of (`tokens`)."""

from __future__ import annotations

from uuid import UUID

from accounts.models import TokenSession
from core.clock import now


def end_all(user_id: UUID) -> None:
    """End every API session of a person."""
    TokenSession.objects.filter(user_id=user_id, ended_at=None).update(ended_at=now())


def prune() -> None:
    """Forget sessions whose tokens have all expired."""
    TokenSession.objects.filter(expires_at__lt=now()).delete()

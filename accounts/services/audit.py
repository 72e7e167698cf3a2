"""Writer of the audit log."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from accounts.models import AuditEntry, BusinessProfile, User

acting_key: ContextVar[str] = ContextVar("acting_key", default="")
"""Id of the current request's API key, empty if there is none."""


def record(
    business: BusinessProfile | None, actor: User | None, action: str, target: object = None, **data: Any
) -> None:
    """Record that `actor` did `action` to `target` (a model instance), in the caller's transaction.

    data: ids and names of settings, never message text, phone numbers or secrets. For an API key the actor is its
    creator, and the key's id is added to the data.
    """
    if key := acting_key.get():
        data["api_key"] = key
    AuditEntry.objects.create(
        business_profile=business,
        actor=actor,
        action=action,
        target_type=type(target).__name__ if target is not None else "",
        target_id=str(getattr(target, "pk", "") or ""),
        data=data,
    )

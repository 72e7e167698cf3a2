"""The audit log's one writer."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from accounts.models import AuditEntry, BusinessProfile, User

acting_key: ContextVar[str] = ContextVar("acting_key", default="")
"""The id of the API key that the current request came with."""


def record(
    business: BusinessProfile | None, actor: User | None, action: str, target: object = None, **data: Any
) -> None:
    """Write who did `action` to `target` (a model instance), inside the caller's transaction.

    `data` holds ids and names of settings, never message text, numbers or secrets. What a program does is written down
    under the person who made its key, with the key's id.
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

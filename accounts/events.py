"""What happens to memberships and businesses."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from whatsflow.core.events import Event


@dataclass(frozen=True, kw_only=True)
class MembershipChanged(Event):
    """A member came, left or got another role. `role` is None when they left."""

    name: ClassVar[str] = "membership.changed"
    user_id: UUID
    role: str | None

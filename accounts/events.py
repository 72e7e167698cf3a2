"""What happens to memberships and businesses."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class MembershipChanged(Event):
    """A member came, left or got another role. `role` is None when they left."""

    name: ClassVar[str] = "membership.changed"
    user_id: UUID
    role: str | None


@dataclass(frozen=True, kw_only=True)
class SessionsEnded(Event):
    """Sign-ins of a member ended (new password, signed out): whatever they have open must prove itself again."""

    name: ClassVar[str] = "member.sessions_ended"
    user_id: UUID


@dataclass(frozen=True, kw_only=True)
class BusinessDeleted(Event):
    """The owner deleted the business. Its rows are still there and are removed in the background soon after.

    Subscribers stop what runs for it and remove what lives outside the database.
    """

    name: ClassVar[str] = "business.deleted"

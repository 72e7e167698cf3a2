"""Events of memberships, sessions and businesses."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class MembershipChanged(Event):
    """A membership was created, removed (`role` is None) or got another role."""

    name: ClassVar[str] = "membership.changed"
    user_id: UUID
    role: str | None


@dataclass(frozen=True, kw_only=True)
class SessionsEnded(Event):
    """Sessions of a member ended (new password, signed out): open sockets must authenticate again."""

    name: ClassVar[str] = "member.sessions_ended"
    user_id: UUID


@dataclass(frozen=True, kw_only=True)
class BusinessDeleted(Event):
    """A business was deleted by its owner. Its rows are removed in the background soon after.

    Subscribers stop what runs for it.
    """

    name: ClassVar[str] = "business.deleted"

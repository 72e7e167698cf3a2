"""What happens to a number."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from whatsflow.core.events import Event


@dataclass(frozen=True, kw_only=True)
class ConnectionStatusChanged(Event):
    """A number changed its state (or its QR was refreshed, with an unchanged status)."""

    name: ClassVar[str] = "connection.status"
    connection_id: UUID
    status: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class LeaseTaken(Event):
    """A runner took the number's lease: whatever an earlier one has begun to do and not written is nobody's."""

    name: ClassVar[str] = "connection.lease_taken"
    connection_id: UUID

"""What happens to a number."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from core.events import Event


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


@dataclass(frozen=True, kw_only=True)
class DataMayBeOld(Event):
    """The business's data comes from a backup, or the site was away for long: what is to be sent may have been."""

    name: ClassVar[str] = "connection.data_may_be_old"


@dataclass(frozen=True, kw_only=True)
class NumberReleased(Event):
    """A person let a number go on. send: what has waited since before `held_since` may leave; else it must not."""

    name: ClassVar[str] = "connection.released"
    connection_id: UUID
    held_since: datetime
    send: bool

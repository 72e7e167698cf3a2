"""Events of numbers."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from core.events import Event


@dataclass(frozen=True, kw_only=True)
class ConnectionStatusChanged(Event):
    """A number changed its status or reason, or shows a new QR code."""

    name: ClassVar[str] = "connection.status"
    connection_id: UUID
    status: str
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class LeaseTaken(Event):
    """A runner acquired the number's lease.

    Work that an earlier runner claimed and did not save is free again.
    """

    name: ClassVar[str] = "connection.lease_taken"
    connection_id: UUID


@dataclass(frozen=True, kw_only=True)
class DataMayBeOld(Event):
    """The data may be old: a restored backup, or the site was down for long.

    Queued messages may have been sent already.
    """

    name: ClassVar[str] = "connection.data_may_be_old"


@dataclass(frozen=True, kw_only=True)
class NumberReleased(Event):
    """A person ended the hold of a number.

    send: whether messages queued before `held_since` are sent or cancelled.
    """

    name: ClassVar[str] = "connection.released"
    connection_id: UUID
    held_since: datetime
    send: bool

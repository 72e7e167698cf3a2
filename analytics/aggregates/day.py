"""The figures of a business on one date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from analytics.aggregates.bitmaps import Bitmap

HOURS = 24


@dataclass(slots=True)
class Tally:
    """Messages by status.

    All but `messages` count outbound ones; sent and delivered include the later statuses.
    """

    messages: int = 0
    sent: int = 0
    delivered: int = 0
    read: int = 0
    failed: int = 0

    def times(self, count: int) -> Tally:
        """Return the tally of `count` such messages."""
        return Tally(
            count * self.messages,
            count * self.sent,
            count * self.delivered,
            count * self.read,
            count * self.failed,
        )

    def add(self, other: Tally) -> None:
        self.messages += other.messages
        self.sent += other.sent
        self.delivered += other.delivered
        self.read += other.read
        self.failed += other.failed


@dataclass(slots=True)
class AgentWork:
    """The work of one agent. sent: messages that left, without campaigns.

    Durations are in seconds, sorted. answers: from the customer's first unanswered message to each answer. resolutions:
    from the customer's first message to each closing.
    """

    sent: int = 0
    closed: int = 0
    answers: Sequence[int] = ()
    resolutions: Sequence[int] = ()


MessageKey = tuple[UUID, str, str]
"""(connection, direction, message type)."""


@dataclass(slots=True)
class Day:
    """Counts of a business for one date.

    active, reached: contacts who wrote, and to whom something was sent. conversations: those with a message that is not
    a campaign's. All three are bitmaps of ordinals. work: None for the phone, programs and former members.
    """

    date: date
    messages: dict[MessageKey, Tally] = field(default_factory=dict)
    work: dict[UUID | None, AgentWork] = field(default_factory=dict)
    received_by_hour: list[int] = field(default_factory=lambda: [0] * HOURS)
    sent_by_hour: list[int] = field(default_factory=lambda: [0] * HOURS)
    active: Bitmap = 0
    reached: Bitmap = 0
    conversations: Bitmap = 0
    new_contacts: int = 0
    opt_outs: int = 0

    @property
    def received(self) -> int:
        return sum(self.received_by_hour)

    @property
    def sent(self) -> int:
        return sum(self.sent_by_hour)

    def work_of(self, user_id: UUID | None) -> AgentWork:
        """Return the work of an agent, which may be added to."""
        return self.work.setdefault(user_id, AgentWork())


@dataclass(slots=True)
class CountedDay:
    """A date as counted from the rows, before `Ordinals.to_days` fills in its bitmaps.

    active, reached, conversations: concatenated ids of 16 bytes, with repetitions.
    """

    day: Day
    active: bytes = b""
    reached: bytes = b""
    conversations: bytes = b""

"""One date of a business in figures: what is counted from the rows, kept in tables, and summed up by every page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

HOURS = 24


@dataclass(slots=True)
class Tally:
    """Messages of one kind. Of ours: how many left, and how far they got; what was read also counts as sent."""

    messages: int = 0
    sent: int = 0
    delivered: int = 0
    read: int = 0
    failed: int = 0

    def times(self, count: int) -> Tally:
        """So many alike."""
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
class Work:
    """What one person did. sent: messages that left, campaigns apart. seconds: sorted, one for each that was told.

    answers: waiting time of each answer, from the customer's first unanswered message. resolutions: from the customer's
    first message to the closing, for closings that settled something.
    """

    sent: int = 0
    closed: int = 0
    answers: Sequence[int] = ()
    resolutions: Sequence[int] = ()


Kind = tuple[UUID, str, str]
"""(connection, direction, message type)."""


@dataclass(slots=True)
class Day:
    """One date. Sets are bitmaps (bitmaps.py) of ordinals (ordinals.py): who wrote, to whom something was sent, which
    conversations had a message that is no campaign's. Work without a user: the phone, programs, former members.
    """

    date: date
    messages: dict[Kind, Tally] = field(default_factory=dict)
    work: dict[UUID | None, Work] = field(default_factory=dict)
    received_by_hour: list[int] = field(default_factory=lambda: [0] * HOURS)
    sent_by_hour: list[int] = field(default_factory=lambda: [0] * HOURS)
    active: int = 0
    reached: int = 0
    conversations: int = 0
    new_contacts: int = 0
    opt_outs: int = 0

    @property
    def received(self) -> int:
        return sum(self.received_by_hour)

    @property
    def sent(self) -> int:
        return sum(self.sent_by_hour)

    def worker(self, user: UUID | None) -> Work:
        """The work of `user`, begun if there is none."""
        return self.work.setdefault(user, Work())


@dataclass(slots=True)
class Counted:
    """A date as its rows say it. The day's sets are empty yet; here they are ids of 16 bytes, one after the other, some
    of them more than once.
    """

    day: Day
    active: bytes = b""
    reached: bytes = b""
    conversations: bytes = b""

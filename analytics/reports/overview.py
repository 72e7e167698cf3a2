"""The overview: figures of a period, beside the period before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from accounts.models import BusinessProfile, User
from analytics.aggregates import HOURS, Day, Tally, days
from analytics.reports import periods
from analytics.reports.periods import Period
from analytics.reports.summary import Durations, Summary, pool, share, summary, together
from connections.models import WhatsAppConnection
from messaging.models import Message

NOBODY = "Phone and programs"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True)
class Piece:
    """A day, week or month of the period.

    The first and the last one may be incomplete.
    """

    begins: date
    label: str
    figures: Summary


@dataclass(frozen=True)
class TypeFigures:
    """Messages of one type."""

    message_type: str
    label: str
    received: int
    sent: int


@dataclass(frozen=True)
class NumberFigures:
    """Messages of one of the business's numbers."""

    connection_id: UUID
    name: str
    received: int
    tally: Tally

    @property
    def delivery_rate(self) -> float | None:
        return share(self.tally.delivered, self.tally.sent)

    @property
    def read_rate(self) -> float | None:
        return share(self.tally.read, self.tally.sent)


@dataclass(frozen=True)
class AgentFigures:
    """The work of one agent. user_id: None for the phone, programs and former members."""

    user_id: UUID | None
    name: str
    sent: int
    closed: int
    answers: Durations
    resolutions: Durations


@dataclass(frozen=True)
class Overview:
    """The figures of a period.

    hours: messages received, as 7 rows (from Monday) of 24 hours.
    """

    period: Period
    group: str
    now: Summary
    before: Summary
    pieces: Sequence[Piece]
    types: Sequence[TypeFigures]
    numbers: Sequence[NumberFigures]
    agents: Sequence[AgentFigures]
    hours: Sequence[Sequence[int]]

    @property
    def is_empty(self) -> bool:
        """True if there were no messages and no new contacts."""
        return not (self.now.received or self.now.sent or self.now.new_contacts)


def overview(business: BusinessProfile, period: Period, group: str = "") -> Overview:
    """Return the figures of `period`, and those of the period before.

    group: day, week or month.
    """
    group = group or period.group
    every = days(business, period.before.first, period.last, period.zone, reached=False)
    earlier, current = every[: period.length], every[period.length :]
    pieces, whole = cut(current, group)
    return Overview(
        period=period,
        group=group,
        now=whole,
        before=summary(earlier),
        pieces=pieces,
        types=_types(current),
        numbers=_numbers(business, current),
        agents=_agents(business, current),
        hours=_hours(current),
    )


def cut(daily: Sequence[Day], group: str) -> tuple[list[Piece], Summary]:
    """Return the figures of each piece of the days, and of all of them together."""
    pieces = periods.pieces(daily, group)
    pools = [pool(piece) for piece in pieces]
    shown = [
        Piece(piece[0].date, periods.label(piece[0].date, group), pooled.summary())
        for piece, pooled in zip(pieces, pools, strict=True)
    ]
    return shown, together(pools).summary()


def _types(daily: Sequence[Day]) -> list[TypeFigures]:
    tallies: dict[tuple[str, str], Tally] = defaultdict(Tally)
    for day in daily:
        for (_, direction, kind), tally in day.messages.items():
            tallies[kind, direction].add(tally)
    rows = [
        TypeFigures(kind, label, tallies[kind, "inbound"].messages, tallies[kind, "outbound"].sent)
        for kind, label in Message.Type.choices
    ]
    return sorted(
        (row for row in rows if row.received or row.sent), key=lambda row: -(row.received + row.sent)
    )


def _numbers(business: BusinessProfile, daily: Sequence[Day]) -> list[NumberFigures]:
    received: dict[UUID, int] = defaultdict(int)
    tallies: dict[UUID, Tally] = defaultdict(Tally)
    for day in daily:
        for (connection_id, direction, _), tally in day.messages.items():
            if direction == "inbound":
                received[connection_id] += tally.messages
            else:
                tallies[connection_id].add(tally)
    ours = WhatsAppConnection.objects.filter(business_profile=business).only("name", "phone_number")
    rows = [
        NumberFigures(one.pk, one.display_name, received[one.pk], tallies[one.pk])
        for one in ours.order_by("created_at")
    ]
    return [row for row in rows if row.received or row.tally.messages]


def _agents(business: BusinessProfile, daily: Sequence[Day]) -> list[AgentFigures]:
    work_by_user = defaultdict(list)
    for day in daily:
        for user_id, work in day.work.items():
            work_by_user[user_id].append(work)
    people = User.objects.filter(pk__in=[key for key in work_by_user if key]).only("full_name", "email")
    names = {person.pk: str(person) for person in people}
    rows = [
        AgentFigures(
            user_id,
            names[user_id] if user_id else NOBODY,
            sum(work.sent for work in done),
            sum(work.closed for work in done),
            Durations.from_lists(work.answers for work in done),
            Durations.from_lists(work.resolutions for work in done),
        )
        for user_id, done in work_by_user.items()
    ]
    return sorted(rows, key=lambda row: (row.user_id is None, -row.sent, row.name))


def _hours(daily: Sequence[Day]) -> list[list[int]]:
    table = [[0] * HOURS for _ in WEEKDAYS]
    for day in daily:
        row = table[day.date.weekday()]
        for hour, count in enumerate(day.received_by_hour):
            row[hour] += count
    return table

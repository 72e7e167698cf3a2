"""What some days come to together."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

from analytics.aggregates import bitmaps
from analytics.aggregates.day import Day, Tally


def percentile(ordered: Iterable[Sequence[int]], share: float) -> int | None:
    """The smallest of the values that at least `share` of them do not exceed (nearest rank); None of nothing.

    ordered: the values in lists, each sorted. It lies between the smallest and the largest of what the lists have each,
    most likely in the middle half of these: only what lies there is put together.
    """
    lists = [one for one in ordered if one]
    if not lists:
        return None
    each = sorted(one[_rank(len(one), share) - 1] for one in lists)
    rank = _rank(sum(map(len, lists)), share)
    quarter = len(each) // 4
    return (
        _ranked(lists, rank, each[quarter], each[-1 - quarter]) or _ranked(lists, rank, each[0], each[-1])
    )[0]


def _ranked(lists: Sequence[Sequence[int]], rank: int, low: int, high: int) -> Sequence[int]:
    """The value of this rank (from 1) of all lists if it is one of those from `low` to `high`, else nothing."""
    begins = [bisect_left(one, low) for one in lists]
    ends = [bisect_right(one, high) for one in lists]
    place = rank - sum(begins) - 1
    if place < 0 or rank > sum(ends):
        return ()
    near = [value for one, begin, end in zip(lists, begins, ends, strict=True) for value in one[begin:end]]
    near.sort()
    return near[place : place + 1]


def _rank(count: int, share: float) -> int:
    """How many of `count` values are `share` of them, rounded up; at least one."""
    return max(-(-round(share * 1000) * count // 1000), 1)


@dataclass(frozen=True)
class Durations:
    """How long something took, in seconds; None where it never happened."""

    count: int
    median: int | None
    p90: int | None

    @classmethod
    def of(cls, sorted_lists: Iterable[Sequence[int]]) -> Durations:
        lists = list(sorted_lists)
        return cls(sum(map(len, lists)), percentile(lists, 0.5), percentile(lists, 0.9))


def share(part: int, whole: int) -> float | None:
    """`part` of `whole`, 0 to 1; None of nothing."""
    return part / whole if whole else None


@dataclass(frozen=True)
class Summary:
    """The figures of some days. Contacts and conversations are counted once, however many days they were active on."""

    received: int
    sent: int
    delivered: int
    read: int
    failed: int
    new_contacts: int
    active_contacts: int
    conversations: int
    opt_outs: int
    closed: int
    answers: Durations
    resolutions: Durations

    @property
    def delivery_rate(self) -> float | None:
        return share(self.delivered, self.sent)

    @property
    def read_rate(self) -> float | None:
        return share(self.read, self.sent)


@dataclass
class Pool:
    """Some days added up, as far as they can be added to others: people as sets, durations as sorted lists."""

    received: int = 0
    ours: Tally = field(default_factory=Tally)
    new_contacts: int = 0
    opt_outs: int = 0
    closed: int = 0
    active: int = 0
    conversations: int = 0
    answers: list[Sequence[int]] = field(default_factory=list)
    resolutions: list[Sequence[int]] = field(default_factory=list)

    def summary(self) -> Summary:
        """What they come to."""
        return Summary(
            received=self.received,
            sent=self.ours.sent,
            delivered=self.ours.delivered,
            read=self.ours.read,
            failed=self.ours.failed,
            new_contacts=self.new_contacts,
            active_contacts=self.active.bit_count(),
            conversations=self.conversations.bit_count(),
            opt_outs=self.opt_outs,
            closed=self.closed,
            answers=Durations.of(self.answers),
            resolutions=Durations.of(self.resolutions),
        )


def pool(days: Sequence[Day]) -> Pool:
    """These days, added up."""
    ours = Tally()
    for day in days:
        for (_, direction, _), tally in day.messages.items():
            if direction == "outbound":
                ours.add(tally)
    work = [one for day in days for one in day.work.values()]
    return Pool(
        received=sum(day.received for day in days),
        ours=ours,
        new_contacts=sum(day.new_contacts for day in days),
        opt_outs=sum(day.opt_outs for day in days),
        closed=sum(one.closed for one in work),
        active=bitmaps.union(day.active for day in days),
        conversations=bitmaps.union(day.conversations for day in days),
        answers=[one.answers for one in work],
        resolutions=[one.resolutions for one in work],
    )


def together(pools: Sequence[Pool]) -> Pool:
    """Several pools as one."""
    ours = Tally()
    for one in pools:
        ours.add(one.ours)
    return Pool(
        received=sum(one.received for one in pools),
        ours=ours,
        new_contacts=sum(one.new_contacts for one in pools),
        opt_outs=sum(one.opt_outs for one in pools),
        closed=sum(one.closed for one in pools),
        active=bitmaps.union(one.active for one in pools),
        conversations=bitmaps.union(one.conversations for one in pools),
        answers=list(chain.from_iterable(one.answers for one in pools)),
        resolutions=list(chain.from_iterable(one.resolutions for one in pools)),
    )


def summary(days: Sequence[Day]) -> Summary:
    """What these days come to."""
    return pool(days).summary()

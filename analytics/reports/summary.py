"""The figures of several days together."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

from analytics.aggregates import Bitmap, Day, Tally, union


def percentile(ordered: Iterable[Sequence[int]], share: float) -> int | None:
    """Return the nearest-rank percentile of all values; None without any.

    ordered: sorted lists. The result lies between the smallest and the largest percentile of the single lists, most
    likely in the middle half of these, so only the values there are merged and sorted.
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
    """Return the value of this rank (from 1) if it lies from `low` to `high`."""
    begins = [bisect_left(one, low) for one in lists]
    ends = [bisect_right(one, high) for one in lists]
    index = rank - sum(begins) - 1
    if index < 0 or rank > sum(ends):
        return ()
    near = [value for one, begin, end in zip(lists, begins, ends, strict=True) for value in one[begin:end]]
    near.sort()
    return near[index : index + 1]


def _rank(count: int, share: float) -> int:
    """Return `share` of `count`, rounded up; at least one."""
    return max(-(-round(share * 1000) * count // 1000), 1)


@dataclass(frozen=True)
class Durations:
    """Count, median and 90th percentile of durations in seconds; None without any."""

    count: int
    median: int | None
    p90: int | None

    @classmethod
    def from_lists(cls, sorted_lists: Iterable[Sequence[int]]) -> Durations:
        lists = list(sorted_lists)
        return cls(sum(map(len, lists)), percentile(lists, 0.5), percentile(lists, 0.9))


def share(part: int, whole: int) -> float | None:
    """Return `part` of `whole`, 0 to 1; None if `whole` is 0."""
    return part / whole if whole else None


@dataclass(frozen=True)
class Summary:
    """The figures of some days.

    Contacts and conversations are counted once, whatever the number of active days.
    """

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
    """Days added up in a form that can be added to others.

    Contacts and conversations are bitmaps, durations sorted lists.
    """

    received: int = 0
    ours: Tally = field(default_factory=Tally)
    new_contacts: int = 0
    opt_outs: int = 0
    closed: int = 0
    active: Bitmap = 0
    conversations: Bitmap = 0
    answers: list[Sequence[int]] = field(default_factory=list)
    resolutions: list[Sequence[int]] = field(default_factory=list)

    def summary(self) -> Summary:
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
            answers=Durations.from_lists(self.answers),
            resolutions=Durations.from_lists(self.resolutions),
        )


def pool(days: Sequence[Day]) -> Pool:
    """Add up days."""
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
        active=union(day.active for day in days),
        conversations=union(day.conversations for day in days),
        answers=[one.answers for one in work],
        resolutions=[one.resolutions for one in work],
    )


def together(pools: Sequence[Pool]) -> Pool:
    """Add up pools."""
    ours = Tally()
    for one in pools:
        ours.add(one.ours)
    return Pool(
        received=sum(one.received for one in pools),
        ours=ours,
        new_contacts=sum(one.new_contacts for one in pools),
        opt_outs=sum(one.opt_outs for one in pools),
        closed=sum(one.closed for one in pools),
        active=union(one.active for one in pools),
        conversations=union(one.conversations for one in pools),
        answers=list(chain.from_iterable(one.answers for one in pools)),
        resolutions=list(chain.from_iterable(one.resolutions for one in pools)),
    )


def summary(days: Sequence[Day]) -> Summary:
    """Return the figures of these days together."""
    return pool(days).summary()

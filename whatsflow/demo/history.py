"""Generator of messages in order of time, deterministic by seed, so that it can be iterated repeatedly."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from heapq import heappop, heappush
from math import exp
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from whatsflow.demo.scenes import SCENES, details

DAYS = 30
PICTURES = 12
"""Number of different pictures."""
_WEEKDAYS = (1.0, 1.0, 1.05, 1.1, 1.2, 0.7, 0.2)


class Utterance(NamedTuple):
    """One message. at: Unix time. person: index of the contact. picture: its number, or -1."""

    at: float
    person: int
    ours: bool
    text: str
    picture: int
    status: str
    read_at: float | None
    sender: int
    id: UUID


@dataclass(frozen=True)
class History:
    """Iterable of `messages` messages of `people` contacts in the `days` up to `until`.

    senders: number of members who answer.
    """

    people: int
    messages: int
    until: datetime
    zone: ZoneInfo
    senders: int
    days: int = DAYS
    seed: int = 7

    def __iter__(self) -> Iterator[Utterance]:
        chance = random.Random(self.seed)  # noqa: S311 (scenery, not secrets)
        pending: list[Utterance] = []
        scenes = self._scenes(chance)
        starts = self._starts(len(scenes), chance)
        for number, (start, (scene, length)) in enumerate(zip(starts, scenes, strict=True)):
            while pending and pending[0].at <= start:
                yield heappop(pending)
            person = self._pick_contact(number, len(scenes), chance)
            for message in self._play(person, start, scene, length, chance):
                heappush(pending, message)
        while pending:
            yield heappop(pending)

    def _scenes(self, chance: random.Random) -> list[tuple[int, int]]:
        """Choose (scene, number of its messages), in total exactly `messages`."""
        chosen, remaining = [], self.messages
        while remaining > 0:
            scene = chance.randrange(len(SCENES))
            length = min(remaining, len(SCENES[scene]))
            chosen.append((scene, length))
            remaining -= length
        return chosen

    def _starts(self, count: int, chance: random.Random) -> list[float]:
        """Draw the times at which scenes begin, weighted by `_traffic`."""
        first = (self.until - timedelta(days=self.days)).replace(minute=0, second=0, microsecond=0)
        hours = [first + timedelta(hours=hour) for hour in range(self.days * 24)]
        weights = [self._traffic(hour) for hour in hours]
        begins = [hour.timestamp() for hour in hours]
        drawn = chance.choices(begins, weights, k=count)
        return sorted(begin + chance.random() * 3600 for begin in drawn)

    def _traffic(self, hour: datetime) -> float:
        """Return the weight of an hour: a normal distribution around 13:30 in the shop's time zone, by weekday."""
        local = hour.astimezone(self.zone)
        return _WEEKDAYS[local.weekday()] * (0.01 + exp(-((local.hour + 0.5 - 13.5) ** 2) / 18))

    def _pick_contact(self, scene: int, scenes: int, chance: random.Random) -> int:
        """Pick the contact of a scene: each once, spread evenly; in between returning ones, early ones more often."""
        seen, following = (-(-number * self.people // scenes) for number in (scene, scene + 1))
        index = seen if following > seen else int(seen * chance.random() ** 2)
        return (index * 48_271 + 11) % self.people if self.people % 48_271 else index

    def _play(
        self, person: int, start: float, scene: int, length: int, chance: random.Random
    ) -> Iterator[Utterance]:
        """Generate the messages of one scene, all before `until`."""
        steps = SCENES[scene][:length]
        gaps = [0.0] + [20 + chance.expovariate(1 / 150) for _ in steps[1:]]
        end = self.until.timestamp() - 1
        at = min(start, end - sum(gaps))
        details_of_scene, sender = details(chance), chance.randrange(self.senders)
        for index, step in enumerate(steps):
            at += gaps[index]
            answer = next((i for i in range(index + 1, length) if not steps[i].ours), None)
            reply_at = at + sum(gaps[index + 1 : answer + 1]) if answer is not None else None
            status, read_at = _draw_status(step.ours, at, reply_at, end, chance)
            picture = chance.randrange(PICTURES) if step.picture else -1
            text = step.text.format_map(details_of_scene)
            yield Utterance(at, person, step.ours, text, picture, status, read_at, sender, _id(at, chance))


def _draw_status(
    ours: bool, at: float, reply_at: float | None, end: float, chance: random.Random
) -> tuple[str, float | None]:
    """Draw status and read time (None if unread) of a message. One with a reply has been read."""
    if not ours:
        return "received", None
    if reply_at is not None:
        return "read", max(at + 1, reply_at - 15)
    luck = chance.random()
    if luck < 0.01 and at < end - 600:
        return "failed", None
    read_at = at + 4 + chance.expovariate(1 / 900)
    if luck < 0.8 and read_at < end:
        return "read", read_at
    return ("delivered" if luck < 0.96 else "sent"), None


def _id(at: float, chance: random.Random) -> UUID:
    """Return a UUIDv7 of that moment, from the seeded generator."""
    bits = chance.getrandbits(74)
    high = (int(at * 1000) << 16) | 0x7000 | (bits >> 62)
    return UUID(int=(high << 64) | (0b10 << 62) | (bits & ((1 << 62) - 1)))

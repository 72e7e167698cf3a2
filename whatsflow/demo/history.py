"""Messages in the order of time: the same for the same seed, so that they can be walked through twice."""

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
"""How many different pictures are sent."""
_WEEKDAYS = (1.0, 1.0, 1.05, 1.1, 1.2, 0.7, 0.2)


class Said(NamedTuple):
    """One message. at: seconds since the epoch. person: place in the list of people. picture: its number, or -1."""

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
    """`messages` messages of `people` people in the `days` up to `until`. senders: how many teammates answer."""

    people: int
    messages: int
    until: datetime
    zone: ZoneInfo
    senders: int
    days: int = DAYS
    seed: int = 7

    def __iter__(self) -> Iterator[Said]:
        chance = random.Random(self.seed)  # noqa: S311 (scenery, not secrets)
        waiting: list[Said] = []
        scenes = self._scenes(chance)
        starts = self._starts(len(scenes), chance)
        for number, (start, (scene, length)) in enumerate(zip(starts, scenes, strict=True)):
            while waiting and waiting[0].at <= start:
                yield heappop(waiting)
            person = self._who(number, len(scenes), chance)
            for said in self._play(person, start, scene, length, chance):
                heappush(waiting, said)
        while waiting:
            yield heappop(waiting)

    def _scenes(self, chance: random.Random) -> list[tuple[int, int]]:
        """(scene, how many of its messages): together exactly as many messages as wanted."""
        chosen, left = [], self.messages
        while left > 0:
            scene = chance.randrange(len(SCENES))
            length = min(left, len(SCENES[scene]))
            chosen.append((scene, length))
            left -= length
        return chosen

    def _starts(self, count: int, chance: random.Random) -> list[float]:
        """When the scenes begin: most of them in the middle of working days."""
        first = (self.until - timedelta(days=self.days)).replace(minute=0, second=0, microsecond=0)
        hours = [first + timedelta(hours=hour) for hour in range(self.days * 24)]
        weights = [self._traffic(hour) for hour in hours]
        begins = [hour.timestamp() for hour in hours]
        drawn = chance.choices(begins, weights, k=count)
        return sorted(begin + chance.random() * 3600 for begin in drawn)

    def _traffic(self, hour: datetime) -> float:
        """A bell over the day with its top at half past one, in the shop's time zone."""
        local = hour.astimezone(self.zone)
        return _WEEKDAYS[local.weekday()] * (0.01 + exp(-((local.hour + 0.5 - 13.5) ** 2) / 18))

    def _who(self, scene: int, scenes: int, chance: random.Random) -> int:
        """Everybody once, somebody new all the time; between them who came before, the first far more often."""
        came, following = (-(-number * self.people // scenes) for number in (scene, scene + 1))
        place = came if following > came else int(came * chance.random() ** 2)
        return (place * 48_271 + 11) % self.people if self.people % 48_271 else place

    def _play(
        self, person: int, start: float, scene: int, length: int, chance: random.Random
    ) -> Iterator[Said]:
        """The messages of one scene, the last one before now."""
        steps = SCENES[scene][:length]
        gaps = [0.0] + [20 + chance.expovariate(1 / 150) for _ in steps[1:]]
        end = self.until.timestamp() - 1
        at = min(start, end - sum(gaps))
        about, sender = details(chance), chance.randrange(self.senders)
        for place, step in enumerate(steps):
            at += gaps[place]
            answer = next((i for i in range(place + 1, length) if not steps[i].ours), None)
            reply_at = at + sum(gaps[place + 1 : answer + 1]) if answer is not None else None
            status, read_at = _fate(step.ours, at, reply_at, end, chance)
            picture = chance.randrange(PICTURES) if step.picture else -1
            text = step.text.format_map(about)
            yield Said(at, person, step.ours, text, picture, status, read_at, sender, _id(at, chance))


def _fate(
    ours: bool, at: float, reply_at: float | None, end: float, chance: random.Random
) -> tuple[str, float | None]:
    """What became of a message, and when it was read. Whoever answers has read."""
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
    """A version-7 UUID of that moment."""
    bits = chance.getrandbits(74)
    high = (int(at * 1000) << 16) | 0x7000 | (bits >> 62)
    return UUID(int=(high << 64) | (0b10 << 62) | (bits & ((1 << 62) - 1)))

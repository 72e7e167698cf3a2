"""Pacing of campaign messages: pure functions of settings, history and time.

    decide(settings, past, now, person) -> allowed, or not before a time, with a reason for people

Messages of people are not paced. Nothing here reads a clock or a database; every datetime is aware.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
LOOK_AHEAD = 15
"""Days searched for an open window."""


class Reason(StrEnum):
    """Reason for which a campaign message waits."""

    NONE = ""
    GAP = "gap"
    BUCKET = "bucket"
    HOUR = "hour"
    DAY = "day"
    WARM_UP = "warm_up"
    WINDOW = "window"
    COLD = "cold"


WORDS: dict[str, str] = {
    Reason.GAP: "A pause between two messages, of a different length each time.",
    Reason.BUCKET: "After a quick start, messages go out at the hourly rate.",
    Reason.HOUR: "This hour's limit is reached.",
    Reason.DAY: "The limit for 24 hours is reached.",
    Reason.WARM_UP: "The number is new and may send a little more every few days.",
    Reason.WINDOW: "It is outside the recipient's hours for such messages.",
    Reason.COLD: "The limit for people who never wrote to you is reached for these 24 hours.",
}


@dataclass(frozen=True)
class Pacing:
    """Settings of one number.

    Gaps in seconds; window in minutes of the recipient's local day, weekdays from Monday 0. warm_up: (until which day
    since the number was added, messages per 24 hours). marketing_hours: at most one campaign message per contact in
    this time, over all numbers; 0: no limit. It applies even if pacing is off.
    """

    enabled: bool = True
    gap_min: float = 30.0
    gap_max: float = 60.0
    burst: int = 10
    hourly: int = 60
    daily: int = 300
    cold_daily: int = 50
    warm_up: tuple[tuple[int, int], ...] = ((3, 25), (6, 100), (10, 250))
    window_enabled: bool = True
    window_start: int = 9 * 60
    window_end: int = 19 * 60
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    marketing_hours: int = 24

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None, *, sandbox: bool = False) -> Pacing:
        """Build from a number's JSON, with defaults for missing keys.

        sandbox: faster defaults.
        """
        base = SANDBOX if sandbox else cls()
        known = {one.name for one in fields(cls)}
        values = {name: value for name, value in (stored or {}).items() if name in known}
        if "warm_up" in values:
            values["warm_up"] = tuple((int(day), int(cap)) for day, cap in values["warm_up"])
        if "weekdays" in values:
            values["weekdays"] = tuple(int(day) for day in values["weekdays"])
        return replace(base, **values)

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON values."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return values | {"warm_up": [list(step) for step in self.warm_up], "weekdays": list(self.weekdays)}

    @property
    def has_window(self) -> bool:
        return self.enabled and self.window_enabled


SANDBOX = Pacing(
    gap_min=0.5,
    gap_max=1.5,
    burst=60,
    hourly=3600,
    daily=50_000,
    cold_daily=50_000,
    warm_up=(),
    window_enabled=False,
)
"""Defaults of the sandbox, which cannot be banned: fast enough to watch, slow enough to see the gaps."""


@dataclass(frozen=True)
class Past:
    """Times of the number's campaign messages in the last 24 hours, newest first.

    cold: those to contacts who never wrote. linked_at: when the number was added; None: long ago.
    """

    sent: Sequence[datetime] = ()
    cold: Sequence[datetime] = ()
    linked_at: datetime | None = None


@dataclass(frozen=True)
class Person:
    """A recipient.

    zones: possible time zones of the phone number. cold: the contact never wrote.
    """

    zones: tuple[str, ...] = ("UTC",)
    cold: bool = False


@dataclass(frozen=True)
class Decision:
    """Allowed now, or not before `not_before` because of `reason`; decide again then."""

    allowed: bool
    not_before: datetime | None = None
    reason: str = Reason.NONE


ALLOWED = Decision(True)


def decide(settings: Pacing, past: Past, now: datetime, person: Person | None = None) -> Decision:
    """Decide whether a campaign message may leave now.

    person: None decides for the number alone.
    """
    if not settings.enabled:
        return ALLOWED
    waits = [*_of_number(settings, past, now)]
    if person is not None:
        waits += _of_person(settings, past, now, person)
    later = [(moment, reason) for moment, reason in waits if moment > now]
    if not later:
        return ALLOWED
    moment, reason = max(later)
    return Decision(False, moment, reason)


def _of_number(settings: Pacing, past: Past, now: datetime) -> list[tuple[datetime, str]]:
    sent = past.sent
    if not sent:
        return []
    cap, reason = daily_cap(settings, past.linked_at, now)
    return [
        (sent[0] + gap_after(settings, sent[0]), Reason.GAP),
        (_bucket_ready(settings, sent, now), Reason.BUCKET),
        (_room_at(sent, settings.hourly, HOUR, now), Reason.HOUR),
        (_room_at(sent, cap, DAY, now), reason),
    ]


def _of_person(settings: Pacing, past: Past, now: datetime, person: Person) -> list[tuple[datetime, str]]:
    waits: list[tuple[datetime, str]] = []
    if settings.window_enabled:
        waits.append((next_open(settings, now, person.zones), Reason.WINDOW))
    if person.cold:
        waits.append((_room_at(past.cold, settings.cold_daily, DAY, now), Reason.COLD))
    return waits


def gap_after(settings: Pacing, last: datetime) -> timedelta:
    """Return the gap after a message sent at `last`.

    Pseudo-random, and the same on each call.
    """
    low, high = settings.gap_min, max(settings.gap_min, settings.gap_max)
    chance = Random(last.timestamp())  # noqa: S311 - not a secret
    return timedelta(seconds=chance.uniform(low, high))


def daily_cap(settings: Pacing, linked_at: datetime | None, now: datetime) -> tuple[int, str]:
    """Return the limit per 24 hours, with its reason: daily limit or warm-up."""
    if linked_at is not None:
        age = (now - linked_at) / DAY
        for until, cap in settings.warm_up:
            if age < until:
                return (cap, Reason.WARM_UP) if cap < settings.daily else (settings.daily, Reason.DAY)
    return settings.daily, Reason.DAY


def _room_at(sent: Sequence[datetime], cap: int, span: timedelta, now: datetime) -> datetime:
    """Return when fewer than `cap` messages lie in the preceding `span`.

    sent: newest first.
    """
    if cap <= 0:
        return now + span
    return sent[cap - 1] + span if len(sent) >= cap else now


def _bucket_ready(settings: Pacing, sent: Sequence[datetime], now: datetime) -> datetime:
    """Return when the token bucket holds a token.

    Its size is `burst`, it gets `hourly` tokens per hour.
    """
    rate = settings.hourly / HOUR.total_seconds()
    if rate <= 0:
        return now + HOUR
    tokens, at = float(settings.burst), sent[-1]
    for moment in reversed(sent):
        tokens = min(float(settings.burst), tokens + (moment - at).total_seconds() * rate) - 1.0
        at = moment
    tokens = min(float(settings.burst), tokens + (now - at).total_seconds() * rate)
    return now if tokens >= 1.0 else now + timedelta(seconds=(1.0 - tokens) / rate)


# -- the recipient's day -----------------------------------------------------------------------------------------------


def is_open(settings: Pacing, now: datetime, zones: Sequence[str]) -> bool:
    """Return whether the window is open in all of these zones."""
    return all(_open_in(settings, now, zone) for zone in zones)


def _open_in(settings: Pacing, now: datetime, zone: str) -> bool:
    local = now.astimezone(ZoneInfo(zone))
    minute = local.hour * 60 + local.minute
    return local.weekday() in settings.weekdays and settings.window_start <= minute < settings.window_end


def next_open(settings: Pacing, now: datetime, zones: Sequence[str]) -> datetime:
    """Return `now` if the window is open in all zones, else when it opens next.

    If the zones are so far apart that their windows never overlap, the first one counts.
    """
    if is_open(settings, now, zones):
        return now
    for opening in sorted(_openings(settings, now, zones)):
        if is_open(settings, opening, zones):
            return opening
    return next_open(settings, now, zones[:1]) if len(zones) > 1 else now + timedelta(days=LOOK_AHEAD)


def _openings(settings: Pacing, now: datetime, zones: Sequence[str]) -> list[datetime]:
    """Return the starts of the window after `now` in each zone.

    A start that a clock change skips is that much later.
    """
    openings = []
    for zone in zones:
        today = now.astimezone(ZoneInfo(zone)).date()
        for ahead in range(LOOK_AHEAD):
            opening = local_moment(today + timedelta(days=ahead), settings.window_start, zone)
            if opening > now:
                openings.append(opening)
    return openings


def local_moment(day: date, minute: int, zone: str) -> datetime:
    """Return the time, in UTC, of this minute of `day` in `zone`."""
    wall = datetime.combine(day, time(minute // 60, minute % 60), ZoneInfo(zone))
    return wall.astimezone(ZoneInfo("UTC"))


# -- forecast ----------------------------------------------------------------------------------------------------------


Zones = tuple[str, ...]
Span = tuple[datetime, datetime]


@dataclass
class Forecast:
    """Simulated progress of a number.

    finish: time of the last message; None: more than two years away. missed: recipients whose time span ends first.
    """

    finish: datetime | None
    days: int
    per_day: list[int] = field(default_factory=list)
    missed: int = 0


def forecast(
    settings: Pacing,
    past: Past,
    now: datetime,
    people: Mapping[Zones, int],
    cold: int = 0,
    begin: datetime | None = None,
    spans: Mapping[Zones, Span] | None = None,
) -> Forecast:
    """Simulate hour by hour how long `people` take on this number.

    people: recipients by zones. cold: recipients who never wrote; the others go first. spans: time spans to which
    recipients of some zones are limited.
    """
    waiting, spans = dict(people), spans or {}
    moment = max(now, begin or now)
    if not settings.enabled or not sum(waiting.values()):
        return Forecast(max([moment, *(start for start, _ in spans.values())]), 0, [sum(waiting.values())])
    every = max(1.0, (settings.gap_min + settings.gap_max) / 2)
    in_an_hour = min(float(settings.hourly), HOUR.total_seconds() / every)
    shown = Forecast(None, 0)
    opens = _OpenHours(settings)
    warm = max(sum(waiting.values()) - cold, 0)
    for number in range(2 * 365):
        today = _left_of_day(
            settings, past if number == 0 else Past(linked_at=past.linked_at), moment, warm, cold
        )
        sent, last = _one_day(opens, moment, waiting, spans, today, in_an_hour)
        shown.per_day.append(sent)
        warm = max(0, warm - sent)
        moment = moment.replace(minute=0, second=0, microsecond=0) + DAY if number == 0 else moment + DAY
        shown.missed += _drop_missed(waiting, spans, moment)
        if not sum(waiting.values()):
            return replace(shown, finish=last, days=number + 1)
    return shown


def _left_of_day(settings: Pacing, past: Past, now: datetime, warm: int, cold: int) -> int:
    """Return the capacity of the 24 hours from `now` for these recipients."""
    recent, strangers = ([at for at in times if now - at < DAY] for times in (past.sent, past.cold))
    cap = max(0, daily_cap(settings, past.linked_at, now)[0] - len(recent))
    return min(cap, warm + max(0, settings.cold_daily - len(strangers))) if cold else cap


class _OpenHours:
    """Cached `is_open` by hour of the week.

    A clock change moves a forecast by an hour at most.
    """

    def __init__(self, settings: Pacing) -> None:
        self._settings = settings
        self._known: dict[tuple[Zones, int, int], bool] = {}

    def __call__(self, zones: Zones, moment: datetime) -> bool:
        if not self._settings.window_enabled:
            return True
        key = (zones, moment.weekday(), moment.hour)
        if key not in self._known:
            self._known[key] = is_open(self._settings, moment, zones)
        return self._known[key]


def _one_day(
    opens: _OpenHours,
    start: datetime,
    waiting: dict[Zones, int],
    spans: Mapping[Zones, Span],
    cap: int,
    in_an_hour: float,
) -> tuple[int, datetime]:
    """Remove the recipients of 24 hours from `waiting`.

    Returns how many, and the time of the last one.
    """
    sent, last = 0, start
    for hour in range(24):
        if sent >= cap:
            break
        moment, room = start + hour * HOUR, in_an_hour
        for zones in [zones for zones, count in waiting.items() if count and opens(zones, moment)]:
            usable = min(room, in_an_hour * _part_of_hour(spans.get(zones), moment))
            count = min(waiting[zones], cap - sent, int(usable))
            if count <= 0:
                continue
            waiting[zones] -= count
            sent, room = sent + count, room - count
            last = moment + HOUR * ((in_an_hour - room) / in_an_hour)
    return sent, last


def _part_of_hour(span: Span | None, moment: datetime) -> float:
    """Return the fraction of the hour from `moment` that lies within `span`."""
    if span is None:
        return 1.0
    return max(0.0, (min(span[1], moment + HOUR) - max(span[0], moment)) / HOUR)


def _drop_missed(waiting: dict[Zones, int], spans: Mapping[Zones, Span], moment: datetime) -> int:
    """Remove recipients whose span has ended. Returns how many."""
    over = [zones for zones in waiting if zones in spans and spans[zones][1] <= moment]
    return sum(waiting.pop(zones) for zones in over)

"""Start times and repetitions of campaigns. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from campaigns.models import Campaign
from core.errors import InvalidInput

Timing = Campaign.Timing
EASTERNMOST = timedelta(hours=14)
"""UTC offset of Kiritimati, where every wall clock time comes first."""
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_CRON_DAYS = ("1", "2", "3", "4", "5", "6", "0")
MIN_INTERVAL = timedelta(minutes=15)
"""Shorter intervals between repetitions are rejected as mistakes."""


def zone(name: str) -> ZoneInfo:
    """Get a time zone. Raises InvalidInput("unknown_time_zone")."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise InvalidInput(
            "unknown_time_zone", "Choose a time zone of the list.", field="time_zone"
        ) from None


def first_start(campaign: Campaign, moment: datetime) -> datetime:
    """Return when a campaign starts that is scheduled now. Raises InvalidInput for the past."""
    if campaign.timing == Timing.REPEAT:
        return next_slot(campaign, moment)
    if campaign.timing == Timing.LOCAL:
        if campaign.local_at is None:
            raise InvalidInput("no_time", "Choose the day and the time.", field="local_at")
        start = campaign.local_at - EASTERNMOST
        if campaign.local_at + timedelta(hours=12) < moment:
            raise InvalidInput("time_passed", "This time has passed everywhere.", field="local_at")
        return max(start, moment)
    if campaign.scheduled_at is None:
        raise InvalidInput("no_time", "Choose the day and the time.", field="scheduled_at")
    if campaign.scheduled_at < moment - timedelta(minutes=1):
        raise InvalidInput(
            "time_passed", "This time has passed. Choose a later one, or send it now.", field="scheduled_at"
        )
    return campaign.scheduled_at


def next_slot(campaign: Campaign, after: datetime) -> datetime:
    """Return the next time of a repetition, in its time zone's wall clock. Raises InvalidInput.

    A time that a clock change skips comes that much later; one that it repeats comes once.
    """
    check_cron(campaign.cron)
    tz = zone(campaign.time_zone or "UTC")
    walls = CronSim(campaign.cron, after.astimezone(tz).replace(tzinfo=None))
    try:
        return next(slot for slot in _moments(walls, tz) if slot > after)
    except StopIteration:
        raise _never_comes() from None


def last_slot(campaign: Campaign, moment: datetime) -> datetime:
    """Return the latest time of a repetition not after `moment`, of those from its `scheduled_at` on."""
    assert campaign.scheduled_at is not None
    tz = zone(campaign.time_zone or "UTC")
    soon = moment.astimezone(tz).replace(tzinfo=None) + timedelta(seconds=1)
    walls = CronSim(campaign.cron, soon, reverse=True)
    latest = next(slot for slot in _moments(walls, tz) if slot <= moment)
    return max(latest, campaign.scheduled_at)


def _moments(walls: Iterable[datetime], tz: ZoneInfo) -> Iterator[datetime]:
    return (wall.replace(tzinfo=tz).astimezone(UTC) for wall in walls)


def check_cron(text: str) -> None:
    """Check a cron expression of five fields. Raises InvalidInput("bad_plan"), also for too frequent times."""
    fields = text.split()
    if len(fields) != 5 or not _is_readable(fields):
        raise InvalidInput("bad_plan", "Write five fields, like 0 9 * * 1 for Mondays at nine.", field="cron")
    try:
        slots = list(islice(CronSim(text, datetime(2026, 1, 1, tzinfo=UTC)), 13))
    except CronSimError:  # a day that none of the months has
        raise _never_comes() from None
    if not slots:
        raise _never_comes()
    closest = min((later - earlier for earlier, later in pairwise(slots)), default=MIN_INTERVAL)
    if closest < MIN_INTERVAL:
        raise InvalidInput("bad_plan", "A campaign can be repeated every 15 minutes at most.", field="cron")


def _is_readable(fields: list[str]) -> bool:
    """Return whether the five cron fields are valid; the day is not checked against the month."""
    minute, hour, day, month, weekday = fields
    try:
        CronSim(f"{minute} {hour} {day} * {weekday}", datetime(2026, 1, 1, tzinfo=UTC))
        CronSim(f"* * * {month} *", datetime(2026, 1, 1, tzinfo=UTC))
    except CronSimError:
        return False
    return True


def _never_comes() -> InvalidInput:
    return InvalidInput("bad_plan", "This repetition never comes.", field="cron")


def cron_of(every: str, hour: int, minute: int, weekday: int = 0, day: int = 1) -> str:
    """Build the cron expression of "daily", "weekly" (weekday from Monday 0) or "monthly"."""
    if every == "weekly":
        return f"{minute} {hour} * * {_CRON_DAYS[weekday]}"
    if every == "monthly":
        return f"{minute} {hour} {day} * *"
    return f"{minute} {hour} * * *"


def describe(campaign: Campaign) -> str:
    """Describe when a campaign is sent."""
    if campaign.timing == Timing.REPEAT:
        return f"{describe_cron(campaign.cron)} ({campaign.time_zone})"
    if campaign.timing == Timing.LOCAL and campaign.local_at:
        return f"{campaign.local_at:%-d %B %Y, %H:%M} by each recipient's clock"
    if campaign.timing == Timing.AT and campaign.scheduled_at:
        local = campaign.scheduled_at.astimezone(zone(campaign.time_zone or "UTC"))
        return f"{local:%-d %B %Y, %H:%M} ({campaign.time_zone or 'UTC'})"
    return "At a time that is still to be chosen" if campaign.timing == Timing.AT else "At once"


def describe_cron(cron: str) -> str:
    """Describe the usual repetitions; others are shown as cron expressions."""
    parts = cron.split()
    if len(parts) != 5 or not (parts[0].isdigit() and parts[1].isdigit()) or parts[3] != "*":
        return f"By the plan {cron}"
    at = f"at {int(parts[1]):02d}:{int(parts[0]):02d}"
    if parts[2] == "*" and parts[4] == "*":
        return f"Every day {at}"
    if parts[2] == "*" and parts[4] in _CRON_DAYS:
        return f"Every {WEEKDAYS[_CRON_DAYS.index(parts[4])]} {at}"
    if parts[4] == "*" and parts[2].isdigit():
        return f"Every month on day {parts[2]} {at}"
    return f"By the plan {cron}"

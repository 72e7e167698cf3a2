"""Dry run: simulate a campaign's audience, its distribution over numbers, and finish time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from campaigns import audience, forecast, reason_labels, schedule, texts
from campaigns.models import Campaign
from campaigns.services.assignment import last_numbers, usable
from campaigns.services.outbox_feeder import known_variables
from connections.models import WhatsAppConnection
from contacts.models import Contact
from core.clock import now
from core.errors import InvalidInput
from messaging.outbox import pacing_settings

EXAMPLES = 5
LONG_TEXT = 1000
"""Characters beyond which people on a phone see "Read more"."""


@dataclass(frozen=True)
class Exclusion:
    """Contacts excluded for one reason."""

    reason: str
    label: str
    count: int
    examples: list[Contact] = field(default_factory=list)


@dataclass(frozen=True)
class NumberPlan:
    """Plan of one number.

    finish: when its last message is sent at its pacing; None: not within two years. missed: contacts whose local time
    window ends before their turn.
    """

    connection: WhatsAppConnection
    count: int
    finish: datetime | None
    days: int
    missed: int = 0


@dataclass(frozen=True)
class DryRun:
    """Result of a simulation. warnings: what a person should read before sending."""

    total: int
    out: list[Exclusion]
    numbers: list[NumberPlan]
    begins: datetime
    finish: datetime | None
    warnings: list[str]

    @property
    def left_out(self) -> int:
        return sum(exclusion.count for exclusion in self.out)


def simulate(campaign: Campaign, examples: int = EXAMPLES) -> DryRun:
    """Simulate the campaign read-only, in a few queries. examples: contacts listed per exclusion reason."""
    moment = now()
    counts = audience.count_by_reason(campaign, moment)
    out = [
        Exclusion(
            reason,
            reason_labels.of_recipient(reason),
            count,
            audience.examples(campaign, moment, reason, examples),
        )
        for reason, count in sorted(counts.items(), key=lambda pair: -pair[1])
        if reason
    ]
    if (
        twice := campaign.list_summary.get("repeated")
        if campaign.target_type == Campaign.Target.CUSTOM
        else 0
    ):
        out.append(Exclusion("duplicate", "Twice on your list", int(twice)))
    total = counts.get("", 0)
    begins = _start_time(campaign, moment)
    numbers = _plans(campaign, total, begins, moment)
    finishes = [plan.finish for plan in numbers if plan.count]
    finish = max(filter(None, finishes), default=None) if all(finishes) else None
    return DryRun(total, out, numbers, begins, finish, _warnings(campaign, total, counts, numbers, moment))


def _start_time(campaign: Campaign, moment: datetime) -> datetime:
    if campaign.timing == Campaign.Timing.NOW:
        return moment
    try:
        return schedule.first_start(campaign, moment)
    except InvalidInput:
        return moment


def _plans(campaign: Campaign, total: int, begins: datetime, moment: datetime) -> list[NumberPlan]:
    numbers = [number for number in audience.numbers_of(campaign) if usable(number)]
    if not numbers:
        return []
    included = audience.with_reason(campaign, moment).filter(reason="").order_by()
    zones = forecast.zones_among(campaign, included.values_list("phone_number", flat=True)[: forecast.SAMPLE])
    cold = audience.count_never_wrote(campaign, moment)
    plans = []
    for number, count in zip(numbers, _shares(campaign, numbers, total, moment), strict=True):
        part = cold * count // total if total else 0
        estimate = forecast.of_number(campaign, number, zones, count, part, begins, moment)
        plans.append(NumberPlan(number, count, estimate.finish, estimate.days, estimate.missed))
    return plans


def _shares(
    campaign: Campaign, numbers: Sequence[WhatsAppConnection], total: int, moment: datetime
) -> list[int]:
    """Count the contacts per number: those who know it, plus its share of the others."""
    counts = [0] * len(numbers)
    if len(numbers) > 1:
        included = audience.with_reason(campaign, moment).filter(reason="").order_by().values("pk")
        known = Counter(last_numbers(numbers, included).values())
        counts = [known[number.pk] for number in numbers]
    rest = max(0, total - sum(counts))
    for index in range(len(numbers)):
        counts[index] += rest // len(numbers) + (index < rest % len(numbers))
    return counts


# -- warnings ----------------------------------------------------------------------------------------------------------


def _warnings(
    campaign: Campaign, total: int, counts: dict[str, int], numbers: list[NumberPlan], moment: datetime
) -> list[str]:
    warnings = []
    if not total:
        warnings.append("Nobody is left to send it to.")
    if not numbers:
        warnings.append("No number is chosen that could send it.")
    offline = [plan.connection.display_name for plan in numbers if not plan.connection.is_connected]
    if offline:
        warnings.append(f"Not connected just now: {', '.join(offline)}. Its messages wait until it is.")
    limited = [
        plan.connection.display_name
        for plan in numbers
        if plan.connection.limited_until and plan.connection.limited_until > moment
    ]
    if limited:
        warnings.append(
            f"WhatsApp lets {', '.join(limited)} write to nobody new for now: those who never wrote have to wait."
        )
    if missed := sum(plan.missed for plan in numbers):
        warnings.append(
            f"At this pacing about {missed:,} of them would get it more than {campaign.expire_hours} hours late, so "
            "they get nothing. Allow more hours, or choose more numbers or fewer people."
        )
    unlimited = [
        plan.connection for plan in numbers if not pacing_settings.settings_of(plan.connection).enabled
    ]
    if any(not number.is_sandbox for number in unlimited):
        warnings.append("A number has no pacing. WhatsApp bans numbers that send many messages at once.")
    everybody = total + sum(counts.values()) - counts.get("", 0)
    if everybody >= 20 and counts.get("opted_out", 0) > everybody * 0.1:
        warnings.append("More than a tenth of these people have opted out. Is this the right audience?")
    if invalid := campaign.list_summary.get("invalid"):
        lines = (
            "1 line of your list is no phone number"
            if invalid == 1
            else f"{invalid:,} lines are no phone numbers"
        )
        warnings.append(f"{lines}, so nobody was added for it.")
    if any(plan.finish is None and plan.count for plan in numbers):
        warnings.append(
            "At this pacing it would take more than two years. Choose fewer people or more numbers."
        )
    return warnings + _text_warnings(campaign, moment)


def _text_warnings(campaign: Campaign, moment: datetime) -> list[str]:
    warnings, known = [], known_variables(campaign)
    contents = [str(variant["content"]) for variant in campaign.variants] or [campaign.message_content]
    used = {name: fallback for text in contents for name, fallback in texts.variables(text)}
    unknown = sorted(set(used) - known)
    if unknown:
        warnings.append(
            f"There is no field called {', '.join(unknown)}: it will stand in the text as it is written."
        )
    for name in sorted(name for name, fallback in used.items() if name in known and not fallback):
        if empty := _count_without(campaign, name, moment):
            warnings.append(
                f"{empty:,} of them have no {name.replace('_', ' ')}: write {{{{{name}|…}}}} with words to use instead."
            )
    if any(len(text) > LONG_TEXT for text in contents):
        warnings.append("The text is long: on a phone most of it is hidden behind “Read more”.")
    return warnings


def _count_without(campaign: Campaign, name: str, moment: datetime) -> int:
    """Count included contacts without a value for this variable."""
    rows = audience.with_reason(campaign, moment).filter(reason="").order_by()
    if name in ("name", "first_name"):
        return rows.filter(name="", push_name="").count()
    if name == "email":
        return rows.filter(email="").count()
    if name == "phone":
        return rows.filter(phone_number=None).count()
    if name == "business":
        return 0
    return rows.exclude(metadata__has_key=name).count()

"""What would happen: who is in, who is out and why, how it spreads over the numbers, and when the last one leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from campaigns import audience, forecast, reason_labels, schedule, texts
from campaigns.models import Campaign
from campaigns.services.assignment import known_by, usable
from campaigns.services.outbox_feeder import known_variables
from connections.models import WhatsAppConnection
from contacts.models import Contact
from core.clock import now
from core.errors import InvalidInput
from messaging.outbox import pacing_settings

EXAMPLES = 5
NOBODY_KNOWN = "somebody of whom nothing is known"
LONG_TEXT = 1000
"""Characters beyond which people on a phone see "Read more"."""


@dataclass(frozen=True)
class Out:
    """People left out for one reason."""

    reason: str
    label: str
    count: int
    examples: list[Contact] = field(default_factory=list)


@dataclass(frozen=True)
class NumberPlan:
    """What falls to one number. finish: when its last message leaves at its pacing; None: not in two years. missed:
    people whose local time is over before their turn comes.
    """

    connection: WhatsAppConnection
    count: int
    finish: datetime | None
    days: int
    missed: int = 0


@dataclass(frozen=True)
class DryRun:
    """The answer. warnings: what a person should read before sending."""

    total: int
    out: list[Out]
    numbers: list[NumberPlan]
    begins: datetime
    finish: datetime | None
    warnings: list[str]

    @property
    def left_out(self) -> int:
        return sum(one.count for one in self.out)


def dry_run(campaign: Campaign, examples: int = EXAMPLES) -> DryRun:
    """A handful of queries and a reckoning; nothing is written."""
    moment = now()
    counts = audience.counts(campaign, moment)
    out = [
        Out(
            reason,
            reason_labels.of_recipient(reason),
            count,
            audience.with_reason(campaign, moment, reason, examples),
        )
        for reason, count in sorted(counts.items(), key=lambda pair: -pair[1])
        if reason
    ]
    if (
        twice := campaign.list_summary.get("repeated")
        if campaign.target_type == Campaign.Target.CUSTOM
        else 0
    ):
        out.append(Out("duplicate", "Twice on your list", int(twice)))
    total = counts.get("", 0)
    begins = _begins(campaign, moment)
    numbers = _plans(campaign, total, begins, moment)
    finishes = [plan.finish for plan in numbers if plan.count]
    finish = max((one for one in finishes if one), default=None) if all(finishes) else None
    return DryRun(total, out, numbers, begins, finish, _warnings(campaign, total, counts, numbers, moment))


def _begins(campaign: Campaign, moment: datetime) -> datetime:
    if campaign.timing == Campaign.Timing.NOW:
        return moment
    try:
        return schedule.first_start(campaign, moment)
    except InvalidInput:
        return moment


def _plans(campaign: Campaign, total: int, begins: datetime, moment: datetime) -> list[NumberPlan]:
    numbers = [one for one in audience.numbers_of(campaign) if usable(one)]
    if not numbers:
        return []
    people = audience.judged(campaign, moment).filter(reason="").order_by()
    zones = forecast.zones_among(campaign, people.values_list("phone_number", flat=True)[: forecast.SAMPLE])
    cold = audience.strangers(campaign, moment)
    plans = []
    for number, count in zip(numbers, _shares(campaign, numbers, total, moment), strict=True):
        part = cold * count // total if total else 0
        found = forecast.of_number(campaign, number, zones, count, part, begins, moment)
        plans.append(NumberPlan(number, count, found.finish, found.days, found.missed))
    return plans


def _shares(
    campaign: Campaign, numbers: Sequence[WhatsAppConnection], total: int, moment: datetime
) -> list[int]:
    """How many fall to each number: those who know it, and its part of the others."""
    counts = [0] * len(numbers)
    if len(numbers) > 1:
        people = audience.judged(campaign, moment).filter(reason="").order_by().values("pk")
        known = Counter(known_by(numbers, people).values())
        counts = [known[one.pk] for one in numbers]
    rest = max(0, total - sum(counts))
    for place in range(len(numbers)):
        counts[place] += rest // len(numbers) + (place < rest % len(numbers))
    return counts


# -- warnings ----------------------------------------------------------------------------------------------------------


def _warnings(
    campaign: Campaign, total: int, counts: dict[str, int], numbers: list[NumberPlan], moment: datetime
) -> list[str]:
    found = []
    if not total:
        found.append("Nobody is left to send it to.")
    if not numbers:
        found.append("No number is chosen that could send it.")
    offline = [plan.connection.display_name for plan in numbers if not plan.connection.is_connected]
    if offline:
        found.append(f"Not connected just now: {', '.join(offline)}. Its messages wait until it is.")
    limited = [
        plan.connection.display_name
        for plan in numbers
        if plan.connection.limited_until and plan.connection.limited_until > moment
    ]
    if limited:
        found.append(
            f"WhatsApp lets {', '.join(limited)} write to nobody new for now: those who never wrote have to wait."
        )
    if missed := sum(plan.missed for plan in numbers):
        found.append(
            f"At this pacing about {missed:,} of them would get it more than {campaign.expire_hours} hours late, so "
            "they get nothing. Allow more hours, or choose more numbers or fewer people."
        )
    unlimited = [
        plan.connection for plan in numbers if not pacing_settings.settings_of(plan.connection).enabled
    ]
    if any(not one.is_sandbox for one in unlimited):
        found.append("A number has no pacing. WhatsApp bans numbers that send many messages at once.")
    everybody = total + sum(counts.values()) - counts.get("", 0)
    if everybody >= 20 and counts.get("opted_out", 0) > everybody * 0.1:
        found.append("More than a tenth of these people have opted out. Is this the right audience?")
    if invalid := campaign.list_summary.get("invalid"):
        lines = (
            "1 line of your list is no phone number"
            if invalid == 1
            else f"{invalid:,} lines are no phone numbers"
        )
        found.append(f"{lines}, so nobody was added for it.")
    if any(plan.finish is None and plan.count for plan in numbers):
        found.append("At this pacing it would take more than two years. Choose fewer people or more numbers.")
    return found + _text_warnings(campaign, moment)


def _text_warnings(campaign: Campaign, moment: datetime) -> list[str]:
    found, known = [], known_variables(campaign)
    contents = [str(one["content"]) for one in campaign.variants] or [campaign.message_content]
    used = {name: fallback for text in contents for name, fallback in texts.variables(text)}
    strange = sorted(set(used) - known)
    if strange:
        found.append(
            f"There is no field called {', '.join(strange)}: it will stand in the text as it is written."
        )
    for name in sorted(name for name, fallback in used.items() if name in known and not fallback):
        if empty := _without(campaign, name, moment):
            found.append(
                f"{empty:,} of them have no {name.replace('_', ' ')}: write {{{{{name}|…}}}} with words to use instead."
            )
    if any(len(text) > LONG_TEXT for text in contents):
        found.append("The text is long: on a phone most of it is hidden behind “Read more”.")
    return found


def _without(campaign: Campaign, name: str, moment: datetime) -> int:
    """How many of those who are in have nothing for this variable."""
    rows = audience.judged(campaign, moment).filter(reason="").order_by()
    if name in ("name", "first_name"):
        return rows.filter(name="", push_name="").count()
    if name == "email":
        return rows.filter(email="").count()
    if name == "phone":
        return rows.filter(phone_number=None).count()
    if name == "business":
        return 0
    return rows.exclude(metadata__has_key=name).count()


def preview_people(campaign: Campaign, count: int = 3) -> list[Contact]:
    """Some real people of the audience, to see how a text looks: those with the longest names, and one of whom no name
    is known. Somebody of whom nothing is known where there is nobody yet.
    """
    rows = audience.judged(campaign, now()).filter(reason="").order_by("pk")
    named = sorted(rows.exclude(name="", push_name="")[:200], key=lambda one: -len(one.display_name))
    nameless = list(rows.filter(name="", push_name="")[:1]) if count > 1 else []
    some: list[Contact] = named[: count - len(nameless)] + nameless
    return some or [Contact(business_profile=campaign.business_profile)]


def preview_texts(campaign: Campaign, people: list[Contact]) -> list[tuple[str, str, str]]:
    """(variant, person, text) as each of them would get it."""
    known = known_variables(campaign)
    variants = [(str(one["key"]), str(one["content"])) for one in campaign.variants]
    found = []
    for key, text in variants or [("", campaign.message_content)]:
        for person in people:
            values = texts.values_of(person, campaign.business_profile.business_name)
            label = NOBODY_KNOWN if person._state.adding else person.display_name
            found.append((key, label, texts.render(text, values, known)))
    return found

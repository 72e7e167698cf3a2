"""Forms of campaigns, templates and pacing. Rules live in the services."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

from django import forms

from accounts.forms import time_zone_choices
from accounts.models import BusinessProfile
from campaigns import schedule, selectors
from campaigns.models import Campaign
from connections import selectors as connections
from contacts import selectors as contacts
from core.errors import InvalidInput
from core.phone.phone import TEXT_LENGTH
from messaging.outbox.pacing import Pacing

EVERY = (
    ("daily", "Every day"),
    ("weekly", "Every week"),
    ("monthly", "Every month"),
    ("cron", "By a plan (cron)"),
)
LETTERS = "abcd"


class CampaignForm(forms.Form):
    """Draft of a campaign. `values()` returns what the service takes."""

    name = forms.CharField(label="Name", max_length=255, help_text="For your team; recipients do not see it.")
    message_content = forms.CharField(
        label="Text", required=False, strip=False, widget=forms.Textarea(attrs={"rows": 6, "dir": "auto"})
    )
    attachment = forms.UUIDField(required=False, widget=forms.HiddenInput)
    upload = forms.FileField(label="File", required=False)
    remove_media = forms.BooleanField(label="Send it without the file", required=False)
    ab_test = forms.BooleanField(label="Try several texts (A/B)", required=False)
    target_type = forms.ChoiceField(
        label="Who gets it",
        choices=Campaign.Target.choices,
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
        initial=Campaign.Target.ALL,
    )
    target_tags = forms.MultipleChoiceField(label="With any of these tags", required=False)
    target_tags_all = forms.MultipleChoiceField(label="With all of these tags", required=False)
    segment_id = forms.ChoiceField(label="Segment", required=False)
    numbers = forms.CharField(
        label="Numbers, one on each line",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "inputmode": "tel", "spellcheck": "false"}),
        help_text="In any spelling, with the country code. People who are new become contacts.",
    )
    numbers_file = forms.FileField(
        label="or a file with one number on each line",
        required=False,
        help_text="Text or CSV; the first column counts.",
    )
    earlier = forms.ChoiceField(label="Earlier campaign", required=False)
    without_tags = forms.MultipleChoiceField(label="Leave out people with these tags", required=False)
    without_campaigns = forms.MultipleChoiceField(label="Leave out who got one of these", required=False)
    never_wrote = forms.BooleanField(label="Leave out who never wrote to you", required=False)
    connections = forms.MultipleChoiceField(
        label="Send from",
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
        help_text="Several numbers share the work; people who know one of them hear from that one.",
    )
    timing = forms.ChoiceField(
        label="When",
        choices=Campaign.Timing.choices,
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
        initial=Campaign.Timing.NOW,
    )
    day = forms.DateField(
        label="Day", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    clock = forms.TimeField(
        label="Time", required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    time_zone = forms.ChoiceField(label="Time zone", choices=time_zone_choices, required=False)
    every = forms.ChoiceField(label="How often", choices=EVERY, required=False)
    weekday = forms.TypedChoiceField(
        label="On", coerce=int, required=False, choices=list(enumerate(schedule.WEEKDAYS)), empty_value=""
    )
    month_day = forms.IntegerField(label="Day of the month", min_value=1, max_value=31, required=False)
    cron = forms.CharField(
        label="Plan",
        max_length=100,
        required=False,
        help_text="Minute, hour, day, month, weekday, like 0 9 * * 1-5.",
    )
    expire_hours = forms.IntegerField(
        label="Do not send it when it is later than this many hours", min_value=1, max_value=168, initial=3
    )

    def __init__(
        self, business: BusinessProfile, *args: Any, campaign: Campaign | None = None, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.business, self.campaign = business, campaign
        tags = [(str(tag.pk), tag.name) for tag in contacts.tags_of_business(business)]
        for name in ("target_tags", "target_tags_all", "without_tags"):
            self._choices(name, tags)
        self._choices(
            "segment_id",
            [
                ("", "Choose…"),
                *((str(segment.pk), segment.name) for segment in contacts.segments_of(business)),
            ],
        )
        self.earlier_rows = {str(row.pk): row for row in selectors.earlier_campaigns(business, campaign)}
        sent = [(key, row.name) for key, row in self.earlier_rows.items()]
        self._choices("earlier", [("", "Choose…"), *sent])
        self._choices("without_campaigns", sent)
        self.numbers_of = {str(number.pk): number for number in connections.connections_of(business)}
        self._choices("connections", [(key, number.display_name) for key, number in self.numbers_of.items()])
        if len(self.numbers_of) == 1 and not self.is_bound:
            self.fields["connections"].initial = list(self.numbers_of)
        for index, letter in enumerate(LETTERS):
            self._add_variant(letter, index)

    def _choices(self, name: str, choices: list[tuple[str, str]]) -> None:
        self.fields[name].choices = choices  # type: ignore[attr-defined]

    def _add_variant(self, letter: str, index: int) -> None:
        attrs = {"rows": 4, "dir": "auto"}
        self.fields[f"text_{letter}"] = forms.CharField(
            label=f"Text {letter.upper()}", required=False, strip=False, widget=forms.Textarea(attrs=attrs)
        )
        self.fields[f"share_{letter}"] = forms.IntegerField(
            label=f"Share of {letter.upper()}, %",
            min_value=1,
            max_value=100,
            required=False,
            initial=50 if index < 2 else None,
        )

    @classmethod
    def initial_of(cls, campaign: Campaign) -> dict[str, Any]:
        """Return the initial values of the form for a draft."""
        zone = schedule.zone(campaign.time_zone or "UTC")
        local = campaign.scheduled_at.astimezone(zone) if campaign.scheduled_at else None
        if campaign.timing == Campaign.Timing.LOCAL:
            local = campaign.local_at
        values = {
            "name": campaign.name, "message_content": campaign.message_content, "attachment": campaign.media_id,
            "target_type": campaign.target_type, "target_tags": campaign.target_tags,
            "target_tags_all": campaign.target_tags_all, "segment_id": campaign.segment_id or "",
            "earlier": str(campaign.earlier_id or ""), "without_tags": campaign.exclusions.get("tags", []),
            "without_campaigns": campaign.exclusions.get("campaigns", []),
            "never_wrote": campaign.exclusions.get("never_wrote", False),
            "connections": [str(key) for key in campaign.connections.values_list("pk", flat=True)],
            "timing": campaign.timing, "day": local.date() if local else None, "clock": local.time() if local else None,
            "time_zone": campaign.time_zone, "expire_hours": campaign.expire_hours, "ab_test": bool(campaign.variants),
            **_plan(campaign.cron),
        }  # fmt: skip
        for letter, variant in zip(LETTERS, campaign.variants, strict=False):
            values |= {f"text_{letter}": variant["content"], f"share_{letter}": variant["share"]}
        return values

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if values.get("timing") in (Campaign.Timing.AT, Campaign.Timing.LOCAL):
            for name in ("day", "clock"):
                if not values.get(name) and name not in self.errors:
                    self.add_error(name, "Choose a day." if name == "day" else "Choose a time.")
        return values

    def values(self) -> dict[str, Any]:
        """Return the values for the service. Raises InvalidInput for an invalid plan or file."""
        data = self.cleaned_data
        plain = {
            name: data[name]
            for name in (
                "name",
                "message_content",
                "target_type",
                "target_tags",
                "target_tags_all",
                "timing",
                "expire_hours",
            )
        }
        return {
            **plain,
            "segment_id": data["segment_id"] or None,
            "earlier": self.earlier_rows.get(data["earlier"]),
            "exclusions": self._exclusions(),
            "variants": self._variants() if data["ab_test"] else [],
            "connections": [self.numbers_of[key] for key in data["connections"]],
            "numbers": self._lines() if data["target_type"] == Campaign.Target.CUSTOM else [],
            **self._when(),
        }

    def _exclusions(self) -> dict[str, Any]:
        data = self.cleaned_data
        exclusions = {
            "tags": data["without_tags"],
            "campaigns": data["without_campaigns"],
            "never_wrote": data["never_wrote"],
        }
        return {name: value for name, value in exclusions.items() if value}

    def _variants(self) -> list[dict[str, Any]]:
        data = self.cleaned_data
        return [
            {"content": data[f"text_{letter}"], "share": data[f"share_{letter}"] or 0}
            for letter in LETTERS
            if data.get(f"text_{letter}", "").strip()
        ]

    def _lines(self) -> list[str]:
        lines: list[str] = self.cleaned_data["numbers"].splitlines()
        if file := self.cleaned_data["numbers_file"]:
            if file.size > 5 * 1024 * 1024:
                raise InvalidInput("file_too_large", "At most 5 MB of numbers.", field="numbers_file")
            text = file.read().decode("utf-8-sig", "replace")
            lines += [line.replace(";", ",").split(",")[0].strip().strip('"') for line in text.splitlines()]
        return [line for line in lines if line.strip()]

    def _when(self) -> dict[str, Any]:
        data = self.cleaned_data
        zone = data["time_zone"] or self.business.time_zone
        times: dict[str, Any] = {"time_zone": zone, "scheduled_at": None, "local_at": None, "cron": ""}
        if data["timing"] == Campaign.Timing.REPEAT:
            times["cron"] = self._cron()
        elif data["timing"] in (Campaign.Timing.AT, Campaign.Timing.LOCAL):
            wall = datetime.combine(data["day"], data["clock"])
            if data["timing"] == Campaign.Timing.AT:
                times["scheduled_at"] = wall.replace(tzinfo=schedule.zone(zone)).astimezone(UTC)
            else:
                times["local_at"] = wall.replace(tzinfo=UTC)
        return times

    def _cron(self) -> str:
        data = self.cleaned_data
        if data["every"] == "cron":
            return " ".join(data["cron"].split())
        clock: time = data["clock"] or time(9)
        return schedule.cron_of(
            data["every"] or "daily",
            clock.hour,
            clock.minute,
            data["weekday"] or 0,
            data["month_day"] or 1,
        )

    def letters(self) -> list[tuple[Any, Any]]:
        """List the (text, share) fields of the variants."""
        return [(self[f"text_{letter}"], self[f"share_{letter}"]) for letter in LETTERS]


def _plan(cron: str) -> dict[str, Any]:
    """Convert a cron expression to the form's fields."""
    parts = cron.split()
    if len(parts) != 5 or not (parts[0].isdigit() and parts[1].isdigit()):
        return {"every": "cron" if cron else "daily", "cron": cron}
    fields: dict[str, Any] = {"clock": time(int(parts[1]), int(parts[0])), "cron": cron}
    if parts[2:] == ["*", "*", "*"]:
        return fields | {"every": "daily"}
    if parts[2:4] == ["*", "*"] and parts[4] in "1234560":
        return fields | {"every": "weekly", "weekday": "1234560".index(parts[4])}
    if parts[3:] == ["*", "*"] and parts[2].isdigit():
        return fields | {"every": "monthly", "month_day": int(parts[2])}
    return fields | {"every": "cron"}


class TestForm(forms.Form):
    """Recipient of a test message."""

    phone = forms.CharField(
        label="Your own number", max_length=TEXT_LENGTH, widget=forms.TextInput(attrs={"inputmode": "tel"})
    )


class TemplateForm(forms.Form):
    """Message template."""

    name = forms.CharField(label="Name", max_length=100)
    content = forms.CharField(
        label="Text", required=False, strip=False, widget=forms.Textarea(attrs={"rows": 6, "dir": "auto"})
    )
    upload = forms.FileField(label="File", required=False)


class PacingForm(forms.Form):
    """Pacing of a number, in units for people."""

    enabled = forms.BooleanField(label="Pace campaigns on this number", required=False)
    gap_min = forms.FloatField(label="Shortest pause, seconds", min_value=0, max_value=3600)
    gap_max = forms.FloatField(label="Longest pause, seconds", min_value=0, max_value=3600)
    burst = forms.IntegerField(label="Quick start, messages", min_value=1, max_value=1000)
    hourly = forms.IntegerField(label="In an hour", min_value=1, max_value=100_000)
    daily = forms.IntegerField(label="In 24 hours", min_value=1, max_value=100_000)
    cold_daily = forms.IntegerField(
        label="In 24 hours to people who never wrote", min_value=0, max_value=100_000
    )
    warm_up = forms.BooleanField(
        label="Warm up a new number: 25 a day for three days, 100 until the sixth, 250 until the tenth",
        required=False,
    )
    window_enabled = forms.BooleanField(label="Only at certain hours of the recipient's day", required=False)
    window_start = forms.TimeField(
        label="From", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    window_end = forms.TimeField(
        label="Until", widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    weekdays = forms.TypedMultipleChoiceField(
        label="On",
        coerce=int,
        choices=list(enumerate(schedule.WEEKDAYS)),
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
        required=False,
    )
    marketing_hours = forms.IntegerField(
        label="One campaign message a person in so many hours (0: no limit)", min_value=0, max_value=720
    )

    @classmethod
    def initial_of(cls, settings: Pacing) -> dict[str, Any]:
        """Return the initial values of the form for these settings."""
        plain = {name: getattr(settings, name) for name in cls.base_fields if hasattr(settings, name)}
        return plain | {
            "warm_up": bool(settings.warm_up),
            "window_start": time(*divmod(settings.window_start, 60)),
            "window_end": time(*divmod(min(settings.window_end, 1439), 60)),
            "weekdays": list(settings.weekdays),
        }

    def values(self) -> dict[str, Any]:
        """Return the values for the service."""
        data = dict(self.cleaned_data)
        return data | {
            "warm_up": Pacing().warm_up if data["warm_up"] else (),
            "window_start": data["window_start"].hour * 60 + data["window_start"].minute,
            "window_end": data["window_end"].hour * 60 + data["window_end"].minute,
            "weekdays": tuple(data["weekdays"]),
        }

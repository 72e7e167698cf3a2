"""What people type about endpoints: address, events, headers, and which deliveries to look at or to post again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, cast

from django import forms
from django.forms.boundfield import BoundField

from core import public_events
from webhooks.models import ALL_EVENTS, Webhook, WebhookDelivery
from webhooks.public_events import TEST

KEPT = "••••••••"
"""Stands for a header's value that is not shown; left as it is, the value stays."""


RECEIVERS = (
    (Webhook.Preset.STANDARD, "A program or service of yours (Standard Webhooks)"),
    (Webhook.Preset.N8N, "A workflow in n8n"),
    (Webhook.Preset.SLACK, "A chat channel: Slack, Mattermost, Rocket.Chat or Google Chat"),
)


def event_choices() -> list[tuple[str, str]]:
    """Every event that an endpoint can ask for."""
    return [(one.name, one.when) for one in public_events.catalogue() if one.name != TEST]


class WebhookForm(forms.Form):
    """An endpoint. The service checks address, events and headers once more."""

    preset = forms.ChoiceField(
        label="What receives it",
        choices=RECEIVERS,
        initial=Webhook.Preset.STANDARD,
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
    )
    url = forms.CharField(
        label="Address",
        max_length=500,
        help_text="Where events are posted. It must start with https:// and be reachable from the internet.",
        widget=forms.TextInput(
            attrs={
                "inputmode": "url",
                "autocomplete": "off",
                "spellcheck": "false",
                "placeholder": "https://…",
            }
        ),
    )
    description = forms.CharField(
        label="Name", max_length=200, required=False, help_text="What your team calls it, like CRM."
    )
    all_events = forms.BooleanField(
        label="Every event, also those that come with later versions", required=False
    )
    events = forms.MultipleChoiceField(
        label="Events",
        required=False,
        choices=event_choices,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
    )
    headers = forms.CharField(
        label="Further headers",
        required=False,
        max_length=12_000,
        help_text="One a line, like Authorization: Bearer abc. For receivers that want a password.",
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "autocomplete": "off"}),
    )

    def __init__(self, data: Any = None, *, webhook: Webhook | None = None) -> None:
        super().__init__(data, initial=_initial(webhook) if webhook else {"all_events": True})
        self._known = webhook.known_headers if webhook else {}

    def clean_headers(self) -> dict[str, str]:
        """The lines as a mapping; a value that was not shown and not changed is the one we have."""
        headers = {}
        for line in self.cleaned_data["headers"].splitlines():
            if not line.strip():
                continue
            name, colon, value = line.partition(":")
            name, value = name.strip(), value.strip()
            if not colon:
                raise forms.ValidationError(f"Write “Name: value”. “{line[:40]}” has no colon.")
            headers[name] = self._known.get(name, value) if value == KEPT else value
        return headers

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("all_events"):
            cleaned["events"] = [ALL_EVENTS]
        elif not cleaned.get("events"):
            self.add_error("events", "Choose at least one event.")
        return cleaned

    @property
    def fields_given(self) -> dict[str, Any]:
        """What the service takes."""
        names = ("url", "events", "description", "preset", "headers")
        return {name: self.cleaned_data[name] for name in names}

    def event_groups(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """(group, its tick boxes: name, sentence, id, whether ticked)."""
        ticked = set(self["events"].value() or [])
        groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for name, when in event_choices():
            groups[name.split(".")[0]].append(
                {
                    "name": name,
                    "when": when,
                    "id": f"event-{name.replace('.', '-')}",
                    "ticked": name in ticked,
                }
            )
        yield from groups.items()

    def plain_fields(self) -> list[BoundField]:
        """Those that look like any other field; events are drawn in groups."""
        return [self[name] for name in ("url", "description")]


def _initial(webhook: Webhook) -> dict[str, Any]:
    return {
        "preset": webhook.preset,
        "url": webhook.url,
        "description": webhook.description,
        "all_events": ALL_EVENTS in webhook.events,
        "events": [name for name in webhook.events if name != ALL_EVENTS],
        "headers": "\n".join(f"{name}: {KEPT}" for name in webhook.header_names),
    }


class _Moment(forms.DateTimeField):
    """A moment in the person's time zone, picked or typed."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class LogForm(forms.Form):
    """Which deliveries to show. What makes no sense is left out of the filter."""

    webhook = forms.ChoiceField(label="Webhook", required=False)
    state = forms.ChoiceField(
        label="State", required=False, choices=[("", "All states"), *WebhookDelivery.State.choices]
    )
    event_type = forms.ChoiceField(label="Event", required=False)
    since = _Moment(label="From", required=False)
    until = _Moment(label="To", required=False)

    def __init__(self, *args: Any, webhooks: list[Webhook], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = [(one.name, one.name) for one in public_events.catalogue()]
        self._webhooks = {str(one.pk): one for one in webhooks}
        places = [(key, one.display_name) for key, one in self._webhooks.items()]
        for name, choices in (
            ("webhook", [("", "All webhooks"), *places]),
            ("event_type", [("", "All events"), *names]),
        ):
            cast(forms.ChoiceField, self.fields[name]).choices = choices

    def chosen(self) -> dict[str, Any]:
        """The filters that make sense."""
        self.is_valid()
        chosen = {name: self.cleaned_data.get(name) or "" for name in ("state", "event_type")}
        moments = {name: self.cleaned_data.get(name) for name in ("since", "until")}
        return {**chosen, **moments, "webhook": self._webhooks.get(self.cleaned_data.get("webhook") or "")}


class ReplayForm(forms.Form):
    """Which deliveries of an endpoint to post again."""

    which = forms.ChoiceField(
        label="What",
        choices=[("failed", "What was given up"), ("all", "Everything")],
        initial="failed",
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
    )
    since = _Moment(label="From", required=False)
    until = _Moment(label="To", required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("which") == "all" and not cleaned.get("since"):
            self.add_error("since", "Say from when on everything is sent again.")
        return cleaned

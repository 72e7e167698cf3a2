"""Forms of endpoints, of the delivery log and of replays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any, cast

from django import forms
from django.forms.boundfield import BoundField

from core import public_events
from webhooks.models import ALL_EVENTS, Webhook, WebhookDelivery
from webhooks.services.endpoints import TEST_EVENT

MASKED_VALUE = "••••••••"
"""Placeholder for the hidden value of a header; submitted unchanged, it keeps the value."""


RECEIVERS = (
    (Webhook.Preset.STANDARD, "A program or service of yours (Standard Webhooks)"),
    (Webhook.Preset.N8N, "A workflow in n8n"),
    (Webhook.Preset.SLACK, "A chat channel: Slack, Mattermost, Rocket.Chat or Google Chat"),
)


def event_choices() -> list[tuple[str, str]]:
    """List (name, description) of the event types to which an endpoint can subscribe."""
    return [(kind.name, kind.when) for kind in public_events.catalogue() if kind.name != TEST_EVENT]


class WebhookForm(forms.Form):
    """Endpoint settings; the service validates URL, events and headers."""

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
        self._stored_headers = webhook.known_headers if webhook else {}

    def clean_headers(self) -> dict[str, str]:
        """Parse lines of "Name: value"; MASKED_VALUE stands for the stored value."""
        headers = {}
        for line in self.cleaned_data["headers"].splitlines():
            if not line.strip():
                continue
            name, colon, value = line.partition(":")
            name, value = name.strip(), value.strip()
            if not colon:
                raise forms.ValidationError(f"Write “Name: value”. “{line[:40]}” has no colon.")
            headers[name] = self._stored_headers.get(name, value) if value == MASKED_VALUE else value
        return headers

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("all_events"):
            cleaned["events"] = [ALL_EVENTS]
        elif not cleaned.get("events"):
            self.add_error("events", "Choose at least one event.")
        return cleaned

    @property
    def service_fields(self) -> dict[str, Any]:
        """Arguments for `endpoints.create` and `endpoints.update`."""
        names = ("url", "events", "description", "preset", "headers")
        return {name: self.cleaned_data[name] for name in names}

    def event_groups(self) -> Iterator[tuple[str, list[dict[str, Any]]]]:
        """Yield (group, its checkboxes with name, description, id and whether they are ticked)."""
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
        """Fields with the standard layout."""
        return [self[name] for name in ("url", "description")]


def _initial(webhook: Webhook) -> dict[str, Any]:
    return {
        "preset": webhook.preset,
        "url": webhook.url,
        "description": webhook.description,
        "all_events": ALL_EVENTS in webhook.events,
        "events": [name for name in webhook.events if name != ALL_EVENTS],
        "headers": "\n".join(f"{name}: {MASKED_VALUE}" for name in webhook.header_names),
    }


class _LocalDateTimeField(forms.DateTimeField):
    """Date and time in the active time zone, with the browser's picker."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")


class LogForm(forms.Form):
    """Filters of the delivery log; invalid values are ignored."""

    webhook = forms.ChoiceField(label="Webhook", required=False)
    state = forms.ChoiceField(
        label="State", required=False, choices=[("", "All states"), *WebhookDelivery.State.choices]
    )
    event_type = forms.ChoiceField(label="Event", required=False)
    since = _LocalDateTimeField(label="From", required=False)
    until = _LocalDateTimeField(label="To", required=False)

    def __init__(self, *args: Any, webhooks: list[Webhook], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        types = [(kind.name, kind.name) for kind in public_events.catalogue()]
        self._webhooks = {str(webhook.pk): webhook for webhook in webhooks}
        endpoints = [(key, webhook.display_name) for key, webhook in self._webhooks.items()]
        for name, choices in (
            ("webhook", [("", "All webhooks"), *endpoints]),
            ("event_type", [("", "All events"), *types]),
        ):
            cast(forms.ChoiceField, self.fields[name]).choices = choices

    def filters(self) -> dict[str, Any]:
        """Return the valid filters as arguments of `selectors.Filters`."""
        self.is_valid()
        choices = {name: self.cleaned_data.get(name) or "" for name in ("state", "event_type")}
        moments = {name: self.cleaned_data.get(name) for name in ("since", "until")}
        return {**choices, **moments, "webhook": self._webhooks.get(self.cleaned_data.get("webhook") or "")}


class ReplayForm(forms.Form):
    """Selection of an endpoint's deliveries to replay."""

    which = forms.ChoiceField(
        label="What",
        choices=[("failed", "What was given up"), ("all", "Everything")],
        initial="failed",
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
    )
    since = _LocalDateTimeField(label="From", required=False)
    until = _LocalDateTimeField(label="To", required=False)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("which") == "all" and not cleaned.get("since"):
            self.add_error("since", "Say from when on everything is sent again.")
        return cleaned

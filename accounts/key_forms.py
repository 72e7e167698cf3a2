"""Forms of the API keys page."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms

from accounts import scopes
from accounts.scopes import LABELS, READ, READ_ONLY, WRITE, Resource
from core.clock import now

EVERYTHING, READING, CHOSEN = "all", "read", "chosen"
LIFETIMES = [("", "Never"), ("30", "In 30 days"), ("90", "In 90 days"), ("365", "In a year")]
OVERLAPS = [("0", "At once"), ("24", "In 24 hours"), ("168", "In 7 days")]


class KeyForm(forms.Form):
    """New key: name, scopes, allowed networks and expiry."""

    name = forms.CharField(
        max_length=100,
        label="Name",
        help_text="Where it is used, so that you know it again.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto", "autofocus": True}),
    )
    access = forms.ChoiceField(
        label="What it may do",
        choices=[
            (EVERYTHING, "Everything"),
            (READING, "Read everything, change nothing"),
            (CHOSEN, "What I choose below"),
        ],
        initial=EVERYTHING,
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
    )
    lifetime = forms.ChoiceField(label="Ends", choices=LIFETIMES, required=False)
    allowed_ips = forms.CharField(
        max_length=4000,
        required=False,
        label="Only from these addresses",
        help_text="One a line, like 203.0.113.7 or 203.0.113.0/24. Empty: from everywhere.",
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for resource in Resource:
            choices = [("", "Nothing"), (READ, "Read")]
            if resource not in READ_ONLY:
                choices.append((WRITE, "Read and change"))
            self.fields[f"scope_{resource}"] = forms.ChoiceField(
                label=LABELS[resource], choices=choices, required=False
            )

    @property
    def scope_fields(self) -> list[Any]:
        """Bound scope fields, one per resource."""
        return [self[f"scope_{resource}"] for resource in Resource]

    def options(self) -> dict[str, Any]:
        """Return the arguments of `keys.create`."""
        data = self.cleaned_data
        return {
            "name": data["name"],
            "scopes": self._scopes(),
            "allowed_ips": data["allowed_ips"].split(),
            "expires_at": self._expiry(),
        }

    def _scopes(self) -> list[str]:
        if self.cleaned_data["access"] == EVERYTHING:
            return list(scopes.ALL)
        if self.cleaned_data["access"] == READING:
            return [scopes.scope(resource, READ) for resource in Resource]
        levels = {resource: self.cleaned_data[f"scope_{resource}"] for resource in Resource}
        return [scopes.scope(resource, level) for resource, level in levels.items() if level]

    def _expiry(self) -> datetime | None:
        days = self.cleaned_data["lifetime"]
        return now() + timedelta(days=int(days)) if days else None


class RotateForm(forms.Form):
    """Overlap in hours during which the old key stays valid."""

    overlap = forms.TypedChoiceField(choices=OVERLAPS, coerce=int, label="The old key ends")


class OriginsForm(forms.Form):
    """Origins allowed to call the API from a browser (CORS)."""

    origins = forms.CharField(
        max_length=6000,
        required=False,
        label="Web sites that may call the API from the browser",
        help_text="One a line, like https://shop.example. A key in a page can be read by every visitor: allow this "
        "for pages that people sign in to, not for a public site.",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "placeholder": "https://"}),
    )

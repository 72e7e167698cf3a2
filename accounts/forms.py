"""Forms of accounts. Rules live in the services."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any
from zoneinfo import available_timezones

import phonenumbers
from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.forms.fields import InvalidJSONInput

from accounts import country
from accounts.models import BusinessProfile, User
from core.errors import DomainError

AI_PROFILE_MAX_BYTES = 20_000
_NUL_IN_JSON = re.compile(r"(?<!\\)(\\\\)*\\u0000")


@cache
def time_zone_choices() -> list[tuple[str, str]]:
    """List all time zones by name, UTC first."""
    names = sorted(available_timezones() - {"UTC"})
    return [("UTC", "UTC"), *((name, name.replace("_", " ")) for name in names)]


@cache
def country_choices() -> list[tuple[str, str]]:
    """List ISO 3166 codes with their calling codes."""
    codes = sorted(phonenumbers.SUPPORTED_REGIONS)
    return [
        ("", "None"),
        *((code, f"{code} (+{phonenumbers.country_code_for_region(code)})") for code in codes),
    ]


def add_error(form: forms.Form, error: DomainError) -> None:
    """Add a service's error to its field, or to the form if it has none."""
    field = error.field if error.field in form.fields else None
    form.add_error(field, error.message)


def email_field(**options: Any) -> forms.EmailField:
    """Build an e-mail field with the attributes for autofill."""
    attrs = {
        "autocomplete": "username",
        "autocapitalize": "none",
        "spellcheck": "false",
        "inputmode": "email",
    }
    attrs |= options.pop("attrs", {})
    return forms.EmailField(max_length=255, widget=forms.EmailInput(attrs=attrs), **options)


def password_field(kind: str, **options: Any) -> forms.CharField:
    """Build a password field. kind: "current-password" or "new-password" (for password managers)."""
    if kind == "new-password":
        options.setdefault("help_text", "At least 10 characters. A few words in a row are easy to remember.")
    widget = forms.PasswordInput(attrs={"autocomplete": kind})
    return forms.CharField(strip=False, max_length=1024, widget=widget, **options)


class TimeZoneSelect(forms.Select):
    """Select of time zones, each with its country in `data-country`."""

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        if code := country.countries_by_zone().get(str(value)):
            option["attrs"]["data-country"] = code
        return option


class TimeZoneField(forms.TypedChoiceField):
    """Choice of an IANA time zone."""

    def __init__(self, **options: Any) -> None:
        super().__init__(choices=time_zone_choices, label="Time zone", **options)


class LoginForm(AuthenticationForm):
    """E-mail and password; the session ends with the browser unless `remember` is ticked."""

    username = email_field(label="E-mail address", attrs={"autofocus": True})
    password = password_field("current-password", label="Password")
    remember = forms.BooleanField(required=False, label="Keep me signed in on this device")

    error_messages = {
        "invalid_login": "This address and password do not belong together. Both may be wrong.",
        "inactive": "This address and password do not belong together. Both may be wrong.",
    }

    def clean_username(self) -> str:
        return str(self.cleaned_data["username"]).strip().lower()


class RegisterForm(forms.Form):
    full_name = forms.CharField(
        max_length=255,
        label="Your name",
        widget=forms.TextInput(attrs={"autocomplete": "name", "dir": "auto"}),
    )
    email = email_field(label="E-mail address")
    password = password_field("new-password", label="Password")
    time_zone = forms.CharField(
        max_length=64, required=False, widget=forms.HiddenInput(attrs={"data-browser-time-zone": ""})
    )

    def clean_time_zone(self) -> str:
        """Return the browser's time zone (static/js/accounts.js), or UTC if it is unknown."""
        name = str(self.cleaned_data["time_zone"])
        return name if name in available_timezones() else "UTC"


class PasswordResetForm(forms.Form):
    email = email_field(label="E-mail address", attrs={"autofocus": True})


class NewPasswordForm(forms.Form):
    """New password of a user who opened a reset link."""

    new_password = password_field("new-password", label="New password")

    def __init__(self, user: User | None, *args: Any, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)


class PasswordChangeForm(forms.Form):
    current_password = password_field("current-password", label="Current password")
    new_password = password_field("new-password", label="New password")


class EmailChangeForm(forms.Form):
    email = email_field(label="New e-mail address", attrs={"autocomplete": "email"})
    password = password_field("current-password", label="Current password")


def code_field(**options: Any) -> forms.CharField:
    """Build a field for a TOTP or recovery code."""
    attrs = {"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"}
    widget = forms.TextInput(attrs=attrs | options.pop("attrs", {}))
    return forms.CharField(max_length=64, label="Code", widget=widget, **options)


class CodeForm(forms.Form):
    code = code_field(
        attrs={"autofocus": True}, help_text="The six digits of your app, or one of your recovery codes."
    )


class TwoFactorForm(forms.Form):
    """Password and TOTP code, to turn two-factor authentication on or off."""

    code = code_field(help_text="The six digits that the app shows now.")
    password = password_field("current-password", label="Your password")


class CloseForm(forms.Form):
    password = password_field("current-password", label="Your password")


class ProfileForm(forms.Form):
    full_name = forms.CharField(
        max_length=255,
        required=False,
        label="Your name",
        widget=forms.TextInput(attrs={"autocomplete": "name", "dir": "auto"}),
    )
    time_zone = TimeZoneField(help_text="Times are shown to you in this zone.")
    theme = forms.ChoiceField(
        choices=User.Theme.choices,
        label="Appearance",
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
    )
    shortcuts_enabled = forms.BooleanField(required=False, label="Keyboard shortcuts")


class BusinessForm(forms.Form):
    """The profile of a business."""

    business_name = forms.CharField(
        max_length=255,
        label="Name of the business",
        widget=forms.TextInput(attrs={"autocomplete": "organization", "dir": "auto"}),
    )
    business_type = forms.ChoiceField(
        choices=BusinessProfile.Type.choices, label="Kind of business", initial=BusinessProfile.Type.OTHER
    )
    industry = forms.CharField(
        max_length=100, required=False, label="Industry", widget=forms.TextInput(attrs={"dir": "auto"})
    )
    website = forms.URLField(
        max_length=500,
        required=False,
        label="Website",
        assume_scheme="https",
        widget=forms.URLInput(attrs={"autocomplete": "url", "placeholder": "https://"}),
    )
    description = forms.CharField(
        max_length=5000,
        required=False,
        label="What the business does",
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
    )
    time_zone = TimeZoneField(
        initial="UTC", widget=TimeZoneSelect, help_text="Opening hours, schedules and daily figures use it."
    )
    default_country = forms.ChoiceField(
        choices=country_choices,
        required=False,
        label="Country of phone numbers",
        help_text="Numbers without a country code are read as numbers of this country.",
    )

    def propose(self, time_zone: str, accept_language: str) -> None:
        """Set initial time zone and likely country; the page's script corrects both by the browser's time zone."""
        zone = self.fields["time_zone"]
        zone.initial = time_zone
        zone.widget.attrs["data-propose-country"] = self["default_country"].auto_id
        self.fields["default_country"].initial = country.propose(time_zone, accept_language)


class PortableJSONField(forms.JSONField):
    """JSON that both databases can store and every program can read.

    Rejects what Python accepts beyond that: NaN, infinite numbers, the character NUL, lone surrogates.
    """

    def to_python(self, value: Any) -> Any:
        try:
            parsed = super().to_python(value)
            text = json.dumps(parsed, ensure_ascii=False, allow_nan=False)
            text.encode()
        except (ValueError, RecursionError):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from None
        if _NUL_IN_JSON.search(text):
            raise forms.ValidationError("Null characters are not allowed.", code="invalid")
        return parsed

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Return the text as typed, which may be invalid JSON."""
        return initial if self.disabled else InvalidJSONInput(data or "")

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return super().has_changed(initial, data)
        except (ValueError, RecursionError):
            return True


class BusinessEditForm(BusinessForm):
    """Business profile with the AI profile and the id of the business that the page was opened for."""

    ai_profile = PortableJSONField(
        required=False,
        label="AI profile (JSON)",
        help_text="What assistants may know about the business, as a JSON object.",
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "class": "font-monospace"}),
    )
    business = forms.UUIDField(widget=forms.HiddenInput)

    def clean_ai_profile(self) -> dict[str, Any]:
        value = self.cleaned_data["ai_profile"]
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise forms.ValidationError("This must be a JSON object: { … }.")
        if len(str(value)) > AI_PROFILE_MAX_BYTES:
            raise forms.ValidationError(
                f"This is too long. Keep it under {AI_PROFILE_MAX_BYTES:,} characters."
            )
        return value


class BusinessDeleteForm(forms.Form):
    typed_name = forms.CharField(
        max_length=255,
        label="Name of the business",
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "auto"}),
    )


class BusinessChoiceForm(forms.Form):
    business = forms.UUIDField()


class RoleForm(forms.Form):
    """Choice of a role that the actor may grant."""

    role = forms.ChoiceField(label="Role")

    def __init__(self, *args: Any, roles: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = roles  # type: ignore[attr-defined]


class InviteForm(RoleForm):
    email = email_field(
        label="Only for this e-mail address",
        required=False,
        help_text="Leave it empty to let whoever opens the link join.",
        attrs={"autocomplete": "off"},
    )

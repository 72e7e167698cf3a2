"""Forms of the pages of numbers and of the simulated phone."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms.boundfield import BoundField

from connections.drivers.sandbox import faults
from connections.models import WhatsAppConnection
from connections.presenters import mode_choices, persona_choices


class CreateForm(forms.Form):
    """Add a number. Offers only modes that are usable here."""

    mode = forms.ChoiceField(
        label="Kind", widget=forms.RadioSelect(attrs={"class": "form-check-input"}), choices=mode_choices
    )
    name = forms.CharField(
        label="Name",
        max_length=100,
        required=False,
        help_text="What your team calls this number, like Shop or Support. You can change it later.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["mode"].initial = mode_choices()[0][0]


class RenameForm(forms.Form):
    """Rename a number."""

    name = forms.CharField(label="Name", max_length=100, required=False)


class PairForm(forms.Form):
    """Request a pairing code. The service validates the phone number."""

    phone_number = forms.CharField(
        label="Number of the phone", max_length=32, widget=forms.TextInput(attrs={"inputmode": "tel"})
    )


class ConfirmForm(forms.Form):
    """Confirm a deletion by typing the number's name."""

    confirmation = forms.CharField(max_length=120, widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: Any, connection: WhatsAppConnection, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected = connection.display_name
        self.fields["confirmation"].label = f"Type “{self.expected}” to confirm"

    def clean_confirmation(self) -> str:
        confirmation: str = self.cleaned_data["confirmation"]
        if confirmation.strip().casefold() != self.expected.strip().casefold():
            raise forms.ValidationError(f"This is not the name. Type “{self.expected}”.")
        return confirmation


class ScanForm(forms.Form):
    """Scan a code with the simulated phone."""

    code = forms.CharField(
        label="Content of a QR code, or a pairing code",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off"}),
        error_messages={"required": "There is no code in view. Paste its content, or show a code first."},
    )


class OnlineForm(forms.Form):
    """Set the simulated phone online or offline."""

    online = forms.BooleanField(required=False)


class UnlinkForm(forms.Form):
    """End the login from the simulated phone."""

    reason = forms.ChoiceField(
        label="The login ends because",
        choices=[
            ("unlinked", "the owner unlinked it on the phone"),
            ("replaced", "it was opened elsewhere"),
            ("banned", "WhatsApp banned the number"),
        ],
    )


class SpeedForm(forms.Form):
    """Set the factor of simulated delays."""

    speed = forms.FloatField(
        label="Delays, as a factor",
        min_value=0,
        max_value=10,
        help_text="1 is lifelike, 0.1 is ten times as fast, 0 is at once.",
    )


class WriteForm(forms.Form):
    """Write as a simulated customer. The service validates the text."""

    text = forms.CharField(required=False, strip=False, widget=forms.Textarea(attrs={"rows": 1}))
    upload = forms.FileField(required=False)
    quoted_wa_id = forms.CharField(required=False, max_length=255, widget=forms.HiddenInput)


class CustomerForm(forms.Form):
    """Add a simulated customer."""

    name = forms.CharField(label="Name", max_length=100)
    number = forms.CharField(
        label="Number",
        max_length=20,
        required=False,
        help_text="In the sandbox's own country code +999. Leave it empty to get one.",
        widget=forms.TextInput(attrs={"inputmode": "tel", "placeholder": "+999 …"}),
    )
    persona = forms.ChoiceField(label="Behaviour", choices=persona_choices)
    hides_number = forms.BooleanField(
        label="Hides the number",
        required=False,
        help_text="WhatsApp then tells only a LID, as it does for people who hide their number.",
    )


class FaultsForm(forms.Form):
    """Set the faults of a simulated phone: counters and switches."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[faults.SLOW] = forms.IntegerField(
            label="Sends are slower, by milliseconds",
            min_value=0,
            max_value=faults.MAX_SLOW_MS,
            required=False,
        )
        for name, label in faults.COUNTED.items():
            self.fields[name] = forms.IntegerField(
                label=label.rstrip("."), min_value=0, max_value=faults.MAX_COUNT, required=False
            )
        for name, label in faults.SWITCHES.items():
            self.fields[name] = forms.BooleanField(label=label.rstrip("."), required=False)

    def counters(self) -> list[BoundField]:
        """Return the fields of counters."""
        return [field for field in self if isinstance(field.field, forms.IntegerField)]

    def switches(self) -> list[BoundField]:
        """Return the fields of switches."""
        return [field for field in self if isinstance(field.field, forms.BooleanField)]

    def faults(self) -> dict[str, int | bool]:
        """Return all faults by name; an empty counter is 0."""
        return {name: value or 0 for name, value in self.cleaned_data.items()}

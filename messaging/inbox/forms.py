"""Forms of the inbox. Business rules are checked by the services."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings

from accounts.models import BusinessProfile
from connections import selectors as connections
from core.phone.phone import TEXT_LENGTH
from messaging.inbox.selectors import TABS

DEFAULT_TAB = "open"
TAB_LABELS = {"unread": "Unread", "mine": "Mine", "open": "Open", "all": "All", "closed": "Closed"}


class ListForm(forms.Form):
    """Parameters of the list. Invalid values fall back to the first page."""

    tab = forms.ChoiceField(choices=[(tab, TAB_LABELS[tab]) for tab in TABS], required=False)
    q = forms.CharField(max_length=200, required=False)
    before = forms.CharField(max_length=100, required=False)
    tag = forms.UUIDField(required=False)

    @classmethod
    def read(cls, data: Any) -> dict[str, str]:
        """Parse tab, q, before and tag, with defaults for missing or invalid values."""
        form = cls(data)
        form.is_valid()
        values = form.cleaned_data
        return {
            "tab": values.get("tab") or DEFAULT_TAB,
            "q": values.get("q", ""),
            "before": values.get("before", ""),
            "tag": str(values.get("tag") or ""),
        }


class SendForm(forms.Form):
    """Send a message. attachment: id of an uploaded file. file: upload of browsers without JavaScript."""

    text = forms.CharField(required=False, strip=False)
    client_token = forms.CharField(max_length=64, required=False)
    reply_to = forms.UUIDField(required=False)
    attachment = forms.UUIDField(required=False)
    file = forms.FileField(required=False, allow_empty_file=True)


class DraftForm(forms.Form):
    text = forms.CharField(required=False, strip=False)


class AssignForm(forms.Form):
    """Assign a conversation; empty: unassign."""

    assignee = forms.UUIDField(required=False)


class StateForm(forms.Form):
    state = forms.ChoiceField(choices=[("open", "Open"), ("closed", "Closed")])


class ContactForm(forms.Form):
    name = forms.CharField(required=False, max_length=255)


class QuickReplyForm(forms.Form):
    """Create or edit a quick reply."""

    shortcut = forms.CharField(
        label="Short name",
        max_length=33,
        help_text="Type / and this in a chat to find it.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "dir": "auto"}),
    )
    text = forms.CharField(
        strip=False,
        help_text="{{name}}, {{first_name|there}} and your own fields become the contact's words.",
        widget=forms.Textarea(attrs={"rows": 4, "dir": "auto"}),
    )


class StartForm(forms.Form):
    """Start a conversation: recipient and sending number."""

    phone = forms.CharField(
        label="Phone number",
        max_length=TEXT_LENGTH,
        help_text="With country code, like +44 7911 123456.",
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off", "autofocus": True}),
    )
    name = forms.CharField(label="Name (if you know it)", max_length=255, required=False)
    connection = forms.ChoiceField(label="Write from")

    def __init__(self, business: BusinessProfile, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.numbers = {str(number.pk): number for number in connections.connections_of(business)}
        choices = [(key, number.display_name) for key, number in self.numbers.items()]
        field = self.fields["connection"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices
        if len(choices) == 1:
            field.initial = choices[0][0]
            field.widget = forms.HiddenInput()


def message_limit() -> int:
    """Return the maximum length of a message."""
    return int(settings.MESSAGE_MAX_LENGTH)

"""Forms of contacts, and filters in query strings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict

from accounts.models import BusinessProfile
from contacts.filters.contact_filter import ContactFilter
from contacts.keyword_matching import LANGUAGES
from contacts.models import Contact, CustomField, Tag, TagRule
from core.phone.phone import TEXT_LENGTH

TAGS = ("tags_any", "tags_all", "tags_none")
SINGLE = (
    *("q", "last_message_after", "last_message_before", "first_message_after", "first_message_before"),
    *("never_wrote", "opted_out", "blocked", "has_number"),
)
TEST, VALUE = "test.", "value."
"""Prefixes of a custom field's key: test.age=gt&value.age=18."""


def read_filter(business: BusinessProfile, query: QueryDict) -> ContactFilter:
    """Read a filter from a query string or a form. Raises InvalidInput."""
    values: dict[str, Any] = {key: query.getlist(key) for key in TAGS if any(query.getlist(key))}
    values["country"] = re.findall(r"[^\s,;]+", " ".join(query.getlist("country")))
    values["connection"] = [one for one in query.getlist("connection") if one]
    values["group"] = [one for one in query.getlist("group") if one]
    values |= {key: query[key] for key in SINGLE if query.get(key, "").strip()}
    tests: dict[str, Any] = {}
    for name in query:
        if not name.startswith(TEST) or not query[name]:
            continue
        key, operator = name.removeprefix(TEST), query[name]
        value = query.get(f"{VALUE}{key}", "")
        if operator == "unset":
            tests[key] = {"set": False}
        elif operator == "set" or value.strip():
            tests[key] = {operator: True if operator == "set" else value}
    if tests:
        values["fields"] = tests
    return ContactFilter.parse(business, values)


def as_query(contact_filter: ContactFilter) -> str:
    """Return a filter as a query string that `read_filter` reads back."""
    stored = contact_filter.to_dict()
    pairs: list[tuple[str, str]] = []
    for key, value in stored.items():
        if key in (*TAGS, "connection", "country", "group"):
            pairs += [(key, one) for one in value]
        elif key == "fields":
            for name, tests in value.items():
                for operator, compared in tests.items():
                    if operator == "set":
                        pairs.append((f"{TEST}{name}", "set" if compared else "unset"))
                    else:
                        pairs += [(f"{TEST}{name}", operator), (f"{VALUE}{name}", _text(compared))]
        else:
            pairs.append((key, _text(value)))
    return urlencode(pairs)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class FieldsMixin(forms.Form):
    """A form with a field for each custom field, called field.<key>.

    The service checks the values.
    """

    def add_custom(self, fields: Iterable[CustomField], present: dict[str, Any]) -> None:
        """Add the form fields, filled with the present values."""
        self.custom = list(fields)
        for one in self.custom:
            self.fields[f"field.{one.key}"] = _form_field(one)
            value = present.get(one.key)
            self.initial[f"field.{one.key}"] = (
                ("yes" if value else "no") if isinstance(value, bool) else value
            )

    def custom_values(self) -> dict[str, Any]:
        """Return the submitted values by key."""
        return {one.key: self.cleaned_data.get(f"field.{one.key}") for one in self.custom}


def _form_field(field: CustomField) -> forms.Field:
    match field.kind:
        case CustomField.Kind.NUMBER:
            return forms.CharField(
                label=field.label, required=False, widget=forms.TextInput(attrs={"inputmode": "decimal"})
            )
        case CustomField.Kind.DATE:
            return forms.CharField(
                label=field.label, required=False, widget=forms.DateInput(attrs={"type": "date"})
            )
        case CustomField.Kind.CHOICE:
            choices = [("", "—"), *((one, one) for one in field.choices)]
            return forms.CharField(label=field.label, required=False, widget=forms.Select(choices=choices))
        case CustomField.Kind.BOOLEAN:
            yes_no = [("", "—"), ("yes", "Yes"), ("no", "No")]
            return forms.CharField(label=field.label, required=False, widget=forms.Select(choices=yes_no))
    return forms.CharField(
        label=field.label, required=False, max_length=1000, widget=forms.TextInput(attrs={"dir": "auto"})
    )


class ContactForm(FieldsMixin):
    """Create or edit a contact. Without `contact` a number is required."""

    phone_number = forms.CharField(
        label="Number",
        max_length=TEXT_LENGTH,
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
    )
    name = forms.CharField(
        label="Name",
        max_length=255,
        required=False,
        widget=forms.TextInput(attrs={"dir": "auto", "autocomplete": "off"}),
    )
    email = forms.CharField(
        label="E-mail",
        max_length=254,
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )

    def __init__(
        self, *args: Any, fields: Iterable[CustomField], contact: Contact | None = None, **kwargs: Any
    ):
        super().__init__(*args, **kwargs)
        if contact is None:
            self.fields["phone_number"].help_text = "With its country code, like +44 7700 900123."
        else:
            self.initial = {
                "phone_number": contact.display_phone,
                "name": contact.name,
                "email": contact.email,
            }
            self.fields["phone_number"].required = bool(contact.phone_number)
            if contact.push_name:
                self.fields["name"].help_text = f"They call themselves {contact.push_name}."
        self.add_custom(fields, contact.metadata if contact else {})


class TagForm(forms.Form):
    name = forms.CharField(label="Name", max_length=100, widget=forms.TextInput(attrs={"dir": "auto"}))
    color = forms.CharField(
        label="Colour",
        max_length=7,
        required=False,
        widget=forms.TextInput(attrs={"type": "color", "class": "form-control-color"}),
    )


class FieldForm(forms.Form):
    """Create or edit a custom field. The kind of an existing field cannot change."""

    label = forms.CharField(label="Name", max_length=100, widget=forms.TextInput(attrs={"dir": "auto"}))
    kind = forms.ChoiceField(label="Kind", choices=CustomField.Kind.choices)
    choices = forms.CharField(
        label="Choices, one a line",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "dir": "auto"}),
        help_text="Only for the kind Choice.",
    )

    def __init__(self, *args: Any, field: CustomField | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if field is None:
            return
        del self.fields["kind"]
        self.initial = {"label": field.label, "choices": "\n".join(field.choices)}
        if field.kind != CustomField.Kind.CHOICE:
            del self.fields["choices"]

    def lines(self) -> list[str]:
        """Return the choices."""
        return [line for line in self.cleaned_data.get("choices", "").splitlines() if line.strip()]


class RuleForm(forms.Form):
    """Create a tag rule."""

    tag = forms.ModelChoiceField(label="Tag", queryset=Tag.objects.none(), empty_label=None)
    kind = forms.ChoiceField(
        label="When",
        choices=TagRule.Kind.choices,
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
    )
    keywords = forms.CharField(
        label="Words",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "dir": "auto"}),
        help_text="One a line. A message with any of them counts, whatever its capitals and accents.",
    )
    days = forms.IntegerField(
        label="Days without an answer",
        required=False,
        min_value=1,
        max_value=365,
        help_text="Since our last message, to which nothing came.",
    )

    def __init__(self, *args: Any, tags: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["tag"].queryset = tags  # type: ignore[attr-defined]

    def values(self) -> dict[str, Any]:
        """Return the arguments of the service."""
        data = self.cleaned_data
        return {
            "tag": data["tag"],
            "kind": data["kind"],
            "keywords": data["keywords"].splitlines(),
            "days": data["days"] or 0,
        }


class WordsForm(forms.Form):
    """Edit the keywords that opt out and in: two text boxes for each language."""

    def __init__(self, *args: Any, words: tuple[Any, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind, label, known in zip(("stop", "start"), ("opt out", "opt in"), words, strict=True):
            for code, language in LANGUAGES.items():
                self.fields[f"{kind}.{code}"] = forms.CharField(
                    label=f"{language}, {label}",
                    required=False,
                    initial="\n".join(known.get(code, ())),
                    widget=forms.Textarea(attrs={"rows": 3, "dir": "auto", "lang": code}),
                )

    def keywords(self, kind: str) -> dict[str, str]:
        """Return the submitted keywords by language."""
        return {code: self.cleaned_data[f"{kind}.{code}"] for code in LANGUAGES}

    def pair(self, code: str) -> tuple[Any, Any]:
        """Return the two boxes of a language."""
        return self[f"stop.{code}"], self[f"start.{code}"]


class DeleteForm(forms.Form):
    """Confirm a deletion by typing the name."""

    confirmation = forms.CharField(max_length=300, widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, *args: Any, expected: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected = expected
        self.fields["confirmation"].label = f"Type “{expected}” to confirm"

    def clean_confirmation(self) -> str:
        typed: str = self.cleaned_data["confirmation"]
        if typed.strip().casefold() != self.expected.strip().casefold():
            raise forms.ValidationError(f"This is not the name. Type “{self.expected}”.")
        return typed


def chosen_columns(query: QueryDict, known: Sequence[str]) -> list[str]:
    """Return the ticked columns, in the order of `known`."""
    ticked = set(query.getlist("column"))
    return [key for key in known if key in ticked]

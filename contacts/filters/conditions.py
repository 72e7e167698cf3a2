"""The conditions of which filters are made, in a form that the indexes of both databases answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import BusinessProfile
from contacts import custom_field_values, phone_numbers, ports
from contacts.models import Contact, ContactTag, CustomField
from core.db.search import Contains, Found
from core.db.search_text import Phrase, fold, phrases
from core.errors import InvalidInput
from core.phone import phone

NUMBER = 8
"""Digits from which on a text may be a whole number, to be found in whatever spelling it is kept."""
RARE = 5000
"""SQLite: a tag that fewer contacts carry is looked up by the tag, else by the contact: it has no statistics."""


def tagged(tags: Iterable[UUID]) -> Q:
    """Carries at least one of these tags."""
    return _among(ContactTag.objects.filter(tag_id__in=list(tags)))


def talks_with(numbers: Iterable[UUID]) -> Q:
    """Has a conversation with at least one of these numbers of the business."""
    return _among(ports.our_numbers().talks(list(numbers)))


def _among(rows: QuerySet[Any]) -> Q:
    """Is the contact of one of `rows`."""
    if connection.vendor == "sqlite" and rows[:RARE].count() < RARE:
        return Q(pk__in=rows.values("contact_id"))
    return Q(Exists(rows.filter(contact_id=OuterRef("pk"))))


def search(business: BusinessProfile, text: str, *, near: bool = False) -> Q:
    """Every word of `text` begins one in the name, the e-mail address or a custom field, or is in the number.

    near: for few rows that are at hand; their own terms are looked at instead of the index.
    """
    if not text.strip():
        return Q()
    found = Q(pk=_identity(business, text))
    for words in readings(text):
        found |= Q(Contains(Contact, words) if near else Found(Contact, business.pk, words))
    return found


def readings(text: str) -> list[tuple[Phrase, ...]]:
    """What to look for: the words, and if they may be (part of) a number, its digits without trunk prefixes."""
    return list(dict.fromkeys(filter(None, map(phrases, (text, digits_of(fold(text)))))))


def digits_of(text: str) -> str:
    """The digits that stand in a number spelt so: "0170 / 12" and "+49 (0)170 12" have them as "17012", "4917012"."""
    compact = phone.compact(text.replace("(0)", ""))
    return compact.lstrip("+0") if re.fullmatch(r"\+?[0-9]+", compact) else ""


def _identity(business: BusinessProfile, text: str) -> UUID | None:
    """Whose whole number it is, in the spelling of the business's country or any variant of it."""
    if sum(map(str.isdigit, text)) < NUMBER:
        return None
    try:
        e164 = phone_numbers.read(business, text)
    except InvalidInput:
        return None
    return phone_numbers.identities_of(business, e164).values_list("contact_id", flat=True).first()


OPERATORS: dict[str, Sequence[str]] = {
    CustomField.Kind.TEXT: ("is", "is_not", "contains", "set"),
    CustomField.Kind.NUMBER: ("is", "is_not", "gt", "gte", "lt", "lte", "set"),
    CustomField.Kind.DATE: ("is", "is_not", "gt", "gte", "lt", "lte", "set"),
    CustomField.Kind.CHOICE: ("is", "is_not", "set"),
    CustomField.Kind.BOOLEAN: ("is", "set"),
}


def check_test(field: CustomField, operator: Any, wanted: Any) -> tuple[str, Any]:
    """The operator and its value as a filter keeps them. Raises InvalidInput."""
    if operator not in OPERATORS[field.kind]:
        allowed = ", ".join(OPERATORS[field.kind])
        raise InvalidInput("invalid_filter", f"{field.label} can be tested by: {allowed}.", field="fields")
    if operator == "set":
        return operator, wanted in (True, "true", "1")
    if operator == "contains":
        return operator, str(wanted)[:100]
    value = custom_field_values.clean(field, wanted)
    if value is None:
        raise InvalidInput("invalid_filter", f"Say what {field.label} is compared with.", field="fields")
    return operator, value


def custom_field(key: str, operator: str, wanted: Any) -> Q:
    """A custom field's value passes the test. Someone without a value passes only is_not and set: false."""
    value = f"metadata__{key}"
    missing = Q(**{f"{value}__isnull": True})
    if operator == "set":
        return ~missing if wanted else missing
    if operator == "is_not":
        return missing | ~Q(**{f"{value}__exact": wanted})
    lookup = {"is": "exact", "contains": "icontains"}.get(operator, operator)
    return Q(**{f"{value}__{lookup}": wanted})

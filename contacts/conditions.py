"""The conditions of which filters are made, in a form that the indexes of both databases answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.lookups import IContains

from accounts.models import BusinessProfile
from contacts import numbers, ports, values
from contacts.expressions import IndexedText, SearchText, TrigramHit
from contacts.models import ContactTag, CustomField
from whatsflow.core import phone
from whatsflow.core.errors import InvalidInput

TRIGRAM = 3
"""Characters that the indexes need at least."""
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


def search(business: BusinessProfile, text: str) -> Q:
    """`text` is in the name, the number, the e-mail address or a custom field.

    One or two letters match beginnings of words only: they have no trigram.
    """
    text = " ".join(text.split())
    if not text:
        return Q()
    found = Q()
    for needle in needles(text):
        found |= _contains(needle)
    if key := _identity(business, text):
        found |= Q(pk=key)
    return found


def needles(text: str) -> list[str]:
    """What to look for: the text, and if it may be (part of) a number, its digits without trunk prefixes."""
    return list(dict.fromkeys([text, *filter(None, [digits_of(text)])]))


def digits_of(text: str) -> str:
    """The digits that stand in a number spelt so: "0170 / 12" and "+49 (0)170 12" have them as "17012", "4917012"."""
    compact = phone.compact(text.replace("(0)", ""))
    return compact.lstrip("+0") if re.fullmatch(r"\+?[0-9]+", compact) else ""


def _identity(business: BusinessProfile, text: str) -> UUID | None:
    """Whose whole number it is, in the spelling of the business's country or any variant of it."""
    if sum(map(str.isdigit, text)) < NUMBER:
        return None
    try:
        e164 = numbers.read(business, text)
    except InvalidInput:
        return None
    return numbers.identities_of(business, e164).values_list("contact_id", flat=True).first()


def _contains(needle: str) -> Q:
    if len(needle) < TRIGRAM:
        return _begins_word(needle)
    if connection.vendor == "sqlite":
        quoted = needle.replace('"', '""')
        return Q(TrigramHit(f'"{quoted}"'))
    return Q(IContains(SearchText(), needle))


def _begins_word(needle: str) -> Q:
    condition = Q()
    for column in ("name", "push_name"):
        condition |= Q(**{f"{column}__istartswith": needle}) | Q(**{f"{column}__icontains": f" {needle}"})
    return condition | Q(phone_number__contains=needle) if needle.isdigit() else condition


def searched_text() -> SearchText | IndexedText:
    """The text in which is searched, as a column."""
    return IndexedText() if connection.vendor == "sqlite" else SearchText()


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
    value = values.clean(field, wanted)
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

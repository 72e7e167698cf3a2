"""Query conditions of contact filters, for the indexes of both databases."""

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

MIN_NUMBER_DIGITS = 8
"""Digits from which on a search text may be a whole phone number, in any spelling."""
RARE_TAG = 5000
"""SQLite, which has no statistics: tags on fewer contacts are looked up by the tag, others by the contact."""


def tagged(tags: Iterable[UUID]) -> Q:
    """Match contacts that carry at least one of these tags."""
    return _among(ContactTag.objects.filter(tag_id__in=list(tags)))


def talks_with(numbers: Iterable[UUID]) -> Q:
    """Match contacts with a conversation with at least one of these numbers."""
    return _among(ports.our_numbers().conversations_of(list(numbers)))


def _among(rows: QuerySet[Any]) -> Q:
    """Match the contacts of `rows`."""
    if connection.vendor == "sqlite" and rows[:RARE_TAG].count() < RARE_TAG:
        return Q(pk__in=rows.values("contact_id"))
    return Q(Exists(rows.filter(contact_id=OuterRef("pk"))))


def search(business: BusinessProfile, text: str, *, near: bool = False) -> Q:
    """Match contacts by words of a search.

    Every word of `text` begins a word of theirs (name, e-mail address, custom fields), or is part of their number.
    near:
    for few rows at hand; compares their own terms instead of using the index.
    """
    if not text.strip():
        return Q()
    condition = Q(pk=_identity(business, text))
    for words in search_phrases(text):
        condition |= Q(Contains(Contact, words) if near else Found(Contact, business.pk, words))
    return condition


def search_phrases(text: str) -> list[tuple[Phrase, ...]]:
    """Return what to search for.

    The words and, if they may be part of a number, its digits without trunk prefixes.
    """
    return list(dict.fromkeys(filter(None, map(phrases, (text, digits_of(fold(text)))))))


def digits_of(text: str) -> str:
    """Return the digits of a phone number; "" if it is none.

    "17012" for "0170 / 12", "4917012" for "+49 (0)170 12".
    """
    compact = phone.compact(text.replace("(0)", ""))
    return compact.lstrip("+0") if re.fullmatch(r"\+?[0-9]+", compact) else ""


def _identity(business: BusinessProfile, text: str) -> UUID | None:
    """Return the contact who has this phone number, in any variant.

    None if it is no number or nobody's.
    """
    if sum(map(str.isdigit, text)) < MIN_NUMBER_DIGITS:
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
    """Check a test of a custom field and return its operator and value as stored.

    Raises InvalidInput.
    """
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
    """Match contacts whose value passes the test.

    Without a value only is_not and set: false pass.
    """
    value = f"metadata__{key}"
    missing = Q(**{f"{value}__isnull": True})
    if operator == "set":
        return ~missing if wanted else missing
    if operator == "is_not":
        return missing | ~Q(**{f"{value}__exact": wanted})
    lookup = {"is": "exact", "contains": "icontains"}.get(operator, operator)
    return Q(**{f"{value}__{lookup}": wanted})

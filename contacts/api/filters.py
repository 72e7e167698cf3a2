"""Contact filters in the API's spelling (camelCase keys)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from accounts.models import BusinessProfile
from contacts import phone_numbers, selectors
from contacts.expressions import SortName
from contacts.filters import conditions
from contacts.filters.contact_filter import ContactFilter
from contacts.models import Contact
from core.errors import InvalidInput
from core.text import camel

COMMON = ("fields", "limit", "cursor", "order")
"""Parameters of every list, which say nothing about whom."""


def read(business: BusinessProfile, given: Mapping[str, Any]) -> ContactFilter:
    """Parse a filter: keys in camelCase, those of custom fields as they are. Raises InvalidInput."""
    inside = {}
    for name, value in given.items():
        key = re.sub(r"[A-Z]", lambda found: "_" + found[0].lower(), name)
        if camel(key) != name:
            raise InvalidInput("invalid_filter", f"There is no filter called {name[:40]!r}.", field="filter")
        inside[key] = value
    return ContactFilter.parse(business, inside)


def show(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a stored filter to camelCase keys."""
    return {camel(key): value for key, value in stored.items()}


def matching(business: BusinessProfile, given: Mapping[str, Any]) -> QuerySet[Contact]:
    """Select contacts by the keys of a filter, `search`, `segment_id` and `phone_number` (in any spelling).

    The rows are not ordered; for an order by name they have `sort_name`. Raises NotFound for a segment, InvalidInput.
    """
    wanted = {
        key: value
        for key, value in given.items()
        if key not in ("segment_id", "phone_number", "search", *COMMON)
    }
    rows = ContactFilter.parse(business, wanted).apply(business)
    if search := given.get("search"):
        rows = rows.filter(conditions.search(business, search))
    if segment_id := given.get("segment_id"):
        segment = selectors.get_segment(business, segment_id)
        rows = rows.filter(pk__in=ContactFilter.load(business, segment.filter).apply(business).values("pk"))
    if number := given.get("phone_number"):
        known = phone_numbers.identities_of(business, phone_numbers.read(business, number))
        rows = rows.filter(pk__in=known.values("contact"))
    if given.get("order", "").lstrip("-") == "name":
        rows = rows.annotate(sort_name=SortName())
    return rows

"""Whom a verb is about: a queryset of contacts or some ids, always within the business."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import BusinessProfile
from contacts.models import Contact

T = TypeVar("T")
CHUNK = 1000
"""Contacts that one statement touches."""

Contacts = QuerySet[Contact] | Iterable[UUID]


def ids_of(business: BusinessProfile, contacts: Contacts) -> list[UUID]:
    """The ids of those of `contacts` that the business has, sorted, so that two verbs at once wait for each other."""
    if isinstance(contacts, QuerySet):
        return sorted(contacts.filter(business_profile=business).order_by().values_list("pk", flat=True))
    found: list[UUID] = []
    for some in chunks(set(contacts)):
        rows = Contact.objects.filter(business_profile=business, pk__in=some)
        found += rows.values_list("pk", flat=True)
    return sorted(found)


def chunks(rows: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """`rows` in lists of at most `size`."""
    remaining = iter(rows)
    while some := list(islice(remaining, size)):
        yield some

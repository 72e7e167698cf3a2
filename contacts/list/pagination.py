"""Keyset pagination of the contact list, its search, and its total.

A common word matches some of the first rows anyway, while an index would return thousands of hits. So a search tests
the first rows of the list, and uses the index only when there are too few hits among them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.utils.dateparse import parse_datetime

from accounts.models import BusinessProfile
from contacts.expressions import SortName
from contacts.filters import conditions
from contacts.filters.contact_filter import ContactFilter
from contacts.models import Contact
from contacts.payloads import ShownTag
from contacts.selectors import tags_by_contact
from core.errors import InvalidInput

PAGE = 50
SORTS = {"recent": "Last message", "newest": "Newest first", "name": "Name"}
WINDOW = 1500
"""Rows that a search tests before it uses the index."""
COUNTED = 10_000
"""Contacts that are counted exactly; beyond, the database's estimate is returned."""
FOUND = 1000
"""The same for hits of a search."""


@dataclass(frozen=True)
class Cursor:
    """The position where a page ends: the id and sort key of its last contact.

    by: a time, a name or nothing.
    """

    id: UUID
    by: str = ""

    def __str__(self) -> str:
        return f"{self.id}~{self.by}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Parse a cursor. Raises InvalidInput("invalid_cursor")."""
        key, _, by = text.partition("~")
        try:
            return cls(UUID(key), by)
        except ValueError:
            raise _invalid_cursor() from None

    @property
    def at(self) -> datetime | None:
        """Return the sort key as a time; None for contacts who never wrote."""
        if not self.by:
            return None
        try:
            moment = parse_datetime(self.by.replace(" ", "+"))
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise _invalid_cursor()
        return moment


@dataclass(frozen=True)
class ContactPage:
    """A page of contacts. next: cursor of the next page; None on the last one."""

    contacts: list[Contact]
    next: str | None = None
    tags: dict[UUID, list[ShownTag]] = field(default_factory=dict)


@dataclass(frozen=True)
class Total:
    """A number of contacts. kind: "exact", "about" (estimated) or "at_least"."""

    count: int
    kind: str = "exact"


def page(
    business: BusinessProfile,
    contact_filter: ContactFilter,
    *,
    sort: str = "recent",
    after: str | None = None,
    limit: int = PAGE,
) -> ContactPage:
    """Return a page of the list with its tags.

    Two queries, one or two more for a search. Raises InvalidInput for an unknown sort or cursor.
    """
    if sort not in SORTS:
        raise InvalidInput("unknown_sort", f"Sort by one of {', '.join(SORTS)}.", field="sort")
    cursor = Cursor.parse(after) if after else None
    everybody = contact_filter.narrow(Contact.objects.filter(business_profile=business))
    contacts: list[Contact] = []
    for rows in _slices(everybody, sort, cursor):
        missing = limit + 1 - len(contacts)
        contacts += _search(business, rows, contact_filter.q, missing) if contact_filter.q else rows[:missing]
        if len(contacts) > limit:
            break
    shown = contacts[:limit]
    ahead = str(_cursor(shown[-1], sort)) if len(contacts) > limit else None
    return ContactPage(shown, ahead, tags_by_contact([one.pk for one in shown]))


def _slices(rows: QuerySet[Contact], sort: str, cursor: Cursor | None) -> Iterator[QuerySet[Contact]]:
    """Yield querysets after `cursor`, each answered by an index.

    Contacts who never wrote come last.
    """
    match sort:
        case "newest":
            yield (rows.filter(pk__lt=cursor.id) if cursor else rows).order_by("-id")
        case "name":
            rows = rows.alias(sort_name=SortName())
            if cursor:
                rows = rows.filter(
                    Q(sort_name__gt=cursor.by) | Q(sort_name=cursor.by, pk__gt=cursor.id),
                    sort_name__gte=cursor.by,
                )
            yield rows.order_by("sort_name", "id")
        case _:
            yield from _recent(rows, cursor)


def _recent(rows: QuerySet[Contact], cursor: Cursor | None) -> Iterator[QuerySet[Contact]]:
    wrote, never = rows.filter(last_message_at__isnull=False), rows.filter(last_message_at__isnull=True)
    at = cursor.at if cursor else None
    if cursor and at:
        wrote = wrote.filter(
            Q(last_message_at__lt=at) | Q(last_message_at=at, pk__lt=cursor.id), last_message_at__lte=at
        )
    if cursor is None or at:
        yield wrote.order_by("-last_message_at", "-id")
    if cursor and at is None:
        never = never.filter(pk__lt=cursor.id)
    yield never.order_by("-last_message_at", "-id")


def _cursor(contact: Contact, sort: str) -> Cursor:
    if sort == "recent":
        moment = contact.last_message_at
        return Cursor(contact.pk, moment.isoformat() if moment else "")
    if sort == "name":
        named = Contact.objects.filter(pk=contact.pk).annotate(by=SortName()).values_list("by", flat=True)
        return Cursor(contact.pk, named.get())
    return Cursor(contact.pk)


def _search(business: BusinessProfile, rows: QuerySet[Contact], text: str, limit: int) -> list[Contact]:
    """Return at most `limit` matches of the ordered `rows`."""
    near = _near(rows[:WINDOW], conditions.search(business, text, near=True))
    if len(near) >= limit:
        return list(rows.filter(pk__in=near[:limit]))
    return list(rows.filter(conditions.search(business, text))[:limit])


def _near(window: QuerySet[Contact], condition: Q) -> list[UUID]:
    hits = window.annotate(hit=ExpressionWrapper(condition, BooleanField())).values_list("pk", "hit")
    return [key for key, hit in hits if hit]


def total(business: BusinessProfile, contact_filter: ContactFilter) -> Total:
    """Count matching contacts without a slow count."""
    rows = contact_filter.apply(business).order_by()
    if not contact_filter and connection.vendor == "sqlite":
        return Total(rows.count())
    bound = FOUND if contact_filter.q else COUNTED
    counted = rows.values("pk")[: bound + 1].count()
    if counted <= bound:
        return Total(counted)
    if connection.vendor == "sqlite":
        return Total(bound, "at_least")
    return Total(max(_estimate(rows), counted), "about")


def _estimate(rows: QuerySet[Contact]) -> int:
    """Return the planner's estimate. PostgreSQL only."""
    plan: Any = rows.explain(format="json")
    return int(json.loads(plan)[0]["Plan"]["Plan Rows"])


def _invalid_cursor() -> InvalidInput:
    return InvalidInput(
        "invalid_cursor",
        "This page address is not valid. Start again from the first page.",
        field="after",
    )

"""Select contacts of a business: by ids, a queryset, or a filter snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import BusinessProfile
from contacts.filters.contact_filter import ContactFilter
from contacts.models import Contact
from core.errors import InvalidInput
from core.ids import uuid7

T = TypeVar("T")
CHUNK = 1000
"""Contacts that one statement touches."""
MAX_IDS = 1000
"""Contacts that a job names by id; more are selected by a filter."""

Contacts = QuerySet[Contact] | Iterable[UUID]


def ids_of(business: BusinessProfile, contacts: Contacts) -> list[UUID]:
    """Return the ids of the business's own `contacts`.

    Sorted, so that concurrent writers cannot deadlock.
    """
    if isinstance(contacts, QuerySet):
        return sorted(contacts.filter(business_profile=business).order_by().values_list("pk", flat=True))
    contact_ids: list[UUID] = []
    for chunk in chunks(set(contacts)):
        rows = Contact.objects.filter(business_profile=business, pk__in=chunk)
        contact_ids += rows.values_list("pk", flat=True)
    return sorted(contact_ids)


def chunks(rows: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Yield `rows` in lists of at most `size`."""
    remaining = iter(rows)
    while chunk := list(islice(remaining, size)):
        yield chunk


def to_params(
    business: BusinessProfile, ids: Sequence[str | UUID] | None, filters: Mapping[str, Any]
) -> dict[str, Any]:
    """Check a selection and return it as job parameters.

    ids None: all contacts that match `filters`. Raises InvalidInput.
    """
    if ids is None:
        return {"filter": ContactFilter.parse(business, filters).to_dict()}
    if not ids or len(ids) > MAX_IDS:
        raise InvalidInput("nobody_chosen", f"Choose 1 to {MAX_IDS} contacts first.", field="ids")
    try:
        return {"ids": [str(UUID(str(one))) for one in ids]}
    except ValueError:
        message = "This page is out of date. Open the list again."
        raise InvalidInput("nobody_chosen", message, field="ids") from None


class Selection:
    """The contacts of a job, page by page.

    params: {"ids": [...]} or {"filter": {...}}. until: leaves out contacts created after this id. Pages are ordered by
    id, so that changes to one page do not move contacts between the pages behind it.
    """

    def __init__(
        self, business: BusinessProfile, params: Mapping[str, Any], until: str | None = None
    ) -> None:
        self._business = business
        self._ids = [UUID(one) for one in params["ids"]] if "ids" in params else None
        self._filter = ContactFilter.load(business, params.get("filter", {}))
        self.until = UUID(until) if until else uuid7()

    def rows(self) -> QuerySet[Contact]:
        """Return the selected contacts, unordered."""
        if self._ids is not None:
            return Contact.objects.filter(business_profile=self._business, pk__in=self._ids)
        return self._filter.apply(self._business).filter(pk__lte=self.until)

    def count(self) -> int:
        return self.rows().count()

    def page(self, after: UUID | None, size: int) -> list[UUID]:
        """Return the next `size` ids."""
        rows = self.rows() if after is None else self.rows().filter(pk__gt=after)
        return list(rows.order_by("pk").values_list("pk", flat=True)[:size])

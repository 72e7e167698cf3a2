"""Whom a job is about, page by page: contacts named by ids, or all who pass a filter when the job begins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import BusinessProfile
from contacts.filters.contact_filter import ContactFilter
from contacts.models import Contact
from core.ids import uuid7


class Chosen:
    """params: {"ids": [...]} or {"filter": {...}}, as JSON. until: contacts made after this id are left out.

    Pages go by id, so that what the job does to those before changes nothing about those behind.
    """

    def __init__(
        self, business: BusinessProfile, params: Mapping[str, Any], until: str | None = None
    ) -> None:
        self._business = business
        self._ids = [UUID(one) for one in params["ids"]] if "ids" in params else None
        self._filter = ContactFilter.load(business, params.get("filter", {}))
        self.until = UUID(until) if until else uuid7()

    def rows(self) -> QuerySet[Contact]:
        """All of them, in no order."""
        if self._ids is not None:
            return Contact.objects.filter(business_profile=self._business, pk__in=self._ids)
        return self._filter.apply(self._business).filter(pk__lte=self.until)

    def count(self) -> int:
        """How many."""
        return self.rows().count()

    def page(self, after: UUID | None, size: int) -> list[UUID]:
        """The next ids in order."""
        rows = self.rows() if after is None else self.rows().filter(pk__gt=after)
        return list(rows.order_by("pk").values_list("pk", flat=True)[:size])

"""Keyset pagination by (time, id), whose cost does not depend on the depth of the page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Model, Q, QuerySet
from django.utils.dateparse import parse_datetime

from core.errors import InvalidInput

M = TypeVar("M", bound=Model)


@dataclass(frozen=True)
class Cursor:
    """Position in a list ordered by (time, id). Its text form, "2026-01-31T10:00:00+00:00~<id>", is used in URLs."""

    at: datetime
    id: UUID

    def __str__(self) -> str:
        return f"{self.at.isoformat()}~{self.id}"

    @classmethod
    def parse(cls, text: str) -> Cursor:
        """Parse the text form. Raises InvalidInput("invalid_cursor")."""
        time, _, key = text.replace(" ", "+").partition("~")
        try:
            at, identity = parse_datetime(time), UUID(key)
            if at is not None and at.tzinfo is not None:
                at = at.astimezone(UTC)  # overflows at the ends of the calendar
        except (ValueError, OverflowError):
            at = None
        if at is None or at.tzinfo is None:
            raise InvalidInput(
                "invalid_cursor", "This page address is not valid. Start again from the first page."
            )
        return cls(at, identity)


def before(column: str, cursor: Cursor) -> Q:
    """Match rows older than `cursor`, in a form for which both databases use the index on (column, id)."""
    return Q(**{f"{column}__lte": cursor.at}) & (
        Q(**{f"{column}__lt": cursor.at}) | Q(**{column: cursor.at, "id__lt": cursor.id})
    )


def after(column: str, cursor: Cursor) -> Q:
    """Match rows newer than `cursor`."""
    return Q(**{f"{column}__gte": cursor.at}) & (
        Q(**{f"{column}__gt": cursor.at}) | Q(**{column: cursor.at, "id__gt": cursor.id})
    )


def newest_first(rows: QuerySet[M, Any], column: str) -> QuerySet[M, Any]:
    return rows.order_by(f"-{column}", "-id")

"""Segments (named filters), and the columns that a member has chosen."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.models import BusinessProfile, User
from accounts.services import audit
from contacts.filters.contact_filter import ContactFilter
from contacts.models import ListColumns, Segment
from contacts.selectors import get_segment
from core.errors import Conflict, InvalidInput
from core.text import printable


def create(
    business: BusinessProfile, actor: User | None, name: str, contact_filter: ContactFilter
) -> Segment:
    """Create a segment. Raises InvalidInput, Conflict("segment_exists")."""
    segment = Segment(
        business_profile=business, name=_name(name), filter=contact_filter.to_dict(), created_by=actor
    )
    return _saved(business, actor, segment, "segment.created")


def update(
    business: BusinessProfile,
    segment_id: UUID,
    actor: User | None,
    *,
    name: str | None = None,
    contact_filter: ContactFilter | None = None,
) -> Segment:
    """Rename a segment, or replace its filter.

    Raises NotFound, InvalidInput, Conflict.
    """
    segment = get_segment(business, segment_id)
    if name is not None:
        segment.name = _name(name)
    if contact_filter is not None:
        segment.filter = contact_filter.to_dict()
    return _saved(business, actor, segment, "segment.updated")


def delete(business: BusinessProfile, segment_id: UUID, actor: User | None) -> None:
    """Delete a segment. Raises NotFound."""
    with transaction.atomic():
        segment = get_segment(business, segment_id)
        audit.record(business, actor, "segment.deleted", segment)
        segment.delete()


def choose_columns(business: BusinessProfile, user: User, columns: Sequence[str]) -> None:
    """Save the columns of the contact list that `user` has chosen."""
    ListColumns.objects.update_or_create(
        user=user, business_profile=business, defaults={"columns": list(columns)}
    )


def _name(name: str) -> str:
    cleaned = printable(name)
    if not cleaned or len(cleaned) > 100:
        raise InvalidInput("invalid_name", "A segment has a name of 1 to 100 characters.", field="name")
    return cleaned


def _saved(business: BusinessProfile, actor: User | None, segment: Segment, action: str) -> Segment:
    try:
        with transaction.atomic():
            segment.save()
            audit.record(business, actor, action, segment)
    except IntegrityError:
        raise Conflict(
            "segment_exists", f"There is a segment called {segment.name} already.", field="name"
        ) from None
    return segment

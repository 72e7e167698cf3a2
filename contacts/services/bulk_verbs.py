"""One verb on many contacts at once, as programs ask for it. What is too much for a request is a job's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from accounts.models import BusinessProfile, User
from contacts import selectors
from contacts.api import filters
from contacts.services import consent, contacts, tags
from contacts.services.selection import ids_of
from core.errors import InvalidInput

AT_ONCE = 1000
"""Contacts that one request may change."""


def carry_out(
    business: BusinessProfile,
    actor: User,
    *,
    action: str,
    contact_ids: Sequence[UUID] | None = None,
    filter: Mapping[str, Any] | None = None,
    tag_ids: Sequence[UUID] = (),
) -> int:
    """Do `action` with the contacts named, or with those whom the filter finds. Returns how many were changed.

    Raises InvalidInput ("no_contacts", "too_many_contacts", "no_tags"), NotFound for another business's tag.
    """
    ids = _chosen(business, contact_ids, filter)
    match action:
        case "tag" | "untag":
            chosen = [selectors.get_tag(business, tag_id) for tag_id in tag_ids]
            if not chosen:
                raise InvalidInput("no_tags", "Say which tags, by `tagIds`.", field="tagIds")
            return (tags.add if action == "tag" else tags.remove)(business, ids, chosen, actor)
        case "block":
            return contacts.block(business, ids, actor)
        case "unblock":
            return contacts.unblock(business, ids, actor)
        case "optOut":
            return consent.opt_out(business, ids, how=consent.How.API, actor=actor)
        case "optIn":
            return consent.opt_in(business, ids, how=consent.How.API, actor=actor)
    return contacts.delete(business, ids, actor)


def _chosen(
    business: BusinessProfile, contact_ids: Sequence[UUID] | None, wanted: Mapping[str, Any] | None
) -> list[UUID]:
    if (contact_ids is None) == (wanted is None):
        raise InvalidInput("no_contacts", "Say who, by `contactIds` or by `filter`.", field="contactIds")
    if wanted is None:
        return ids_of(business, contact_ids or ())
    found = filters.read(business, wanted).apply(business).order_by().values_list("pk", flat=True)
    ids = list(found[: AT_ONCE + 1])
    if len(ids) > AT_ONCE:
        raise InvalidInput(
            "too_many_contacts",
            f"More than {AT_ONCE:,} contacts match. Narrow the filter, or use a job.",
            field="filter",
        )
    return ids

"""Reads about people. Every function takes the business first; another business's ids are NotFound."""

from __future__ import annotations

import re
from collections.abc import Collection
from uuid import UUID

from django.db import connection
from django.db.models import F, Q

from accounts.models import BusinessProfile
from contacts.models import Contact, ContactIdentity
from whatsflow.core import bulk
from whatsflow.core.errors import NotFound

TRIGRAM = 3
"""Characters that the indexes need at least."""
MATCHES = 100
"""People that a search returns at most, those who wrote last."""


def get_contact(business: BusinessProfile, contact_id: UUID | str) -> Contact:
    """One of the business's contacts. Raises NotFound."""
    try:
        key = contact_id if isinstance(contact_id, UUID) else UUID(contact_id)
    except ValueError:
        raise NotFound("This contact") from None
    found = Contact.objects.filter(business_profile=business, id=key).first()
    if found is None:
        raise NotFound("This contact")
    return found


def contacts_by_id(business_id: UUID, contact_ids: Collection[UUID]) -> dict[UUID, Contact]:
    """Those of the business's contacts that have these ids; one query."""
    return Contact.objects.filter(business_profile_id=business_id).in_bulk(contact_ids)


def ids_matching(business: BusinessProfile, text: str) -> list[UUID]:
    """Contacts whose name contains `text`, or whose number contains its digits, those who wrote last first.

    One or two letters match beginnings of a name's words only.
    """
    text = " ".join(text.split())
    if not text:
        return []
    rows = Contact.objects.filter(business_profile=business)
    if connection.vendor == "sqlite" and len(text) >= TRIGRAM:
        rows = rows.filter(id__in=_by_trigram(text))
    else:
        rows = rows.filter(_containing(text))
    newest = rows.order_by(F("last_message_at").desc(nulls_last=True), "-id")
    return list(newest.values_list("id", flat=True)[:MATCHES])


def _digits(text: str) -> str:
    """The digits of `text` if it looks like (part of) a number, else nothing."""
    return re.sub(r"\D", "", text) if re.fullmatch(r"[\d\s()+./-]+", text) else ""


def _containing(text: str) -> Q:
    condition = Q(name__icontains=text) | Q(push_name__icontains=text)
    if len(text) < TRIGRAM:
        condition = Q()
        for column in ("name", "push_name"):
            condition |= Q(**{f"{column}__istartswith": text}) | Q(**{f"{column}__icontains": f" {text}"})
    digits = _digits(text)
    return condition | Q(phone_number__contains=digits) if digits else condition


def match_sql(text: str) -> tuple[str, list[str]]:
    """PostgreSQL: the condition of `ids_matching` on a row of contacts called k, and its parameters."""
    text = " ".join(text.split())
    begin, anywhere = ("", "% ") if len(text) < TRIGRAM else ("%", "%")
    like = connection.ops.prep_for_like_query(text)
    names = " OR ".join(
        f"UPPER(k.{column}) LIKE UPPER(%s) OR UPPER(k.{column}) LIKE UPPER(%s)"
        for column in ("name", "push_name")
    )
    patterns = [f"{begin}{like}%", f"{anywhere}{like}%"] * 2
    digits = _digits(text)
    return (f"{names} OR k.phone_number LIKE %s", [*patterns, f"%{digits}%"]) if digits else (names, patterns)


def _by_trigram(text: str) -> list[UUID]:
    """SQLite: ids by its full-text index."""
    quoted = text.replace('"', '""')
    query = f'"{quoted}"'
    digits = _digits(text)
    if len(digits) >= TRIGRAM:
        query += f' OR phone_number : "{digits}"'
    found = bulk.fetch(
        "SELECT contact_id FROM contacts_fts_map "
        "WHERE id IN (SELECT rowid FROM contacts_fts WHERE contacts_fts MATCH %s)",
        [query],
    )
    return [bulk.as_uuid(key) for (key,) in found]


def lids_of(contact_ids: Collection[UUID]) -> dict[UUID, str]:
    """The newest LID of each of these contacts that has one."""
    rows = ContactIdentity.objects.filter(contact_id__in=contact_ids, kind=ContactIdentity.Kind.LID)
    return dict(rows.order_by("created_at", "id").values_list("contact_id", "value"))

"""Reads of contacts.

The business is the first argument; another business's ids raise NotFound.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Count, F, Model, QuerySet

from accounts.models import BusinessProfile
from contacts import custom_field_values
from contacts.filters import conditions
from contacts.models import (
    ConsentProof,
    Contact,
    ContactIdentity,
    ContactNote,
    ContactTag,
    CustomField,
    Segment,
    Tag,
    TagRule,
)
from contacts.payloads import ShownTag
from core.db import bulk
from core.db.models import is_postgres
from core.db.search import contains_sql
from core.errors import NotFound
from core.ids import parse_id

M = TypeVar("M", bound=Model)
MATCHES = 100
"""Most contacts that a search returns."""


def get_contact(business: BusinessProfile, contact_id: UUID | str, *, lock: bool = False) -> Contact:
    """Return a contact. lock: FOR NO KEY UPDATE, within a transaction.

    Raises NotFound.
    """
    rows = Contact.objects.select_for_update(no_key=True) if lock else Contact.objects.all()
    return _one(rows.filter(business_profile=business), contact_id, "This contact")


def get_tag(business: BusinessProfile, tag_id: UUID | str) -> Tag:
    """Return a tag. Raises NotFound."""
    return _one(Tag.objects.filter(business_profile=business), tag_id, "This tag")


def get_segment(business: BusinessProfile, segment_id: UUID | str) -> Segment:
    """Return a segment. Raises NotFound."""
    return _one(Segment.objects.filter(business_profile=business), segment_id, "This segment")


def _one(rows: QuerySet[M], key: UUID | str, what: str) -> M:
    row = rows.filter(pk=parse_id(key, what)).first()
    if row is None:
        raise NotFound(what)
    return row


def contacts_by_id(business_id: UUID, contact_ids: Collection[UUID]) -> dict[UUID, Contact]:
    """Return the existing ones of these contacts with their tags; two queries."""
    contacts = Contact.objects.filter(business_profile_id=business_id).in_bulk(contact_ids)
    attach_tags(list(contacts.values()))
    return contacts


def tags_of_business(business: BusinessProfile) -> list[Tag]:
    """Return all tags by name, as a list."""
    return list(all_tags(business))


def all_tags(business: BusinessProfile) -> QuerySet[Tag]:
    """Return all tags by name."""
    return Tag.objects.filter(business_profile=business).order_by("name", "id")


def tags_with_counts(business: BusinessProfile) -> QuerySet[Tag]:
    """Return all tags by name, with `contacts_count`."""
    return all_tags(business).annotate(contacts_count=Count("contact_tags"))


def count_tagged(tag: Tag) -> int:
    """Count the contacts that carry a tag."""
    return ContactTag.objects.filter(tag=tag).count()


def tags_of(contact_id: UUID) -> list[Tag]:
    """Return the tags of a contact by name."""
    return list(Tag.objects.filter(contact_tags__contact_id=contact_id).order_by("name", "id"))


def tags_by_contact(contact_ids: Collection[UUID]) -> dict[UUID, list[ShownTag]]:
    """Return the tags of each of these contacts by name.

    One query, none without contacts.
    """
    if not contact_ids:
        return {}
    tags: dict[UUID, list[ShownTag]] = defaultdict(list)
    for key, name, color, contact in bulk.fetch(*_among(_TAGS_BY_CONTACT, contact_ids)):
        tags[bulk.as_uuid(contact)].append(ShownTag(bulk.as_uuid(key), name, color))
    return tags


def tags_on(business_id: UUID, contact_ids: Collection[UUID]) -> list[tuple[UUID, str, str, UUID | None]]:
    """Return every tag of the business by name, once for each carrier.

    Rows are (id, name, colour, contact). Only these contacts count; the contact is None for tags that none of them
    carries. One query.
    """
    sql, keys = _among(_TAGS_ON, contact_ids)
    rows = bulk.fetch(sql, [*keys, business_id])
    return [
        (bulk.as_uuid(key), name, color, contact and bulk.as_uuid(contact))
        for key, name, color, contact in rows
    ]


def _among(sql: str, contact_ids: Collection[UUID]) -> tuple[str, list[Any]]:
    """Return the statement for these contacts, and its parameters.

    PostgreSQL gets them as one array: placeholders for each take the driver longer than the query takes the database.
    """
    keys = [bulk.value(key) for key in contact_ids] or [bulk.value(UUID(int=0))]
    if is_postgres():
        return sql.format(among="= ANY(%s)"), [keys]
    return sql.format(among=f"IN ({', '.join(['%s'] * len(keys))})"), keys


_TAGS_BY_CONTACT = """
SELECT tags.id, tags.name, tags.color, carried.contact_id
FROM contact_tags carried JOIN tags ON tags.id = carried.tag_id
WHERE carried.contact_id {among} ORDER BY tags.name, tags.id
"""
_TAGS_ON = """
WITH carried AS MATERIALIZED (SELECT tag_id, contact_id FROM contact_tags WHERE contact_id {among})
SELECT tags.id, tags.name, tags.color, carried.contact_id
FROM tags LEFT JOIN carried ON carried.tag_id = tags.id
WHERE tags.business_profile_id = %s ORDER BY tags.name, tags.id
"""
"""MATERIALIZED makes the plan go from the contacts to their tags, never from a tag to its thousands of contacts. Raw
SQL, because building it with the ORM takes twice as long as running it."""


def fields_of(business: BusinessProfile) -> list[CustomField]:
    """Return the custom fields in their order."""
    return list(CustomField.objects.filter(business_profile=business).order_by("position", "id"))


def segments_of(business: BusinessProfile) -> list[Segment]:
    """Return all segments by name."""
    return list(Segment.objects.filter(business_profile=business).order_by("name", "id"))


def values_of(contact: Contact, fields: Collection[CustomField]) -> list[tuple[CustomField, str]]:
    """Return the custom fields with the formatted values of a contact; "" for none."""
    return [
        (field, custom_field_values.format_value(field, contact.metadata.get(field.key))) for field in fields
    ]


def consents_of(business: BusinessProfile, contact_id: UUID) -> list[ConsentProof]:
    """Return the last 50 consent proofs of a contact with their actors, newest first."""
    rows = ConsentProof.objects.filter(business_profile=business, contact_id=contact_id)
    return list(rows.select_related("actor").order_by("-id")[:50])


def rules_of(business: BusinessProfile) -> list[TagRule]:
    """Return the tag rules with their tags, oldest first."""
    rows = TagRule.objects.filter(business_profile=business).select_related("tag")
    return list(rows.order_by("id"))


def ids_matching(business: BusinessProfile, text: str) -> list[UUID]:
    """Return at most MATCHES contacts that match a search, those who wrote last first."""
    if not text.strip():
        return []
    rows = Contact.objects.filter(conditions.search(business, text), business_profile=business)
    newest = rows.order_by(F("last_message_at").desc(nulls_last=True), "-id")
    return list(newest.values_list("id", flat=True)[:MATCHES])


def match_sql(text: str) -> tuple[str, list[Any]]:
    """Return the condition of `ids_matching` without an index, and its parameters.

    For a row of contacts called k. PostgreSQL only.
    """
    conditions_sql, parameters = ["FALSE"], list[Any]()
    for words in conditions.search_phrases(text):
        condition, needles = contains_sql("postgresql", "k", words)
        conditions_sql.append(f"({condition})")
        parameters += needles
    return " OR ".join(conditions_sql), parameters


def lids_of(contact_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the newest LID of each of these contacts that has one."""
    rows = ContactIdentity.objects.filter(contact_id__in=contact_ids, kind=ContactIdentity.Kind.LID)
    return dict(rows.order_by("created_at", "id").values_list("contact_id", "value"))


def identities_of(business_id: UUID, contact_ids: Collection[UUID]) -> tuple[list[str], list[str]]:
    """Return the canonical phone numbers and the LIDs of these contacts."""
    rows = ContactIdentity.objects.filter(business_profile=business_id, contact_id__in=contact_ids)
    pairs = list(rows.values_list("kind", "value"))
    kinds = ContactIdentity.Kind.PHONE, ContactIdentity.Kind.LID
    phones, lids = ([value for kind, value in pairs if kind == wanted] for wanted in kinds)
    return phones, lids


def attach_tags(contacts: Sequence[Contact]) -> None:
    """Set `shown_tags` of each contact; one query."""
    tags = tags_by_contact([contact.pk for contact in contacts])
    for contact in contacts:
        contact.shown_tags = tags.get(contact.pk, [])  # type: ignore[attr-defined]


def notes_of(business: BusinessProfile, contact: Contact) -> QuerySet[ContactNote]:
    """Return the notes about a contact with their authors, newest first."""
    rows = ContactNote.objects.filter(business_profile=business, contact=contact)
    return rows.select_related("author").order_by("-id")


def get_note(business: BusinessProfile, contact: Contact, note_id: UUID) -> ContactNote:
    """Return a note about this contact, with its author. Raises NotFound."""
    return _one(notes_of(business, contact), note_id, "This note")

"""Resolve WhatsApp identities (phone numbers, LIDs) to contacts.

A LID is an identity of its own and never a phone number. All spellings of a number share its canonical form. When
WhatsApp shows that a LID and a number are one person, their contacts are merged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models import Q

from contacts.events import ContactCreated, ContactUpdated
from contacts.models import Contact, ContactIdentity
from contacts.services import consent, merging
from core.db import bulk, search
from core.events import publish
from core.ids import uuid7
from core.phone import phone
from core.text import boundary, printable

Kind = ContactIdentity.Kind
Key = tuple[str, str]
"""(kind, value) of an identity."""


@dataclass(frozen=True)
class Person:
    """A person as WhatsApp identifies them. phone: E.164. lid: bare digits.

    push_name: the name they chose.
    """

    phone: str | None = None
    lid: str | None = None
    push_name: str = field(default="", compare=False)

    @property
    def keys(self) -> list[Key]:
        """Return their identities."""
        keys: list[Key] = []
        if self.phone:
            keys.append((Kind.PHONE, phone.canonical(self.phone)))
        if self.lid:
            keys.append((Kind.LID, self.lid))
        return keys


def find(business_id: UUID, people: Iterable[Person]) -> dict[Person, UUID]:
    """Return the contacts of known people; one query, no writes."""
    people = list(people)
    known = _known(business_id, {key for person in people for key in person.keys})
    contact_by_person = {}
    for person in people:
        contacts = [known[key] for key in person.keys if key in known]
        if contacts:
            contact_by_person[person] = contacts[0]
    return contact_by_person


def resolve(business_id: UUID, people: Sequence[Person]) -> dict[Person, UUID]:
    """Return the contact of each person.

    Creates contacts, adds identities, merges contacts that are one person. A fixed number of statements. Call inside a
    transaction.
    """
    groups = _group(people)
    known = _known(business_id, {key for group in groups for key in group.keys})
    if _add_missing(business_id, groups, known):
        known = _known(business_id, {key for group in groups for key in group.keys})
    _merge_split(business_id, groups, known)
    _update_known(business_id, groups, known)
    return {person: known[person.keys[0]] for group in groups for person in group.people}


@dataclass
class _Group:
    """People of one batch that share identities, which makes them one person."""

    people: list[Person]
    keys: set[Key]

    @property
    def phone(self) -> str | None:
        return next((person.phone for person in self.people if person.phone), None)

    @property
    def push_name(self) -> str:
        return next(
            (name for person in reversed(self.people) if (name := clean_push_name(person.push_name))), ""
        )


def _group(people: Sequence[Person]) -> list[_Group]:
    by_key: dict[Key, _Group] = {}
    for person in people:
        group = _Group([], set())
        for other in {id(found): found for key in person.keys if (found := by_key.get(key))}.values():
            group.people += other.people
            group.keys |= other.keys
        group.people.append(person)
        group.keys.update(person.keys)
        by_key.update(dict.fromkeys(group.keys, group))
    return list({id(group): group for group in by_key.values()}.values())


def _known(business_id: UUID, keys: set[Key]) -> dict[Key, UUID]:
    values: dict[str, list[str]] = defaultdict(list)
    for kind, value in keys:
        values[kind].append(value)
    condition = Q()
    for kind, some in values.items():
        condition |= Q(kind=kind, value__in=some)
    if not condition:
        return {}
    rows = ContactIdentity.objects.filter(condition, business_profile_id=business_id)
    return {
        (kind, value): contact for kind, value, contact in rows.values_list("kind", "value", "contact_id")
    }


def _add_missing(business_id: UUID, groups: list[_Group], known: dict[Key, UUID]) -> bool:
    """Insert missing identities, and contacts for new people.

    Returns False when nothing was missing. Identities go first (their foreign keys are checked at commit): of two
    transactions with the same new person one inserts the row, the other waits and then uses it. Sorted, so that they
    cannot deadlock.
    """
    proposed: dict[Key, UUID] = {}
    fresh: dict[UUID, _Group] = {}
    for group in groups:
        owners = sorted({known[key] for key in group.keys if key in known})
        owner = owners[0] if owners else uuid7()
        if not owners:
            fresh[owner] = group
        proposed.update((key, owner) for key in group.keys if key not in known)
    if not proposed:
        return False
    ContactIdentity.objects.bulk_create(
        [
            ContactIdentity(business_profile_id=business_id, contact_id=owner, kind=kind, value=value)
            for (kind, value), owner in sorted(proposed.items())
        ],
        ignore_conflicts=True,
    )
    _create_contacts(business_id, fresh)
    return True


def _create_contacts(business_id: UUID, fresh: dict[UUID, _Group]) -> None:
    """Create contacts for the identities that this transaction has inserted."""
    if not fresh:
        return
    won: dict[UUID, set[str]] = defaultdict(set)
    for key, kind in ContactIdentity.objects.filter(contact_id__in=fresh).values_list("contact_id", "kind"):
        won[key].add(kind)
    Contact.objects.bulk_create(
        Contact(
            id=key,
            business_profile_id=business_id,
            phone_number=(number := fresh[key].phone if Kind.PHONE in won[key] else None),
            country=phone.country(number),
            push_name=fresh[key].push_name,
        )
        for key in sorted(won)
    )
    publish(*(ContactCreated(business_id=business_id, contact_id=key) for key in sorted(won)))
    consent.apply_suppressions(business_id, sorted(won))


def _merge_split(business_id: UUID, groups: list[_Group], known: dict[Key, UUID]) -> None:
    """Merge the contacts of a person who has several."""
    for group in groups:
        contacts = {known[key] for key in group.keys}
        if len(contacts) > 1:
            winner = merging.merge_all(business_id, contacts)
            known.update(dict.fromkeys(group.keys, winner))


def _update_known(business_id: UUID, groups: list[_Group], known: dict[Key, UUID]) -> None:
    """Update missing numbers and changed push names.

    One read, and a write if anything changed.
    """
    groups_by_contact = {known[next(iter(group.keys))]: group for group in groups}
    changed, numbered = [], []
    for key, number, name in Contact.objects.filter(pk__in=groups_by_contact).values_list(
        "pk", "phone_number", "push_name"
    ):
        group = groups_by_contact[key]
        new = (number or group.phone, group.push_name or name)
        if new != (number, name):
            changed.append((key, *new))
            numbered += [] if number == new[0] else [key]
    if not changed:
        return
    bulk.update_each(
        {"key": "uuid", "number": "text", "name": "text", "country": "text"},
        sorted(((*row, phone.country(row[1])) for row in changed), key=lambda row: row[0]),
        "UPDATE contacts SET phone_number = v.number, push_name = v.name, "
        "country = CASE WHEN v.country = '' THEN contacts.country ELSE v.country END "
        "FROM v WHERE contacts.id = v.key",
    )
    search.index(Contact, [row[0] for row in changed])
    if numbered:
        consent.apply_suppressions(business_id, numbered)
    publish(*(ContactUpdated(business_id=business_id, contact_id=row[0]) for row in changed))


def clean_push_name(text: str) -> str:
    """Clean and shorten the name that a person chose."""
    name = printable(text[:1000])
    return name[: boundary(name, 255)]

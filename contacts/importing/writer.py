"""Write batches of imported people: new ones by COPY, known ones by one UPDATE.

New rows are inserted directly. If somebody else creates the same number at the same time, the unique key of its
identity is violated, the whole batch is rolled back and tried again with the number known. On SQLite the same by
executemany.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.models import BusinessProfile, User
from contacts.importing.people import Person
from contacts.models import Contact, ContactIdentity, ContactImport, ContactTag, ImportedContact
from contacts.search_text import searchable_texts
from contacts.services import consent, tags
from core.clock import now
from core.db import bulk, search
from core.db.search_text import search_text
from core.ids import uuid7

IDENTITY_COLUMNS = ("id", "created_at", "updated_at", "business_profile_id", "contact_id", "kind", "value")
CONTACT_COLUMNS = (
    "id", "phone_number", "name", "email", "country", "metadata", "search_text", "business_profile_id", "created_at",
    "updated_at",
)  # fmt: skip
PHONE = ContactIdentity.Kind.PHONE.value


@dataclass
class Counts:
    """Numbers of rows by result."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    opted_out: int = 0
    """People of the file who opted out, earlier or by the file."""

    def add(self, other: Counts) -> None:
        """Add the counts of another batch."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))


@dataclass(frozen=True)
class Known:
    """The columns of an existing contact that an import needs."""

    pk: UUID
    name: str
    email: str
    metadata: dict[str, Any]
    opted_out: bool


class Writer:
    """Writes the batches of one import."""

    def __init__(self, business: BusinessProfile, actor: User | None, source: ContactImport) -> None:
        self._business = business
        self._actor = actor
        self._source = source
        self._update = source.duplicates == ContactImport.Duplicates.UPDATE
        self._common = source.tag
        self._tag_ids: dict[str, UUID] = {}

    def forget(self) -> None:
        """Clear the cached tags after a rollback."""
        self._tag_ids = {}

    def write(self, people: Sequence[Person]) -> Counts:
        """Write one batch, each number once, inside a transaction.

        Raises IntegrityError if others created the same contacts; try again.
        """
        moment = now()
        self._find_tags(people)
        known = self._known(people)
        new = [person for person in people if person.canonical not in known]
        existing = [(person, known[person.canonical]) for person in people if person.canonical in known]
        contact_ids = {person.canonical: uuid7() for person in new}
        self._insert(new, contact_ids, self._source.began_at or moment)
        changed = self._change(existing, moment) if self._update else set()
        tagged = self._put_tags(new, contact_ids, existing)
        self._remember(changed | tagged, moment)
        counts = Counts(created=len(new), updated=len(changed | tagged))
        counts.unchanged = len(existing) - counts.updated
        counts.opted_out = self._keep_opted_out(people, new, contact_ids, existing)
        return counts

    # -- who is known ------------------------------------------------------------------------------

    def _known(self, people: Sequence[Person]) -> dict[str, Known]:
        values = [person.canonical for person in people]
        rows = ContactIdentity.objects.filter(
            business_profile=self._business, kind=PHONE, value__among=values
        ).values_list(
            "value",
            "contact_id",
            "contact__name",
            "contact__email",
            "contact__metadata",
            "contact__opted_out_at",
        )
        return {
            value: Known(key, name, email, metadata, opted_out is not None)
            for value, key, name, email, metadata, opted_out in rows
        }

    # -- new ones ----------------------------------------------------------------------------------

    def _insert(self, new: Sequence[Person], contact_ids: dict[str, UUID], moment: datetime) -> None:
        """Insert contacts sorted by number, so that concurrent imports cannot deadlock."""
        ordered = sorted(new, key=lambda person: person.canonical)
        identities = (
            (
                uuid7(),
                moment,
                moment,
                self._business.pk,
                contact_ids[person.canonical],
                PHONE,
                person.canonical,
            )
            for person in ordered
        )
        bulk.insert_rows(
            ContactIdentity,
            IDENTITY_COLUMNS,
            identities,
        )
        bulk.insert_rows(
            Contact,
            CONTACT_COLUMNS,
            (
                (
                    contact_ids[person.canonical],
                    person.number,
                    person.name,
                    person.email,
                    person.country,
                    json.dumps(person.fields) if person.fields else "{}",
                    search_text(
                        *searchable_texts(person.name, "", person.number, person.email, person.fields)
                    ),
                    self._business.pk,
                    moment,
                    moment,
                )
                for person in ordered
            ),
        )

    # -- known ones --------------------------------------------------------------------------------

    def _change(self, existing: Sequence[tuple[Person, Known]], moment: datetime) -> set[UUID]:
        """Update known contacts. Empty cells change nothing."""
        rows = []
        for person, known in existing:
            updated = (
                person.name or known.name,
                person.email or known.email,
                {**known.metadata, **person.fields},
            )
            if updated != (known.name, known.email, known.metadata):
                rows.append((known.pk, updated[0], updated[1], json.dumps(updated[2]), moment))
        bulk.update_each(
            {"key": "uuid", "name": "text", "email": "text", "metadata": "jsonb", "moment": "timestamptz"},
            sorted(rows),
            "UPDATE contacts SET name = v.name, email = v.email, metadata = v.metadata, updated_at = v.moment "
            "FROM v WHERE contacts.id = v.key",
        )
        search.index(Contact, [row[0] for row in rows])
        return {row[0] for row in rows}

    # -- what is remembered ------------------------------------------------------------------------

    def _remember(self, changed: set[UUID], moment: datetime) -> None:
        """Store which existing contacts this import changed.

        New ones are known by their created_at.
        """
        if not changed:
            return
        known = ImportedContact.objects.filter(source=self._source, contact_id__in=changed)
        changed -= set(
            known.values_list("contact_id", flat=True)
        )  # by another number, further up in the file
        rows = [(key, self._source.pk, moment) for key in sorted(changed)]
        bulk.insert_rows(ImportedContact, ("contact_id", "source_id", "created_at"), rows)

    # -- tags --------------------------------------------------------------------------------------

    def _find_tags(self, people: Iterable[Person]) -> None:
        """Create missing tags."""
        names = {name.casefold(): name for person in people for name in person.tags}
        if self._common:
            names[self._common.casefold()] = self._common
        missing = [name for key, name in sorted(names.items()) if key not in self._tag_ids]
        if missing:
            created = tags.find_or_create(self._business, self._actor, missing)
            self._tag_ids |= {name.casefold(): tag.pk for name, tag in zip(missing, created, strict=True)}

    def _put_tags(
        self, new: Sequence[Person], contact_ids: dict[str, UUID], existing: Sequence[tuple[Person, Known]]
    ) -> set[UUID]:
        """Tag the people of a batch.

        Everybody with the import's tag, new and updated contacts with the tags of their row. Returns the known contacts
        who got a new tag.
        """
        pairs = {
            (contact_ids[person.canonical], tag) for person in new for tag in self._tags_of(person, True)
        }
        asked = {(known.pk, tag) for person, known in existing for tag in self._tags_of(person, self._update)}
        if asked:
            rows = ContactTag.objects.filter(
                contact_id__in={key for key, _ in asked}, tag_id__in={tag for _, tag in asked}
            )
            asked -= set(rows.values_list("contact_id", "tag_id"))
        if pairs or asked:
            moment = now()
            bulk.insert_rows(
                ContactTag,
                ("contact_id", "tag_id", "created_at"),
                ((key, tag, moment) for key, tag in sorted(pairs | asked)),
            )
        return {key for key, _ in asked}

    def _tags_of(self, person: Person, own: bool) -> list[UUID]:
        names = ([self._common] if self._common else []) + (list(person.tags) if own else [])
        return [self._tag_ids[name.casefold()] for name in names]

    # -- consent -----------------------------------------------------------------------------------

    def _keep_opted_out(
        self,
        people: Sequence[Person],
        new: Sequence[Person],
        contact_ids: dict[str, UUID],
        existing: Sequence[tuple[Person, Known]],
    ) -> int:
        """Keep opt-outs, whatever the file says, and opt out who is marked in the file.

        Returns how many are out.
        """
        before = consent.suppressed(self._business, [person.canonical for person in new]) if new else set()
        if before:
            consent.apply_suppressions(self._business.pk, [contact_ids[number] for number in before])
        keys = {**contact_ids, **{person.canonical: known.pk for person, known in existing}}
        marked = [keys[person.canonical] for person in people if person.opted_out]
        if marked:
            consent.opt_out(
                self._business,
                marked,
                how=consent.How.IMPORT,
                actor=self._actor,
                note=f"Import of {self._source.file_name}",
            )
        out = {contact_ids[number] for number in before} | set(marked)
        return len(out | {known.pk for _, known in existing if known.opted_out})

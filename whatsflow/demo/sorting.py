"""Demo data of contacts: custom fields, tags, countries, e-mail addresses, opt-outs, rules, segments."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from accounts.models import BusinessProfile, User
from contacts.filters.contact_filter import ContactFilter
from contacts.models import ConsentProof, ContactTag, CustomField, Suppression, TagRule
from contacts.services import fields, rules, segments, tags
from core.ids import uuid7
from whatsflow.demo.people import person
from whatsflow.demo.tables import Table

TAGS = (
    ("VIP", 0.04),
    ("Wholesale", 0.03),
    ("Course", 0.12),
    ("Lead", 0.2),
    ("Newsletter", 0.35),
    ("Complaint", 0.01),
)
"""(name, share of the contacts with this tag)."""
COUNTRIES = ("DE", "FR", "NL", "IT", "ES", "GB", "PT", "BR", "IN", "US")
CITIES = ("Hamburg", "Lyon", "Utrecht", "Bologna", "Sevilla", "Leeds", "Porto", "Recife", "Pune", "Boston")
GLAZES = ("Celadon", "Tenmoku", "Ash", "Cobalt")
OPTED_OUT = 0.03


def profile(index: int, until: datetime) -> tuple[str, str, dict[str, Any], datetime | None]:
    """Generate e-mail address, country, custom fields and opt-opted_out_at time of the contact of this index."""
    chance = random.Random(index * 3 + 2)  # noqa: S311 (scenery, not secrets)
    country_index = chance.randrange(len(COUNTRIES))
    metadata: dict[str, Any] = {"city": CITIES[country_index]} if chance.random() < 0.8 else {}
    if chance.random() < 0.4:
        metadata["birthday"] = (
            f"{chance.randrange(1955, 2006)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}"
        )
    if chance.random() < 0.5:
        metadata |= {"points": chance.randrange(0, 500), "glaze": chance.choice(GLAZES)}
    if chance.random() < 0.1:
        metadata["workshop"] = chance.random() < 0.5
    email = f"person{index}@mail.example" if person(index).name and chance.random() < 0.6 else ""
    opted_out_at = until - timedelta(days=chance.random() * 30) if chance.random() < OPTED_OUT else None
    return email, COUNTRIES[country_index], metadata, opted_out_at


def define(business: BusinessProfile, owner: User) -> list[UUID]:
    """Create the fields, tags, rules and segments. Returns the ids of the tags, in the order of TAGS."""
    kind = CustomField.Kind
    fields.create(business, owner, label="City")
    fields.create(business, owner, label="Birthday", kind=kind.DATE)
    fields.create(business, owner, label="Points", kind=kind.NUMBER)
    fields.create(business, owner, label="Glaze", kind=kind.CHOICE, choices=GLAZES)
    fields.create(business, owner, label="Workshop", kind=kind.BOOLEAN)
    created = {name: tags.create(business, owner, name) for name, _ in TAGS}
    rules.create(
        business,
        owner,
        tag=created["Course"],
        kind=TagRule.Kind.KEYWORD,
        keywords=["course", "wheel-throwing"],
    )
    rules.create(business, owner, tag=created["Lead"], kind=TagRule.Kind.NO_ANSWER, days=14)
    best = ContactFilter(tags_any=(created["VIP"].pk, created["Wholesale"].pk), opted_out=False)
    segments.create(business, owner, "Best customers", best)
    german = ContactFilter(country=("DE",), fields=(("points", "gte", 250),))
    segments.create(business, owner, "Germany, 250 points", german)
    return [created[name].pk for name, _ in TAGS]


def contact_tags(
    contact_ids: Sequence[UUID], tag_ids: Sequence[UUID], until: datetime
) -> Iterator[tuple[Any, ...]]:
    """Generate the rows of `contact_tags_table`."""
    for index, contact in enumerate(contact_ids):
        chance = random.Random(index * 5 + 3)  # noqa: S311
        for tag, (_, share) in zip(tag_ids, TAGS, strict=True):
            if chance.random() < share:
                yield (contact, tag, until - timedelta(days=chance.random() * 30))


def proofs(business: UUID, contact_ids: Sequence[UUID], until: datetime) -> Iterator[tuple[Any, ...]]:
    """Generate the rows of `proofs_table`, one for each opt-opted_out_at."""
    for index, contact in enumerate(contact_ids):
        if opted_out_at := profile(index, until)[3]:
            yield (uuid7(), business, contact, "opt_out", "message", "STOP", opted_out_at)


def suppressions(
    identities: Iterator[tuple[Any, ...]], contact_ids: Sequence[UUID], until: datetime
) -> Iterator[tuple[Any, ...]]:
    """Generate the rows of `suppressions_table`: identities of contacts that opted opted_out_at.

    identities: rows of `rows.identities`.
    """
    opted_out_at = {key: at for index, key in enumerate(contact_ids) if (at := profile(index, until)[3])}
    for _, business, contact, kind, value, *_ in identities:
        if contact in opted_out_at:
            yield (uuid7(), business, kind, value, contact, opted_out_at[contact])


def suppressions_table() -> Table:
    return Table(Suppression, ["id", "business_profile_id", "kind", "value", "contact_id", "created_at"])


def contact_tags_table() -> Table:
    return Table(ContactTag, ["contact_id", "tag_id", "created_at"])


def proofs_table() -> Table:
    return Table(
        ConsentProof, ["id", "business_profile_id", "contact_id", "kind", "how", "note", "created_at"]
    )

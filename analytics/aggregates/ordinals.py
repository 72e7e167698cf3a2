"""Ordinals: small numbers of contacts and conversations for use in bitmaps.

Within a business every contact and every conversation that a roll-up meets gets the next ordinal; none is ever reused.
Contacts and conversations have a sequence each: with one for both, bitmaps of either would be twice as long. See
docs/decisions/bitmaps.md.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import orjson
from django.db import connection, transaction
from django.db.models import Exists, Model, OuterRef

from accounts.models import BusinessProfile
from analytics.aggregates import bitmaps
from analytics.aggregates.bitmaps import Bitmap
from analytics.aggregates.day import CountedDay, Day
from analytics.models import StatsClock, StatsNumber
from contacts.models import Contact
from core.db import bulk
from messaging.models import Conversation

Kind = StatsNumber.Kind
MAX_CACHED = 500_000
"""Ordinals that a roll-up of many days keeps in memory, at some 150 bytes each, before it starts afresh."""
_NEXT = {Kind.CONTACT: "next_contact", Kind.CONVERSATION: "next_conversation"}
_MODELS: dict[Kind, type[Model]] = {Kind.CONTACT: Contact, Kind.CONVERSATION: Conversation}


class Ordinals:
    """The ordinals of one business, as one page or one roll-up sees them.

    assign: whether missing ordinals are assigned for good (roll-ups). For a page they are assigned in memory only,
    starting at the first free one, and nothing is written.

    A page reads counted days first and looks up ordinals afterwards, so everybody in a counted day is found with the
    ordinal they have there. Somebody who gets an ordinal between two lookups of a page is in none of the days that it
    has read: they keep the temporary one of the first lookup, and ordinals beyond it are ignored.
    """

    def __init__(self, business_id: UUID, *, assign: bool = False) -> None:
        self._business_id = business_id
        self._assign = assign
        self._known: dict[Kind, dict[bytes, int]] = {kind: {} for kind in Kind}
        self._next: dict[Kind, int] = {}
        self._ceiling: dict[Kind, int] = {}

    def to_days(self, counted: Sequence[CountedDay]) -> list[Day]:
        """Replace the concatenated ids of counted days by bitmaps."""
        active, reached, conversations = (
            [_split(one.active) for one in counted],
            [_split(one.reached) for one in counted],
            [_split(one.conversations) for one in counted],
        )
        contact_ids = set[bytes]().union(*active, *reached)
        self._ensure({Kind.CONTACT: contact_ids, Kind.CONVERSATION: set[bytes]().union(*conversations)})
        for index, one in enumerate(counted):
            one.day.active = self._bitmap(Kind.CONTACT, active[index])
            one.day.reached = self._bitmap(Kind.CONTACT, reached[index])
            one.day.conversations = self._bitmap(Kind.CONVERSATION, conversations[index])
        return [one.day for one in counted]

    def contact_bitmaps(self, groups: Sequence[Iterable[UUID]]) -> list[Bitmap]:
        """Build a bitmap of each group of contacts."""
        return self.bitmaps_of(Kind.CONTACT, groups)

    def bitmaps_of(self, kind: Kind, groups: Sequence[Iterable[UUID]]) -> list[Bitmap]:
        """Build a bitmap of each group of contacts, or of conversations."""
        keys = [[key.bytes for key in group] for group in groups]
        self._ensure({kind: set[bytes]().union(*keys)})
        return [self._bitmap(kind, group) for group in keys]

    def _bitmap(self, kind: Kind, ids: Iterable[bytes]) -> Bitmap:
        known = self._known[kind]
        return bitmaps.from_ordinals(list(map(known.__getitem__, ids)))

    def _ensure(self, ids: dict[Kind, set[bytes]]) -> None:
        """Look up or assign the ordinals of these ids."""
        if self._assign and sum(map(len, self._known.values())) > MAX_CACHED:
            self._known = {kind: {} for kind in Kind}
        missing = {kind: keys.difference(self._known[kind]) for kind, keys in ids.items()}
        if not any(missing.values()):
            return
        self._look_up(missing)
        missing = {kind: keys.difference(self._known[kind]) for kind, keys in missing.items()}
        if self._assign:
            self._assign_stored(missing)
        else:
            self._assign_temporary(missing)

    def _look_up(self, wanted: dict[Kind, set[bytes]]) -> None:
        """Read known and next ordinals by one statement, as of the same moment."""
        ordinals, nexts = _read(self._business_id, set().union(*wanted.values()))
        if not self._ceiling:
            self._ceiling, self._next = dict(nexts), dict(nexts)
        for kind, ids in wanted.items():
            below = ordinals.keys() & ids
            if not self._assign:
                below = {key for key in below if ordinals[key] < self._ceiling[kind]}
            self._known[kind].update(zip(below, map(ordinals.__getitem__, below), strict=True))

    def _assign_temporary(self, missing: dict[Kind, set[bytes]]) -> None:
        for kind, ids in missing.items():
            for key in ids:
                self._known[kind][key] = self._next[kind]
                self._next[kind] += 1

    def _assign_stored(self, missing: dict[Kind, set[bytes]]) -> None:
        """Assign ordinals for good.

        The lock of the clock's row serializes concurrent roll-ups.
        """
        if not any(missing.values()):
            return
        with transaction.atomic():
            clock = StatsClock.objects.select_for_update(no_key=True).get(
                business_profile_id=self._business_id
            )
            self._look_up(missing)
            for kind, ids in missing.items():
                new = sorted(ids.difference(self._known[kind]))
                begin = getattr(clock, _NEXT[kind])
                assigned = dict(zip(new, range(begin, begin + len(new)), strict=True))
                _insert(self._business_id, kind, assigned)
                setattr(clock, _NEXT[kind], begin + len(new))
                self._known[kind].update(assigned)
            clock.save(update_fields=[*_NEXT.values()])


def contacts_in(business_id: UUID, bitmaps_by_name: Mapping[str, Bitmap]) -> dict[UUID, str]:
    """Return the existing contacts of disjoint bitmaps, with the bitmap's name."""
    names = {
        ordinal: name for name, bitmap in bitmaps_by_name.items() for ordinal in bitmaps.to_ordinals(bitmap)
    }
    rows = StatsNumber.objects.filter(business_profile_id=business_id, kind=Kind.CONTACT)
    return {key: names[ordinal] for key, ordinal in rows.values_list("id", "number") if ordinal in names}


def prune_ordinals(business: BusinessProfile) -> int:
    """Delete the ordinals of deleted contacts and conversations; returns how many.

    Safe at any time: the triggers mark their days to be counted again, and no ordinal is reused until then.
    """
    rows = StatsNumber.objects.filter(business_profile=business)
    return sum(
        rows.filter(~Exists(model._base_manager.filter(pk=OuterRef("pk"))), kind=kind).delete()[0]
        for kind, model in _MODELS.items()
    )


def _split(ids: bytes) -> tuple[bytes, ...]:
    return struct.unpack("16s" * (len(ids) // 16), ids)


# -- SQL of the two databases ------------------------------------------------------------------------------------------

_POSTGRES = """
SELECT c.next_contact, c.next_conversation, (
    SELECT STRING_AGG(uuid_send(w.id) || int4send(n.number), ''::bytea) FROM unnest(%s::uuid[]) AS w(id)
    CROSS JOIN LATERAL (SELECT number FROM stats_numbers WHERE id = w.id LIMIT 1) AS n)
FROM stats_clocks AS c WHERE c.business_profile_id = %s
"""
"""LIMIT makes PostgreSQL use the index of the key: a scan of the table takes ten times as long for a day."""
_SQLITE = """
SELECT c.next_contact, c.next_conversation, (
    SELECT json_group_object(n.id, n.number) FROM json_each(%s) AS w JOIN stats_numbers AS n ON n.id = w.value)
FROM stats_clocks AS c WHERE c.business_profile_id = %s
"""


def _read(business_id: UUID, ids: Iterable[bytes]) -> tuple[dict[bytes, int], dict[Kind, int]]:
    """Return the known ordinals of these ids, and the next ordinal of each kind."""
    ordered = sorted(ids)  # for locality in the index
    if connection.vendor == "postgresql":
        rows = bulk.fetch_prepared(_POSTGRES, [[UUID(bytes=key) for key in ordered], business_id])
    else:
        rows = bulk.fetch(_SQLITE, [orjson.dumps([key.hex() for key in ordered]).decode(), business_id])
    if not rows:
        return {}, dict.fromkeys(Kind, 0)
    next_contact, next_conversation, found = rows[0]
    ordinals: dict[bytes, int]
    if isinstance(found, str):
        ordinals = {bytes.fromhex(key): number for key, number in orjson.loads(found).items()}
    else:
        ordinals = dict(struct.iter_unpack(">16si", found or b""))
    return ordinals, {Kind.CONTACT: next_contact, Kind.CONVERSATION: next_conversation}


def _insert(business_id: UUID, kind: Kind, assigned: dict[bytes, int]) -> None:
    if assigned:
        rows = ((UUID(bytes=key), business_id, kind.value, ordinal) for key, ordinal in assigned.items())
        bulk.insert_rows(StatsNumber, ("id", "business_profile_id", "kind", "number"), rows)

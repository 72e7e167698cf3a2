"""Small numbers for contacts and conversations, so that sets of them are bitmaps (docs/decisions/bitmaps.md).

Within a business every contact and every conversation that a roll-up meets gets a number, one after the other and
never one that somebody had before. Contacts and conversations are numbered apart: together, bitmaps of either would be
twice as long.
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
from analytics.aggregates.day import Counted, Day
from analytics.models import StatsClock, StatsNumber
from contacts.models import Contact
from core.db import bulk
from messaging.models import Conversation

Kind = StatsNumber.Kind
REMEMBERED = 500_000
"""Numbers that a roll-up of many days keeps in memory, at some 150 bytes each, before it asks for them again."""
_NEXT = {Kind.CONTACT: "next_contact", Kind.CONVERSATION: "next_conversation"}
_MODELS: dict[Kind, type[Model]] = {Kind.CONTACT: Contact, Kind.CONVERSATION: Conversation}


class Numbers:
    """The numbers of one business, as one page or one roll-up sees them.

    assign: whether who has none gets one for good (roll-ups). For a page they get one that only this object knows, from
    those that nobody has yet, and nothing is written.

    A page reads counted days first and asks for numbers afterwards. So whoever is in a counted day is found with the
    number they have there. Somebody who gets one between the two questions that a page asks is in none of the days
    that it read: they stay with what the first answer made of them, and numbers beyond those of the first answer are
    nobody's.
    """

    def __init__(self, business_id: UUID, *, assign: bool = False) -> None:
        self._business_id = business_id
        self._assign = assign
        self._known: dict[Kind, dict[bytes, int]] = {kind: {} for kind in Kind}
        self._next: dict[Kind, int] = {}
        self._ceiling: dict[Kind, int] = {}

    def number(self, counted: Sequence[Counted]) -> list[Day]:
        """These days with their sets."""
        active, reached, talks = (
            [_split(one.active) for one in counted],
            [_split(one.reached) for one in counted],
            [_split(one.conversations) for one in counted],
        )
        self._learn({Kind.CONTACT: set().union(*active, *reached), Kind.CONVERSATION: set().union(*talks)})
        for one, wrote, sent_to, talked in zip(counted, active, reached, talks, strict=True):
            one.day.active = self._set(Kind.CONTACT, wrote)
            one.day.reached = self._set(Kind.CONTACT, sent_to)
            one.day.conversations = self._set(Kind.CONVERSATION, talked)
        return [one.day for one in counted]

    def sets(self, kind: Kind, groups: Sequence[Iterable[UUID]]) -> list[int]:
        """Each group of contacts, or of conversations, as a set."""
        keys = [[key.bytes for key in group] for group in groups]
        self._learn({kind: set().union(*keys)})
        return [self._set(kind, group) for group in keys]

    def _set(self, kind: Kind, ids: Iterable[bytes]) -> int:
        known = self._known[kind]
        return bitmaps.of(list(map(known.__getitem__, ids)))

    def _learn(self, wanted: dict[Kind, set[bytes]]) -> None:
        """See that each of these ids has a number."""
        if self._assign and sum(map(len, self._known.values())) > REMEMBERED:
            self._known = {kind: {} for kind in Kind}
        missing = {kind: ids.difference(self._known[kind]) for kind, ids in wanted.items()}
        if not any(missing.values()):
            return
        self._look_up(missing)
        missing = {kind: ids.difference(self._known[kind]) for kind, ids in missing.items()}
        if self._assign:
            self._give(missing)
        else:
            self._lend(missing)

    def _look_up(self, wanted: dict[Kind, set[bytes]]) -> None:
        """One statement, so that the numbers and the next ones are of the same moment."""
        numbers, nexts = _read(self._business_id, set().union(*wanted.values()))
        if not self._ceiling:
            self._ceiling, self._next = dict(nexts), dict(nexts)
        for kind, ids in wanted.items():
            below = numbers.keys() & ids
            if not self._assign:
                below = {key for key in below if numbers[key] < self._ceiling[kind]}
            self._known[kind].update(zip(below, map(numbers.__getitem__, below), strict=True))

    def _lend(self, wanted: dict[Kind, set[bytes]]) -> None:
        for kind, ids in wanted.items():
            for key in ids:
                self._known[kind][key] = self._next[kind]
                self._next[kind] += 1

    def _give(self, wanted: dict[Kind, set[bytes]]) -> None:
        """Numbers for good. Whoever gives some waits for the others at the clock's row, and looks what they gave."""
        if not any(wanted.values()):
            return
        with transaction.atomic():
            clock = StatsClock.objects.select_for_update(no_key=True).get(
                business_profile_id=self._business_id
            )
            self._look_up(wanted)
            for kind, ids in wanted.items():
                new = sorted(ids.difference(self._known[kind]))
                begin = getattr(clock, _NEXT[kind])
                given = dict(zip(new, range(begin, begin + len(new)), strict=True))
                _insert(self._business_id, kind, given)
                setattr(clock, _NEXT[kind], begin + len(new))
                self._known[kind].update(given)
            clock.save(update_fields=[*_NEXT.values()])


def named(business_id: UUID, sets: Mapping[str, int]) -> dict[UUID, str]:
    """The contacts of some sets, each with the name of its set, as far as there is still a row for their number."""
    names = {number: name for name, bitmap in sets.items() for number in bitmaps.numbers(bitmap)}
    rows = StatsNumber.objects.filter(business_profile_id=business_id, kind=Kind.CONTACT)
    return {key: names[number] for key, number in rows.values_list("id", "number") if number in names}


def prune(business: BusinessProfile) -> int:
    """Remove the rows of contacts and conversations that are gone; returns how many.

    At any time: their days are counted anew, and until then hold numbers that nobody else gets.
    """
    rows = StatsNumber.objects.filter(business_profile=business)
    return sum(
        rows.filter(~Exists(model._base_manager.filter(pk=OuterRef("pk"))), kind=kind).delete()[0]
        for kind, model in _MODELS.items()
    )


def _split(ids: bytes) -> tuple[bytes, ...]:
    return struct.unpack("16s" * (len(ids) // 16), ids)


# -- how the two databases say it ------------------------------------------------------------------------------------

_POSTGRES = """
SELECT c.next_contact, c.next_conversation, (
    SELECT STRING_AGG(uuid_send(w.id) || int4send(n.number), ''::bytea) FROM unnest(%s::uuid[]) AS w(id)
    CROSS JOIN LATERAL (SELECT number FROM stats_numbers WHERE id = w.id LIMIT 1) AS n)
FROM stats_clocks AS c WHERE c.business_profile_id = %s
"""
"""LIMIT keeps PostgreSQL to the key's index: who reads the whole table instead takes ten times as long for a day."""
_SQLITE = """
SELECT c.next_contact, c.next_conversation, (
    SELECT json_group_object(n.id, n.number) FROM json_each(%s) AS w JOIN stats_numbers AS n ON n.id = w.value)
FROM stats_clocks AS c WHERE c.business_profile_id = %s
"""


def _read(business_id: UUID, ids: Iterable[bytes]) -> tuple[dict[bytes, int], dict[Kind, int]]:
    """The numbers of those ids that have one, and the next ones of each kind."""
    ordered = sorted(ids)  # neighbours are on one page of the index
    if connection.vendor == "postgresql":
        rows = bulk.fetch_prepared(_POSTGRES, [[UUID(bytes=key) for key in ordered], business_id])
    else:
        rows = bulk.fetch(_SQLITE, [orjson.dumps([key.hex() for key in ordered]).decode(), business_id])
    if not rows:
        return {}, dict.fromkeys(Kind, 0)
    next_contact, next_conversation, found = rows[0]
    numbers: dict[bytes, int]
    if isinstance(found, str):
        numbers = {bytes.fromhex(key): number for key, number in orjson.loads(found).items()}
    else:
        numbers = dict(struct.iter_unpack(">16si", found or b""))
    return numbers, {Kind.CONTACT: next_contact, Kind.CONVERSATION: next_conversation}


def _insert(business_id: UUID, kind: Kind, given: dict[bytes, int]) -> None:
    if given:
        rows = ((UUID(bytes=key), business_id, kind.value, number) for key, number in given.items())
        bulk.insert_rows(StatsNumber, ("id", "business_profile_id", "kind", "number"), rows)

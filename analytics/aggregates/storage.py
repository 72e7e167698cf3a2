"""Days in their tables: `Day` objects written and read."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson
from django.db.models import BinaryField, Value

from analytics.aggregates import bitmaps
from analytics.aggregates.day import Day, Tally, Work
from analytics.models import DailyAgentStats, DailyMessageStats, DailyStats
from core.db import bulk

SECONDS = "I"
"""Unsigned numbers of 32 bits; 136 years."""


def write(business_id: UUID, days: Sequence[Day]) -> None:
    """Replace what the tables say of these days' messages and work. Call in the transaction that makes them `done`."""
    where = {"business_profile_id": business_id, "date__in": [day.date for day in days]}
    for model in (DailyMessageStats, DailyAgentStats):  # nothing refers to their rows
        rows: Any = model._default_manager.filter(**where)
        bulk.delete_rows(rows)
    bulk.insert_rows(DailyMessageStats, _MESSAGES, _messages(business_id, days))
    bulk.insert_rows(DailyAgentStats, _WORK, _work(business_id, days))


_MESSAGES = (
    *("business_profile_id", "date", "connection_id", "direction", "message_type"),
    *("messages", "sent", "delivered", "read", "failed"),
)
_WORK = ("business_profile_id", "date", "user_id", "sent", "closed", "answer_seconds", "resolution_seconds")


def write_done(business_id: UUID, days: Sequence[Day], moment: datetime) -> None:
    """The days' own rows, which are there: what was counted, and that they are `done`."""
    rows = [
        (day.date, business_id, moment, *map(columns(day).__getitem__, _TYPES))
        for day in sorted(days, key=lambda day: day.date)
    ]
    bulk.update_each(_DONE_COLUMNS, rows, _DONE)


_TYPES = {
    "messages_sent": "integer",
    "messages_received": "integer",
    "new_contacts": "integer",
    "active_contacts": "integer",
    "conversations": "integer",
    "opt_outs": "integer",
    "received_by_hour": "jsonb",
    "sent_by_hour": "jsonb",
    "active_set": "bytea",
    "reached_set": "bytea",
    "conversation_set": "bytea",
}
_DONE_COLUMNS = {"day": "date", "business": "uuid", "moment": "timestamptz", **_TYPES}
_DONE = f"""
UPDATE daily_stats AS s SET state = 'done', counted_at = v.moment, updated_at = v.moment,
    {", ".join(f"{name} = v.{name}" for name in _TYPES)}
FROM v WHERE s.business_profile_id = v.business AND s.date = v.day
"""  # noqa: S608 - put together from the constants above


def columns(day: Day) -> dict[str, Any]:
    """The columns of daily_stats, as they are written."""
    return {
        "messages_sent": day.sent,
        "messages_received": day.received,
        "new_contacts": day.new_contacts,
        "active_contacts": day.active.bit_count(),
        "conversations": day.conversations.bit_count(),
        "opt_outs": day.opt_outs,
        "received_by_hour": orjson.dumps(day.received_by_hour).decode(),
        "sent_by_hour": orjson.dumps(day.sent_by_hour).decode(),
        "active_set": bitmaps.pack(day.active),
        "reached_set": bitmaps.pack(day.reached),
        "conversation_set": bitmaps.pack(day.conversations),
    }


def _messages(business_id: UUID, days: Iterable[Day]) -> Iterator[tuple[Any, ...]]:
    for day in days:
        for (connection_id, direction, kind), one in day.messages.items():
            counts = (one.messages, one.sent, one.delivered, one.read, one.failed)
            yield (business_id, day.date, connection_id, direction, kind, *counts)


def _work(business_id: UUID, days: Iterable[Day]) -> Iterator[tuple[Any, ...]]:
    for day in days:
        for user_id, work in day.work.items():
            seconds = (pack_seconds(work.answers), pack_seconds(work.resolutions))
            yield (business_id, day.date, user_id, work.sent, work.closed, *seconds)


def pack_seconds(seconds: Sequence[int]) -> bytes:
    """Seconds as bytes, little-endian."""
    packed = array(SECONDS, seconds)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def unpack_seconds(packed: bytes | memoryview) -> Sequence[int]:
    """The reverse."""
    numbers = array(SECONDS)
    numbers.frombytes(packed)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def read(
    business_id: UUID, first: date, last: date, without: Collection[date], reached: bool = True
) -> tuple[dict[date, Day], set[date]]:
    """What is counted of the dates from `first` to `last`, except `without`; and the dates whose row is not done.

    reached: whether the days are to hold that set.
    """
    where = {"business_profile_id": business_id, "date__range": (first, last)}
    found, undone = _days(where, without, reached)
    kinds = ("date", "connection_id", "direction", "message_type")
    counts = ("messages", "sent", "delivered", "read", "failed")
    for when, connection_id, direction, kind, *tally in DailyMessageStats.objects.filter(**where).values_list(
        *kinds, *counts
    ):
        if when in found:
            found[when].messages[connection_id, direction, kind] = Tally(*tally)
    work = ("date", "user_id", "sent", "closed", "answer_seconds", "resolution_seconds")
    for when, user_id, sent, closed, answers, resolutions in DailyAgentStats.objects.filter(
        **where
    ).values_list(*work):
        if when in found:
            _add_work(
                found[when], user_id, Work(sent, closed, unpack_seconds(answers), unpack_seconds(resolutions))
            )
    return found, undone


def _days(
    where: dict[str, object], without: Collection[date], reached: bool
) -> tuple[dict[date, Day], set[date]]:
    rows = DailyStats.objects.filter(**where).values_list(
        "date",
        "state",
        "received_by_hour",
        "sent_by_hour",
        "active_set",
        "reached_set" if reached else Value(b"", BinaryField()),
        "conversation_set",
        "new_contacts",
        "opt_outs",
    )
    found, undone = {}, set()
    for when, state, received, sent, active, sent_to, talks, *counts in rows:
        if state != DailyStats.State.DONE:
            undone.add(when)
        elif when not in without:
            sets = map(bitmaps.unpack, (active, sent_to, talks))
            found[when] = Day(when, {}, {}, received, sent, *sets, *counts)
    return found, undone


def _add_work(day: Day, user_id: UUID | None, work: Work) -> None:
    """People who left have become nobody: their rows are added up."""
    known = day.worker(user_id)
    known.sent += work.sent
    known.closed += work.closed
    known.answers = sorted([*known.answers, *work.answers]) if known.answers else work.answers
    known.resolutions = (
        sorted([*known.resolutions, *work.resolutions]) if known.resolutions else work.resolutions
    )

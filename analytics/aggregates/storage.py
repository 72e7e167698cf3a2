"""Write and read `Day` objects in the tables of daily aggregates."""

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
from analytics.aggregates.day import AgentWork, Day, Tally
from analytics.models import DailyAgentStats, DailyMessageStats, DailyStats
from core.db import bulk

SECONDS = "I"
"""Array type: unsigned 32 bits, enough for 136 years."""


def write(business_id: UUID, days: Sequence[Day]) -> None:
    """Replace the message and agent rows of these days.

    Call in the transaction that marks them `done`.
    """
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
    """Store the figures in the existing rows of daily_stats and mark them `done`."""
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
    """Return the columns of a row of daily_stats."""
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
    """Serialize durations: unsigned 32 bits each, little-endian."""
    packed = array(SECONDS, seconds)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def unpack_seconds(packed: bytes | memoryview) -> Sequence[int]:
    """Deserialize what `pack_seconds` wrote."""
    numbers = array(SECONDS)
    numbers.frombytes(packed)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def read(
    business_id: UUID, first: date, last: date, without: Collection[date], reached: bool = True
) -> tuple[dict[date, Day], set[date]]:
    """Return the counted days, and the dates whose row is not `done`.

    Dates in `without` are skipped. reached: whether to load `Day.reached`.
    """
    where = {"business_profile_id": business_id, "date__range": (first, last)}
    days, undone = _days(where, without, reached)
    message_columns = ("date", "connection_id", "direction", "message_type")
    counts = ("messages", "sent", "delivered", "read", "failed")
    for when, connection_id, direction, kind, *tally in DailyMessageStats.objects.filter(**where).values_list(
        *message_columns, *counts
    ):
        if when in days:
            days[when].messages[connection_id, direction, kind] = Tally(*tally)
    work_columns = ("date", "user_id", "sent", "closed", "answer_seconds", "resolution_seconds")
    for when, user_id, sent, closed, answers, resolutions in DailyAgentStats.objects.filter(
        **where
    ).values_list(*work_columns):
        if when in days:
            _add_work(
                days[when],
                user_id,
                AgentWork(sent, closed, unpack_seconds(answers), unpack_seconds(resolutions)),
            )
    return days, undone


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
    days, undone = {}, set()
    for when, state, received, sent, active, sent_to, talks, *counts in rows:
        if state != DailyStats.State.DONE:
            undone.add(when)
        elif when not in without:
            sets = map(bitmaps.unpack, (active, sent_to, talks))
            days[when] = Day(when, {}, {}, received, sent, *sets, *counts)
    return days, undone


def _add_work(day: Day, user_id: UUID | None, work: AgentWork) -> None:
    """Add to the work of an agent.

    The rows of former members have no user and are added up.
    """
    known = day.work_of(user_id)
    known.sent += work.sent
    known.closed += work.closed
    known.answers = sorted([*known.answers, *work.answers]) if known.answers else work.answers
    known.resolutions = (
        sorted([*known.resolutions, *work.resolutions]) if known.resolutions else work.resolutions
    )

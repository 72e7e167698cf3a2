"""Days in their tables: `Day` objects written and read."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import BinaryField, Value

from analytics import bitmaps
from analytics.day import Day, Tally, Work
from analytics.models import DailyAgentStats, DailyMessageStats, DailyStats

SECONDS = "I"
"""Unsigned numbers of 32 bits; 136 years."""


def write(business_id: UUID, days: Sequence[Day]) -> None:
    """Replace what the tables say of these days' messages and work. Call in the transaction that makes them `done`."""
    where = {"business_profile_id": business_id, "date__in": [day.date for day in days]}
    for model in (DailyMessageStats, DailyAgentStats):  # nothing refers to their rows
        rows: Any = model._default_manager.filter(**where)
        rows._raw_delete(rows.db)
    DailyMessageStats.objects.bulk_create(_messages(business_id, days), batch_size=1000)
    DailyAgentStats.objects.bulk_create(_work(business_id, days), batch_size=1000)


def columns(day: Day) -> dict[str, Any]:
    """The columns of daily_stats."""
    return {
        "messages_sent": day.sent,
        "messages_received": day.received,
        "new_contacts": day.new_contacts,
        "active_contacts": day.active.bit_count(),
        "conversations": day.conversations.bit_count(),
        "opt_outs": day.opt_outs,
        "received_by_hour": day.received_by_hour,
        "sent_by_hour": day.sent_by_hour,
        "active_set": bitmaps.pack(day.active),
        "reached_set": bitmaps.pack(day.reached),
        "conversation_set": bitmaps.pack(day.conversations),
    }


def _messages(business_id: UUID, days: Iterable[Day]) -> Iterable[DailyMessageStats]:
    for day in days:
        for (connection_id, direction, kind), tally in day.messages.items():
            yield DailyMessageStats(
                business_profile_id=business_id,
                date=day.date,
                connection_id=connection_id,
                direction=direction,
                message_type=kind,
                messages=tally.messages,
                sent=tally.sent,
                delivered=tally.delivered,
                read=tally.read,
                failed=tally.failed,
            )


def _work(business_id: UUID, days: Iterable[Day]) -> Iterable[DailyAgentStats]:
    for day in days:
        for user_id, work in day.work.items():
            yield DailyAgentStats(
                business_profile_id=business_id,
                date=day.date,
                user_id=user_id,
                sent=work.sent,
                closed=work.closed,
                answer_seconds=pack_seconds(work.answers),
                resolution_seconds=pack_seconds(work.resolutions),
            )


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

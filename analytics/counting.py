"""Counts the rows of some dates: the one place that says in SQL what each figure means.

`tests/analytics/naive.py` says it again in plain Python, and random histories hold the two together. Each statement
joins the rows to spans of time that Python made (`localtime`), so no database's idea of a time zone comes in.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection

from analytics import localtime
from analytics.day import Day, Tally, union
from analytics.localtime import Span
from whatsflow.core import bulk

LEFT = "status IN ('sent', 'delivered', 'read', 'played')"
DELIVERED = "status IN ('delivered', 'read', 'played')"
READ = "status IN ('read', 'played')"
ASK = "{m}.direction = 'inbound' AND {m}.message_type <> 'reaction'"
ANSWER = (
    "{m}.direction = 'outbound' AND {m}.message_type <> 'reaction' "
    "AND {m}.origin <> 'campaign' AND NOT {m}.is_from_bot"
)
"""A person answers, or a program that does not call itself a bot; whatever becomes of the message. Reactions neither
ask nor answer, and a broadcast is no answer."""
_WITHIN = "{m}.business_profile_id = %s AND {m}.created_at >= s.begins AND {m}.created_at < s.ends"

_MESSAGES = f"""
SELECT s.n, m.connection_id, m.direction, m.message_type,
    CASE WHEN m.origin <> 'campaign' THEN m.sender_id END, CASE WHEN m.origin <> 'campaign' THEN 1 ELSE 0 END,
    COUNT(*), SUM(CASE WHEN m.{LEFT} THEN 1 ELSE 0 END), SUM(CASE WHEN m.{DELIVERED} THEN 1 ELSE 0 END),
    SUM(CASE WHEN m.{READ} THEN 1 ELSE 0 END), SUM(CASE WHEN m.status = 'failed' THEN 1 ELSE 0 END)
FROM s JOIN messages AS m ON {_WITHIN.format(m="m")}
GROUP BY 1, 2, 3, 4, 5, 6
"""  # noqa: S608 - put together from the constants above
_PEOPLE = f"""
SELECT s.n, {{active}}, {{reached}}, {{talks}}
FROM s JOIN messages AS m ON {_WITHIN.format(m="m")}
GROUP BY 1
"""  # noqa: S608 - put together from the constants above
_ANSWERS = f"""
talk AS (
    SELECT s.n, m.conversation_id, m.created_at, m.id, m.sender_id,
        CASE WHEN m.direction = 'outbound' THEN 1 ELSE 0 END AS answer
    FROM s JOIN messages AS m ON {_WITHIN.format(m="m")} AND (({ASK.format(m="m")}) OR ({ANSWER.format(m="m")}))
), turns AS (
    SELECT talk.*, SUM(answer) OVER (PARTITION BY conversation_id ORDER BY created_at, id) - answer AS turn FROM talk
), waits AS (
    SELECT turns.*, MIN(CASE WHEN answer = 0 THEN created_at END) OVER (PARTITION BY conversation_id, turn) AS asked
    FROM turns
), firsts AS MATERIALIZED (
    SELECT waits.*, COALESCE((
        SELECT p.created_at FROM messages AS p
        WHERE p.conversation_id = waits.conversation_id AND p.created_at < %s AND {ANSWER.format(m="p")}
        ORDER BY p.created_at DESC, p.id DESC LIMIT 1), %s) AS since
    FROM waits WHERE answer = 1 AND turn = 0
), answers AS (
    SELECT n, sender_id, created_at, asked FROM waits WHERE answer = 1 AND turn > 0
    UNION ALL
    SELECT n, sender_id, created_at, COALESCE((
        SELECT k.created_at FROM messages AS k
        WHERE k.conversation_id = f.conversation_id AND k.created_at < %s AND k.created_at >= f.since
            AND {ASK.format(m="k")} AND NOT EXISTS (
                SELECT 1 FROM messages AS p WHERE p.conversation_id = f.conversation_id AND p.created_at = k.created_at
                    AND p.id > k.id AND {ANSWER.format(m="p")})
        ORDER BY k.created_at LIMIT 1), asked)
    FROM firsts AS f
)
SELECT n, sender_id, {{seconds}} FROM answers WHERE asked IS NOT NULL GROUP BY 1, 2
"""  # noqa: S608 - put together from the constants above
"""A turn is what a customer wrote since the last answer, up to the next. The first turn of a conversation may have
begun before these dates: then the last answer before them is looked up, and the first question after it."""
_CLOSINGS = f"""
SELECT s.n, e.actor_id, COUNT(*), {{seconds}}
FROM s JOIN conversation_events AS e ON {_WITHIN.format(m="e")} AND e.kind = 'closed'
GROUP BY 1, 2
"""  # noqa: S608 - put together from the constants above
_NEW = f"SELECT s.n, COUNT(*) FROM s JOIN contacts AS c ON {_WITHIN.format(m='c')} GROUP BY 1"  # noqa: S608

LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


def count(business_id: UUID, zone: ZoneInfo, first: date, last: date) -> list[Day]:
    """Every date from `first` to `last` in `zone`, counted from the rows; a handful of statements, however many."""
    found = {moment: Day(moment) for moment in localtime.dates(first, last)}
    hours = localtime.hours(zone, first, last)
    whole = localtime.days(zone, first, last)
    if whole:
        _count_messages(business_id, hours, found)
        _count_people(business_id, whole, found)
        _count_answers(business_id, whole, found)
        _count_closings(business_id, whole, found)
        for row in _rows(_NEW, whole, [business_id]):
            found[whole[row[0]].date].new_contacts += row[1]
    return list(found.values())


def _count_messages(business_id: UUID, hours: Sequence[Span], found: dict[date, Day]) -> None:
    for n, connection_id, direction, kind, sender, personal, total, *course in _rows(
        _MESSAGES, hours, [business_id]
    ):
        span = hours[n]
        day = found[span.date]
        sent, delivered, read, failed = map(int, course)
        ours = direction == "outbound"
        tally = Tally(total, sent, delivered, read, failed) if ours else Tally(total)
        day.messages.setdefault((bulk.as_uuid(connection_id), direction, kind), Tally()).add(tally)
        if ours:
            day.sent_by_hour[span.hour] += sent
            if personal and sent:
                day.worker(bulk.as_uuid(sender) if sender else None).sent += sent
        else:
            day.received_by_hour[span.hour] += total


def _count_people(business_id: UUID, whole: Sequence[Span], found: dict[date, Day]) -> None:
    statement = _PEOPLE.format(
        active=_id_set("m.contact_id", "m.direction = 'inbound'"),
        reached=_id_set("m.contact_id", f"m.direction = 'outbound' AND m.{LEFT}"),
        talks=_id_set("m.conversation_id", "m.origin <> 'campaign'"),
    )
    for n, active, reached, talks in _rows(statement, whole, [business_id]):
        day = found[whole[n].date]
        day.active = _together(day.active, active)
        day.reached = _together(day.reached, reached)
        day.conversations = _together(day.conversations, talks)


def _count_answers(business_id: UUID, whole: Sequence[Span], found: dict[date, Day]) -> None:
    begin = whole[0].begins
    statement = _ANSWERS.format(seconds=_numbers(_seconds("created_at", "asked")))
    for n, sender, seconds in _rows(statement, whole, [business_id, begin, LONG_AGO, begin], more=True):
        work = found[whole[n].date].worker(bulk.as_uuid(sender) if sender else None)
        work.answers = sorted(work.answers + _list(seconds))


def _count_closings(business_id: UUID, whole: Sequence[Span], found: dict[date, Day]) -> None:
    statement = _CLOSINGS.format(seconds=_numbers(_seconds("e.created_at", "e.begun_at")))
    for n, actor, total, seconds in _rows(statement, whole, [business_id]):
        work = found[whole[n].date].worker(bulk.as_uuid(actor) if actor else None)
        work.closed += total
        work.resolutions = sorted(work.resolutions + _list(seconds))


# -- how the two databases say it ------------------------------------------------------------------------------------


def _rows(
    statement: str, spans: Sequence[Span], parameters: list[Any], *, more: bool = False
) -> list[tuple[Any, ...]]:
    """What `statement` finds, with the spans as the table s(n, begins, ends). more: further tables follow."""
    columns = [list(range(len(spans))), [span.begins for span in spans], [span.ends for span in spans]]
    if connection.vendor == "postgresql":
        table = "SELECT * FROM unnest(%s::int[], %s::timestamptz[], %s::timestamptz[])"
        given: list[Any] = columns
    else:
        table = "VALUES " + ", ".join(["(%s, %s, %s)"] * len(spans))
        given = [cell for row in zip(*columns, strict=True) for cell in row]
    separator = "," if more else ""
    return bulk.fetch(f"WITH s(n, begins, ends) AS ({table}){separator} {statement}", [*given, *parameters])


def _id_set(column: str, condition: str) -> str:
    """Different ids of the rows that meet the condition, as `_together` reads them."""
    if connection.vendor == "postgresql":
        return f"STRING_AGG(DISTINCT uuid_send({column}), ''::bytea) FILTER (WHERE {condition})"
    return f"GROUP_CONCAT(DISTINCT CASE WHEN {condition} THEN {column} END)"


def _together(packed: bytes, found: bytes | memoryview | str | None) -> bytes:
    """A packed set with what `_id_set` found added."""
    if not found:
        return packed
    if isinstance(found, str):
        return b"".join(sorted(union((packed, bytes.fromhex(found.replace(",", ""))))))
    return b"".join(sorted(union((packed, bytes(found))))) if packed else bytes(found)


def _seconds(later: str, earlier: str) -> str:
    """Whole seconds of the clock from one column to the other."""
    if connection.vendor == "postgresql":
        return f"(FLOOR(EXTRACT(EPOCH FROM {later})) - FLOOR(EXTRACT(EPOCH FROM {earlier})))::int"
    return f"(strftime('%%s', substr({later}, 1, 19)) - strftime('%%s', substr({earlier}, 1, 19)))"


def _numbers(column: str) -> str:
    """The numbers of a group, without NULL, as `_list` reads them."""
    if connection.vendor == "postgresql":
        return f"ARRAY_AGG({column}) FILTER (WHERE {column} IS NOT NULL)"
    return f"GROUP_CONCAT({column})"


def _list(numbers: list[int] | str | None) -> list[int]:
    if not numbers:
        return []
    return [int(one) for one in numbers.split(",")] if isinstance(numbers, str) else numbers

"""SQL that counts the rows of dates: the definition of each figure.

`tests/analytics/naive.py` defines it again in plain Python, and tests compare the two on random histories. Each
statement assigns rows to spans of UTC made by Python (`local_days`), so the database's time zones do not matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from analytics.aggregates import local_days
from analytics.aggregates.day import CountedDay, Day, Tally
from analytics.aggregates.local_days import Span
from core.db import bulk

LEFT = "status IN ('sent', 'delivered', 'read', 'played')"
TALLY_BY_STATUS = {
    "sent": Tally(1, 1),
    "delivered": Tally(1, 1, 1),
    "read": Tally(1, 1, 1, 1),
    "played": Tally(1, 1, 1, 1),
    "failed": Tally(1, failed=1),
}
"""What one outbound message adds, by its status."""
_UNSENT = Tally(1)
"""What an outbound message that has not left, or an inbound one, adds."""
ASK = "{m}.direction = 'inbound' AND {m}.message_type <> 'reaction'"
ANSWER = (
    "{m}.direction = 'outbound' AND {m}.message_type <> 'reaction' "
    "AND {m}.origin <> 'campaign' AND NOT {m}.is_from_bot"
)
"""Answers are messages by agents, or by programs that are not marked as bots, whatever their status. Reactions are
neither questions nor answers, and campaign messages are no answers."""

_MESSAGES = """
SELECT m.n, m.connection_id, m.direction, m.message_type, m.status,
    CASE WHEN m.origin <> 'campaign' THEN m.sender_id END, CASE WHEN m.origin <> 'campaign' THEN 1 ELSE 0 END, COUNT(*)
FROM {source} AS m
GROUP BY 1, 2, 3, 4, 5, 6, 7
"""
_PEOPLE = f"""
SELECT t.n, {{active}}, {{reached}}, {{talks}} FROM (
    SELECT m.n, m.contact_id, m.conversation_id, MAX(CASE WHEN m.direction = 'inbound' THEN 1 ELSE 0 END) AS active,
        MAX(CASE WHEN m.direction = 'outbound' AND m.{LEFT} THEN 1 ELSE 0 END) AS reached,
        MAX(CASE WHEN m.origin <> 'campaign' THEN 1 ELSE 0 END) AS talks
    FROM {{source}} AS m GROUP BY 1, 2, 3) AS t
GROUP BY 1
"""  # noqa: S608 - put together from the constants above
_ANSWERS = f"""
WITH talk AS (
    SELECT m.n, m.conversation_id, m.created_at, m.id, m.sender_id,
        CASE WHEN m.direction = 'outbound' THEN 1 ELSE 0 END AS answer
    FROM {{source}} AS m WHERE ({ASK.format(m="m")}) OR ({ANSWER.format(m="m")})
), turns AS (
    SELECT talk.*, SUM(answer) OVER backwards AS turn,
        MIN(CASE WHEN answer = 1 THEN created_at END) OVER backwards AS answered,
        CASE WHEN LEAD(answer) OVER backwards IS NULL THEN 1 ELSE 0 END AS earliest
    FROM talk
    WINDOW backwards AS (PARTITION BY conversation_id ORDER BY created_at DESC, id DESC ROWS UNBOUNDED PRECEDING)
), waits AS (
    SELECT conversation_id, MIN(answered) AS answered, MAX(earliest) AS earliest,
        MAX(CASE WHEN answer = 1 THEN n END) AS n, MAX(CASE WHEN answer = 1 THEN CAST(sender_id AS text) END) AS sender,
        MIN(CASE WHEN answer = 0 AND created_at >= {{horizon}} THEN created_at END) AS asked
    FROM turns WHERE turn > 0 GROUP BY conversation_id, turn
), ends AS (
    SELECT waits.*, {{horizon}} AS horizon FROM waits
), firsts AS (
    SELECT ends.*, earliest = 1 AND horizon < %s AS first FROM ends
), begun AS MATERIALIZED (
    SELECT firsts.*, CASE WHEN EXISTS (
        SELECT 1 FROM messages AS e
        WHERE e.conversation_id = firsts.conversation_id AND e.created_at < %s AND e.created_at >= firsts.horizon
    ) THEN 1 ELSE 0 END AS before FROM firsts WHERE first
), opened AS MATERIALIZED (
    SELECT begun.*, COALESCE((
        SELECT p.created_at FROM messages AS p
        WHERE p.conversation_id = begun.conversation_id AND p.created_at < %s AND p.created_at >= begun.horizon
            AND {ANSWER.format(m="p")}
        ORDER BY p.created_at DESC, p.id DESC LIMIT 1), horizon) AS since
    FROM begun WHERE before = 1
), answers AS MATERIALIZED (
    SELECT n, sender, answered, asked FROM firsts WHERE NOT first AND asked IS NOT NULL
    UNION ALL
    SELECT n, sender, answered, asked FROM begun WHERE before = 0 AND asked IS NOT NULL
    UNION ALL
    SELECT n, sender, answered, COALESCE((
        SELECT k.created_at FROM messages AS k
        WHERE k.conversation_id = o.conversation_id AND k.created_at < %s AND k.created_at >= o.since
            AND {ASK.format(m="k")} AND NOT EXISTS (
                SELECT 1 FROM messages AS p WHERE p.conversation_id = o.conversation_id AND p.created_at = k.created_at
                    AND p.id > k.id AND {ANSWER.format(m="p")})
        ORDER BY k.created_at LIMIT 1), asked)
    FROM opened AS o
)
SELECT n, sender, {{seconds}} FROM answers WHERE asked IS NOT NULL GROUP BY 1, 2
"""  # noqa: S608 - put together from the constants above
"""A turn is what a customer wrote between two answers. Turns are numbered from the latest answer backwards; turn 0 is
still unanswered. The earliest turn of a conversation may have begun before these dates: if its answer came early
enough, the statement looks for messages before them, then for the last answer there and the first question after it.
Questions older than GIVEN_UP_DAYS count as unanswered: somebody who gets a message a month after a last "thanks" did
not wait for it."""
_CLOSINGS = """
SELECT e.n, 'closed', e.actor_id, COUNT(*), {seconds} FROM {source} AS e WHERE e.kind = 'closed' GROUP BY 1, 3
"""
_NEW = "SELECT c.n, 'new', {nobody}, COUNT(*), {nothing} FROM {source} AS c GROUP BY 1"
_OPT_OUTS = """
SELECT p.n, 'opt_out', {nobody}, COUNT(*), {nothing} FROM {source} AS p
WHERE p.kind = 'opt_out' AND p.how NOT IN ('merge', 'suppression') GROUP BY 1
"""
"""Opt-outs that a merge or a known number carries over are not new."""

GIVEN_UP_DAYS = 7
FEW = 7
"""Dates whose rows are few enough to be sorted in PostgreSQL's default work_mem."""


def count(business_id: UUID, zone: ZoneInfo, first: date, last: date) -> list[CountedDay]:
    """Count every date from `first` to `last` in `zone` from the rows.

    A fixed number of statements.
    """
    counted = {when: CountedDay(Day(when)) for when in local_days.dates(first, last)}
    days = {when: one.day for when, one in counted.items()}
    hours, whole = (_without_gaps(spans(zone, first, last)) for spans in (local_days.hours, local_days.days))
    if not whole:
        return list(counted.values())
    with transaction.atomic():
        if connection.vendor == "postgresql" and len(days) > FEW:
            bulk.fetch("SET LOCAL work_mem TO '32MB'", [])  # sort in memory
        _count_messages(_Rows(business_id, hours), days)
        whole_days = _Rows(business_id, whole)
        _count_people(whole_days, counted)
        _count_answers(whole_days, days)
        _count_others(whole_days, days)
    return list(counted.values())


GAP = date.min
"""Date of a span that is not asked for."""


def _without_gaps(spans: Sequence[Span]) -> list[Span]:
    """Fill gaps between spans by spans of the date GAP.

    Gaps occur where a date comes twice.
    """
    filled: list[Span] = []
    for span in spans:
        if filled and filled[-1].ends != span.begins:
            filled.append(Span(GAP, 0, filled[-1].ends, span.begins))
        filled.append(span)
    return filled


def _count_messages(rows: _Rows, days: dict[date, Day]) -> None:
    for span, connection_id, direction, kind, status, sender, personal, total in rows.fetch(
        "messages", _MESSAGES
    ):
        day = days[span.date]
        ours = direction == "outbound"
        tally = TALLY_BY_STATUS.get(status, _UNSENT) if ours else _UNSENT
        day.messages.setdefault((bulk.as_uuid(connection_id), direction, kind), Tally()).add(
            tally.times(total)
        )
        if not ours:
            day.received_by_hour[span.hour] += total
        elif tally.sent:
            day.sent_by_hour[span.hour] += total
            if personal:
                day.work_of(bulk.as_uuid(sender) if sender else None).sent += total


def _count_people(rows: _Rows, counted: dict[date, CountedDay]) -> None:
    sets = {
        "active": _id_list("t.contact_id", "t.active = 1"),
        "reached": _id_list("t.contact_id", "t.reached = 1"),
        "talks": _id_list("t.conversation_id", "t.talks = 1"),
    }
    for span, active, reached, talks in rows.fetch("messages", _PEOPLE, **sets):
        day = counted[span.date]
        day.active += _ids(active)
        day.reached += _ids(reached)
        day.conversations += _ids(talks)


def _count_answers(rows: _Rows, days: dict[date, Day]) -> None:
    placeholders = {
        "seconds": _int_list(_seconds("answered", "asked"), "asked"),
        "horizon": _horizon("answered"),
    }
    more = [rows.begins] * 4
    for span, sender, seconds in rows.fetch("messages", _ANSWERS, *more, **placeholders):
        work = days[span.date].work_of(bulk.as_uuid(sender) if sender else None)
        work.answers = sorted([*work.answers, *_ints(seconds)])


def _count_others(rows: _Rows, days: dict[date, Day]) -> None:
    """Count closings, new contacts and opt-outs by one statement."""
    placeholders = {
        "seconds": _int_list(_seconds("e.created_at", "e.begun_at"), "e.begun_at"),
        **_NOTHING[connection.vendor],
    }
    parts = {"conversation_events": _CLOSINGS, "contacts": _NEW, "contact_consents": _OPT_OUTS}
    for span, kind, actor, total, seconds in rows.fetch_all(parts, **placeholders):
        day = days[span.date]
        if kind == "new":
            day.new_contacts += total
        elif kind == "opt_out":
            day.opt_outs += total
        else:
            work = day.work_of(bulk.as_uuid(actor) if actor else None)
            work.closed += total
            work.resolutions = sorted([*work.resolutions, *_ints(seconds)])


# -- SQL of the two databases ---------------------------------------------------------------------------------------


class _Rows:
    """The rows of a business within some spans, each with the index n of its span.

    PostgreSQL finds n by binary search in a sorted array: a join to a table of spans would compare every row with every
    span. SQLite has no such function, and scans its index once a span.
    """

    def __init__(self, business_id: UUID, spans: Sequence[Span]) -> None:
        self._business_id = business_id
        self._spans = spans
        self.begins, self.ends = spans[0].begins, spans[-1].ends

    def fetch(self, table: str, statement: str, *more: Any, **words: str) -> Iterator[tuple[Any, ...]]:
        """Run `statement` and yield its rows, with the span in place of n.

        {source} in it stands for the rows of `table`. more: its own parameters.
        """
        return self.fetch_all({table: statement}, *more, **words)

    def fetch_all(self, parts: Mapping[str, str], *more: Any, **words: str) -> Iterator[tuple[Any, ...]]:
        """Run statements of equal columns, each on its own table, as one UNION ALL."""
        texts, parameters = [], []
        for table, statement in parts.items():
            source, given = (
                self._postgres(table) if connection.vendor == "postgresql" else self._sqlite(table)
            )
            texts.append(statement.format(source=source, **words))
            parameters += given
        for n, *found in bulk.fetch(" UNION ALL ".join(texts), [*parameters, *more]):
            if self._spans[n].date != GAP:
                yield self._spans[n], *found

    def _postgres(self, table: str) -> tuple[str, list[Any]]:
        begins = [span.begins for span in self._spans]
        source = (
            f"(SELECT width_bucket(t.created_at, %s::timestamptz[]) - 1 AS n, t.* FROM {table} AS t "  # noqa: S608
            "WHERE t.business_profile_id = %s AND t.created_at >= %s AND t.created_at < %s)"
        )
        return source, [begins, self._business_id, self.begins, self.ends]

    def _sqlite(self, table: str) -> tuple[str, list[Any]]:
        places = ", ".join(["(%s, %s, %s)"] * len(self._spans))
        source = (
            f"(WITH s(n, begins, ends) AS (VALUES {places}) SELECT s.n, t.* FROM s CROSS JOIN {table} AS t "  # noqa: S608
            "ON t.business_profile_id = %s AND t.created_at >= s.begins AND t.created_at < s.ends)"
        )
        given = [cell for n, span in enumerate(self._spans) for cell in (n, span.begins, span.ends)]
        return source, [*given, self._business_id]


def _id_list(column: str, condition: str) -> str:
    """Return the SQL that aggregates ids of matching rows, for `_ids`."""
    if connection.vendor == "postgresql":
        return f"STRING_AGG(uuid_send({column}), ''::bytea) FILTER (WHERE {condition})"
    return f"GROUP_CONCAT(CASE WHEN {condition} THEN {column} END)"


def _ids(found: bytes | memoryview | str | None) -> bytes:
    """Parse the result of `_id_list`: 16 bytes for each id."""
    return bytes.fromhex(found.replace(",", "")) if isinstance(found, str) else bytes(found or b"")


def _seconds(later: str, earlier: str) -> str:
    """Return the SQL of the whole seconds from one column to another.

    PostgreSQL's EXTRACT calculates in decimals: no more exact here, and several times as slow.
    """
    if connection.vendor == "postgresql":
        return f"(FLOOR(date_part('epoch', {later})) - FLOOR(date_part('epoch', {earlier})))::int"
    return f"(strftime('%%s', substr({later}, 1, 19)) - strftime('%%s', substr({earlier}, 1, 19)))"


def _horizon(column: str) -> str:
    """Return the SQL of GIVEN_UP_DAYS days of 24 hours before a column."""
    if connection.vendor == "postgresql":
        return f"{column} - interval '{GIVEN_UP_DAYS * 24} hours'"
    return f"datetime(substr({column}, 1, 19), '-{GIVEN_UP_DAYS} days') || substr({column}, 20)"


_NOTHING = {
    "postgresql": {"nobody": "NULL::uuid", "nothing": "NULL::int[]"},
    "sqlite": {"nobody": "NULL", "nothing": "NULL"},
}
"""NULL columns of the types of the other statements."""


def _int_list(column: str, not_null: str) -> str:
    """Return the SQL that aggregates integers where `not_null` is set, for `_ints`."""
    if connection.vendor == "postgresql":
        return f"ARRAY_AGG({column}) FILTER (WHERE {not_null} IS NOT NULL)"
    return f"GROUP_CONCAT({column})"


def _ints(found: list[int] | str | None) -> list[int]:
    """Parse the result of `_int_list`."""
    if not found:
        return []
    return [int(one) for one in found.split(",")] if isinstance(found, str) else found

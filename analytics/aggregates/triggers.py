"""Database triggers that mark the hours in which something changes late.

Whatever writes to a message (a receipt's raw UPDATE, a merge, a cascade, an import by COPY) changes the figures of its
date, and no list of services would stay complete. Rows younger than YOUNG_HOURS need no mark: their date is counted
only once it has been over for longer (rollup.GRACE), and until then pages count it from the rows. The conditions are
tested before a trigger's function is called, so live traffic costs next to nothing.

The waiting time of an answer depends on what came before it in its conversation, so a late change also marks the next
answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

from django.db import connection

YOUNG_HOURS = 3
MESSAGE_COLUMNS = (
    "contact_id",
    "conversation_id",
    "connection_id",
    "direction",
    "message_type",
    "status",
    "origin",
    "is_from_bot",
    "sender_id",
    "created_at",
)
"""Columns on which the figures of a message's date depend."""
TURN_COLUMNS = ("conversation_id", "direction", "message_type", "origin", "is_from_bot", "created_at")
"""Columns on which the waiting time of the next answer depends."""
SIMPLE_TABLES = {
    "contacts": ("created_at",),
    "contact_consents": ("kind", "how", "created_at"),
    "conversation_events": ("kind", "actor_id", "begun_at", "created_at"),
}
"""Tables whose rows count on the date of `created_at` alone, with the columns that matter."""
_ANSWER = "direction = 'outbound' AND message_type <> 'reaction' AND origin <> 'campaign' AND NOT is_from_bot"


def install_triggers() -> None:
    """Create missing triggers and drop outdated ones.

    No-op while a table is missing: some migrations stop half way.
    """
    if not {"messages", "stats_marks", *SIMPLE_TABLES} <= set(connection.introspection.table_names()):
        return
    wanted = dict(_postgres() if connection.vendor == "postgresql" else _sqlite())
    with connection.cursor() as cursor:
        existing = _existing(cursor)
        for name in existing.keys() - wanted.keys():
            cursor.execute(f"DROP TRIGGER {name}{existing[name]}")
        for name, statement in wanted.items():
            if name not in existing:
                cursor.execute(statement)


def _existing(cursor: Any) -> dict[str, str]:
    """Return the names of our triggers with what DROP TRIGGER needs after them."""
    if connection.vendor == "postgresql":
        cursor.execute(
            "SELECT tgname, ' ON ' || tgrelid::regclass FROM pg_trigger WHERE NOT tgisinternal "
            "AND starts_with(tgname, 'stats_mark_')"
        )
    else:
        cursor.execute(
            "SELECT name, '' FROM sqlite_master WHERE type = 'trigger' AND substr(name, 1, 11) = 'stats_mark_'"
        )
    return dict(cursor.fetchall())


def _named(prefix: str, body: str, statement: str) -> tuple[str, str]:
    """Name a trigger by the digest of its definition.

    `{name}` stands for the name in the statement.
    """
    digest = hashlib.sha256((body + statement).encode()).hexdigest()[:8]
    name = f"stats_mark_{prefix}_{digest}"
    return name, body + statement.replace("{name}", name)


def _differs(columns: tuple[str, ...], operator: str) -> str:
    return "(" + " OR ".join(f"OLD.{column} {operator} NEW.{column}" for column in columns) + ")"


# -- PostgreSQL ------------------------------------------------------------------------------------------------------

_OLD_ENOUGH = f"{{row}}.created_at < statement_timestamp() - interval '{YOUNG_HOURS} hours'"
_WANTED = "current_setting('whatsflow.unmarked', true) IS DISTINCT FROM 'on'"
"""Bulk loads may leave the marks out, and have everything counted again (rollup.reset)."""
_FUNCTIONS = f"""
CREATE OR REPLACE FUNCTION stats_mark(business uuid, at timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    whole timestamptz := date_trunc('hour', at, 'UTC');
BEGIN
    PERFORM 1 FROM stats_marks AS k
    WHERE k.business_profile_id = business AND k.hour = whole AND k.xmin = pg_current_xact_id()::xid;
    IF NOT FOUND THEN
        INSERT INTO stats_marks (business_profile_id, hour) VALUES (business, whole);
    END IF;
END $$;
CREATE OR REPLACE FUNCTION stats_mark_next_answer(business uuid, talk uuid, at timestamptz)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    answered timestamptz;
BEGIN
    SELECT created_at INTO answered FROM messages
    WHERE conversation_id = talk AND created_at > at AND {_ANSWER} ORDER BY created_at, id LIMIT 1;
    IF FOUND THEN
        PERFORM stats_mark(business, answered);
    END IF;
END $$;
CREATE OR REPLACE FUNCTION stats_mark_message() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM stats_mark(NEW.business_profile_id, NEW.created_at);
    IF TG_OP = 'INSERT' THEN
        PERFORM stats_mark_next_answer(NEW.business_profile_id, NEW.conversation_id, NEW.created_at);
    ELSE
        IF OLD.created_at <> NEW.created_at THEN
            PERFORM stats_mark(OLD.business_profile_id, OLD.created_at);
        END IF;
        IF {_differs(TURN_COLUMNS, "<>")} THEN
            PERFORM stats_mark_next_answer(OLD.business_profile_id, OLD.conversation_id, OLD.created_at);
            PERFORM stats_mark_next_answer(NEW.business_profile_id, NEW.conversation_id, NEW.created_at);
        END IF;
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION stats_mark_messages_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO stats_marks (business_profile_id, hour)
    SELECT DISTINCT business_profile_id, date_trunc('hour', created_at, 'UTC') FROM gone
    WHERE {_OLD_ENOUGH.format(row="gone")}
    UNION
    SELECT DISTINCT m.business_profile_id, date_trunc('hour', m.created_at, 'UTC')
    FROM (SELECT conversation_id, MIN(created_at) AS since FROM gone GROUP BY conversation_id) AS g
    JOIN messages AS m ON m.conversation_id = g.conversation_id AND m.created_at > g.since
    WHERE {_OLD_ENOUGH.format(row="m")};
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION stats_mark_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN PERFORM stats_mark(OLD.business_profile_id, OLD.created_at); END IF;
    IF TG_OP <> 'DELETE' THEN PERFORM stats_mark(NEW.business_profile_id, NEW.created_at); END IF;
    RETURN NULL;
END $$;
"""  # noqa: S608 - put together from the constants above
"""One mark for each transaction and hour; xmin identifies the transaction's own rows. Marks of other transactions do
not help: a roll-up may have seen those, and not yet what this transaction changes."""


def _postgres() -> Iterator[tuple[str, str]]:
    old = f"{_OLD_ENOUGH.format(row='OLD')} AND {_WANTED}"
    new = f"{_OLD_ENOUGH.format(row='NEW')} AND {_WANTED}"
    differs = _differs(MESSAGE_COLUMNS, "IS DISTINCT FROM")
    yield _named(
        "messages_insert",
        _FUNCTIONS,
        f"CREATE TRIGGER {{name}} AFTER INSERT ON messages FOR EACH ROW WHEN ({new}) "
        "EXECUTE FUNCTION stats_mark_message()",
    )
    yield _named(
        "messages_update",
        _FUNCTIONS,
        f"CREATE TRIGGER {{name}} AFTER UPDATE OF {', '.join(MESSAGE_COLUMNS)} ON messages FOR EACH ROW "
        f"WHEN ((({old}) OR ({new})) AND {differs}) EXECUTE FUNCTION stats_mark_message()",
    )
    yield _named(
        "messages_delete",
        _FUNCTIONS,
        "CREATE TRIGGER {name} AFTER DELETE ON messages REFERENCING OLD TABLE AS gone FOR EACH STATEMENT "
        "EXECUTE FUNCTION stats_mark_messages_gone()",
    )
    for table, columns in SIMPLE_TABLES.items():
        events = {
            "insert": ("INSERT", new),
            "delete": ("DELETE", old),
            "update": (
                f"UPDATE OF {', '.join(columns)}",
                f"(({old}) OR ({new})) AND {_differs(columns, 'IS DISTINCT FROM')}",
            ),
        }
        for event, (when, condition) in events.items():
            yield _named(
                f"{table}_{event}",
                _FUNCTIONS,
                f"CREATE TRIGGER {{name}} AFTER {when} ON {table} FOR EACH ROW WHEN ({condition}) "
                "EXECUTE FUNCTION stats_mark_row()",
            )


# -- SQLite ----------------------------------------------------------------------------------------------------------

_SQLITE_OLD = f"{{row}}.created_at < strftime('%Y-%m-%d %H:%M:%S', 'now', '-{YOUNG_HOURS} hours')"
_SQLITE_MARK = """
    INSERT INTO stats_marks (business_profile_id, hour)
    SELECT {row}.business_profile_id, substr({row}.created_at, 1, 13) || ':00:00' WHERE NOT EXISTS (
        SELECT 1 FROM stats_marks AS k WHERE k.business_profile_id = {row}.business_profile_id
            AND k.hour = substr({row}.created_at, 1, 13) || ':00:00');"""
_SQLITE_NEXT = f"""
    INSERT INTO stats_marks (business_profile_id, hour)
    SELECT {{row}}.business_profile_id, substr(n.created_at, 1, 13) || ':00:00' FROM (
        SELECT created_at FROM messages WHERE conversation_id = {{row}}.conversation_id
            AND created_at > {{row}}.created_at AND {_ANSWER}
        ORDER BY created_at, id LIMIT 1) AS n
    WHERE {{condition}} AND NOT EXISTS (
        SELECT 1 FROM stats_marks AS k WHERE k.business_profile_id = {{row}}.business_profile_id
            AND k.hour = substr(n.created_at, 1, 13) || ':00:00');"""  # noqa: S608 - put together from the constants above


def _sqlite() -> Iterator[tuple[str, str]]:
    """Yield the triggers for SQLite.

    SQLite has one writer at a time: an existing mark has not been handled yet, so one an hour is enough.
    """
    yield _sqlite_trigger("messages", "insert", MESSAGE_COLUMNS, _SQLITE_NEXT.format(row="NEW", condition=1))
    turned = _differs(TURN_COLUMNS, "IS NOT")
    yield _sqlite_trigger(
        "messages",
        "update",
        MESSAGE_COLUMNS,
        "".join(_SQLITE_NEXT.format(row=row, condition=turned) for row in ("OLD", "NEW")),
    )
    yield _sqlite_trigger("messages", "delete", MESSAGE_COLUMNS, _SQLITE_NEXT.format(row="OLD", condition=1))
    for table, columns in SIMPLE_TABLES.items():
        for event in ("insert", "update", "delete"):
            yield _sqlite_trigger(table, event, columns, "")


def _sqlite_trigger(table: str, event: str, columns: tuple[str, ...], more: str) -> tuple[str, str]:
    rows = {"insert": ("NEW",), "update": ("OLD", "NEW"), "delete": ("OLD",)}[event]
    condition = " OR ".join(_SQLITE_OLD.format(row=row) for row in rows)
    when = event.upper()
    if event == "update":
        when = f"UPDATE OF {', '.join(columns)}"
        condition = f"({condition}) AND {_differs(columns, 'IS NOT')}"
    marks = "".join(_SQLITE_MARK.format(row=row) for row in rows)
    return _named(
        f"{table}_{event}",
        "",
        f"CREATE TRIGGER {{name}} AFTER {when} ON {table} WHEN {condition} BEGIN {marks}{more} END",
    )

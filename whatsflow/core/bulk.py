"""Many rows in one statement, each with its own values, on PostgreSQL and SQLite alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

ROWS_PER_STATEMENT = 1000


def value(raw: Any) -> Any:
    """`raw` as the database takes it in a parameter of raw SQL."""
    if connection.vendor == "postgresql":
        return raw
    if isinstance(raw, UUID):
        return raw.hex
    if isinstance(raw, datetime):
        return connection.ops.adapt_datetimefield_value(raw)
    return raw


def as_uuid(raw: Any) -> UUID:
    """A key as raw SQL returned it."""
    return raw if isinstance(raw, UUID) else UUID(raw)


def fetch(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run one statement and return its rows (none for one that returns nothing)."""
    with connection.cursor() as cursor:
        cursor.execute(sql, [value(parameter) for parameter in parameters])
        return cursor.fetchall() if cursor.description else []


def update_each(
    columns: Mapping[str, str], rows: Iterable[Sequence[Any]], update: str
) -> list[tuple[Any, ...]]:
    """Run `update` with the table `v` of `rows` beside it; returns what it RETURNs.

    columns: names of v's columns with their PostgreSQL types, in the rows' order. update: "UPDATE x SET ... FROM v
    WHERE ..." without parameters. Sort the rows by key where other transactions update the same rows: they then wait
    for each other instead of deadlocking.
    """
    waiting, returned = list(rows), []
    while waiting:
        chunk, waiting = waiting[:ROWS_PER_STATEMENT], waiting[ROWS_PER_STATEMENT:]
        returned += fetch(_with_values(columns, len(chunk)) + update, [cell for row in chunk for cell in row])
    return returned


def _with_values(columns: Mapping[str, str], count: int) -> str:
    """The head of the statement. PostgreSQL takes the columns' types from the casts in the first row."""
    plain = f"({', '.join('%s' for _ in columns)})"
    first = plain
    if connection.vendor == "postgresql":
        first = f"({', '.join(f'%s::{kind}' for kind in columns.values())})"
    return f"WITH v ({', '.join(columns)}) AS (VALUES {', '.join([first] + [plain] * (count - 1))}) "

"""Many rows in one statement, each with its own values, on PostgreSQL and SQLite alike."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import AutoField, Field, Model, QuerySet

from core.db.models import prepared_cursor

ROWS_PER_STATEMENT = 1000
COPIED = 5
"""Rows from which on a COPY is cheaper than an INSERT."""


def fetch_prepared(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """As `fetch`, with parameters that stay apart from the text: for a statement always written alike."""
    with prepared_cursor(connection) as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def value(raw: Any) -> Any:
    """Convert `raw` to a parameter of raw SQL."""
    if connection.vendor == "postgresql":
        return raw
    if isinstance(raw, UUID):
        return raw.hex
    if isinstance(raw, datetime):
        return connection.ops.adapt_datetimefield_value(raw)
    return raw


def as_uuid(raw: Any) -> UUID:
    """Convert a key that raw SQL returned."""
    return raw if isinstance(raw, UUID) else UUID(raw)


def fetch(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run one statement and return its rows (none for one that returns nothing)."""
    with connection.cursor() as cursor:
        cursor.execute(sql, [value(parameter) for parameter in parameters])
        return cursor.fetchall() if cursor.description else []


def insert(rows: Sequence[Model]) -> None:
    """New rows of one model, every field as it is on the object; nothing is read back.

    On PostgreSQL a COPY: Django takes longer to put an INSERT of many columns together than the database to obey.
    """
    if not rows:
        return
    if connection.vendor != "postgresql" or len(rows) < COPIED:
        type(rows[0])._default_manager.bulk_create(rows)
        return
    fields = rows[0]._meta.concrete_fields
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    table = connection.ops.quote_name(rows[0]._meta.db_table)
    cells = attrgetter(*(field.attname for field in fields))
    stamped = [field for field in fields if type(field).pre_save is not Field.pre_save]  # updated_at, files
    statement = f"COPY {table} ({names}) FROM STDIN"
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            for field in stamped:
                field.pre_save(row, add=True)
            copy.write_row(
                [cell if cell is None or type(cell) in _AS_IT_IS else _plain(cell) for cell in cells(row)]
            )


_AS_IT_IS = frozenset({str, bool, int, UUID, datetime, bytes})
"""What COPY takes without a question."""


def insert_rows(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """New rows from tuples, without an object each: COPY on PostgreSQL, executemany on SQLite.

    columns: their names in the database. JSON is given as text. What is not named gets the model's default, the same
    for every row; numbers that the database counts up are left to it.
    """
    rest = [
        field
        for field in model._meta.concrete_fields
        if field.column not in columns and not isinstance(field, AutoField)
    ]
    defaults = tuple(_constant(field) for field in rest)
    table = connection.ops.quote_name(model._meta.db_table)
    names = ", ".join(
        connection.ops.quote_name(name) for name in (*columns, *(str(one.column) for one in rest))
    )
    if connection.vendor == "postgresql":
        statement = f"COPY {table} ({names}) FROM STDIN"
        with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row((*row, *defaults))
        return
    places = ", ".join(["%s"] * (len(columns) + len(rest)))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} ({names}) VALUES ({places})",  # noqa: S608 - names of tables and columns
            [(*(value(cell) for cell in row), *defaults) for row in rows],
        )


def _constant(field: Any) -> Any:
    default = field.get_default()
    return orjson.dumps(default).decode() if isinstance(default, dict | list) else value(default)


def _plain(raw: Any) -> Any:
    """A field's value as COPY takes it: choices by their value, JSON as such."""
    if isinstance(raw, str):
        return str(raw)
    if isinstance(raw, dict | list):
        from psycopg.types.json import Jsonb  # here, because an installation on SQLite need not load it

        return Jsonb(raw)
    return int(raw) if isinstance(raw, int) and not isinstance(raw, bool) else raw


def delete_rows(rows: QuerySet[Any]) -> int:
    """Delete `rows` in one statement, without Django's signals and cascades. Returns their number."""
    meta = rows.model._meta
    try:
        keys, parameters = rows.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return 0
    quote = connection.ops.quote_name
    table, key = quote(meta.db_table), quote(str(meta.pk.column))
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE {key} IN ({keys})", parameters)  # noqa: S608 - names of columns
        return int(cursor.rowcount)


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
        head, parameters = _values(columns, chunk)
        returned += fetch(head + update, parameters)
    return returned


def _values(columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    """The head of the statement and its parameters: on PostgreSQL one array a column, many times faster to send."""
    names = ", ".join(columns)
    if connection.vendor == "postgresql":
        arrays = ", ".join(f"%s::{kind}[]" for kind in columns.values())
        return f"WITH v ({names}) AS (SELECT * FROM unnest({arrays})) ", [  # noqa: S608 - names of columns
            [str(cell) if isinstance(cell, str) else cell for cell in column]
            for column in zip(*rows, strict=True)
        ]
    row = f"({', '.join('%s' for _ in columns)})"
    return f"WITH v ({names}) AS (VALUES {', '.join([row] * len(rows))}) ", [
        cell for row in rows for cell in row
    ]

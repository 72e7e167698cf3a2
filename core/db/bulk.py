"""Bulk statements for PostgreSQL and SQLite: insert, update and delete many rows at once."""

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
COPY_FROM = 5
"""Number of rows from which a COPY is cheaper than an INSERT."""


def fetch_prepared(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run a prepared statement and return its rows. sql: always the same text; see `prepared_cursor`."""
    with prepared_cursor(connection) as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def value(raw: Any) -> Any:
    """Convert a Python value to a parameter of raw SQL."""
    if connection.vendor == "postgresql":
        return raw
    if isinstance(raw, UUID):
        return raw.hex
    if isinstance(raw, datetime):
        return connection.ops.adapt_datetimefield_value(raw)
    return raw


def as_uuid(raw: Any) -> UUID:
    """Convert a key that raw SQL returned: SQLite returns text."""
    return raw if isinstance(raw, UUID) else UUID(raw)


def fetch(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run one statement and return its rows, none for a statement without a result."""
    with connection.cursor() as cursor:
        cursor.execute(sql, [value(parameter) for parameter in parameters])
        return cursor.fetchall() if cursor.description else []


def insert(rows: Sequence[Model]) -> None:
    """Insert new objects of one model; nothing is read back.

    Uses COPY on PostgreSQL: Django takes longer to compose an INSERT of many columns than the database to run it.
    """
    if not rows:
        return
    if connection.vendor != "postgresql" or len(rows) < COPY_FROM:
        type(rows[0])._default_manager.bulk_create(rows)
        return
    fields = rows[0]._meta.concrete_fields
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in fields)
    table = connection.ops.quote_name(rows[0]._meta.db_table)
    cells = attrgetter(*(field.attname for field in fields))
    computed = [field for field in fields if type(field).pre_save is not Field.pre_save]  # updated_at, files
    statement = f"COPY {table} ({names}) FROM STDIN"
    with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            for field in computed:
                field.pre_save(row, add=True)
            copy.write_row(
                [
                    cell if cell is None or type(cell) in _COPY_TYPES else _copy_value(cell)
                    for cell in cells(row)
                ]
            )


_COPY_TYPES = frozenset({str, bool, int, UUID, datetime, bytes})
"""Types that COPY takes without conversion."""


def insert_rows(model: type[Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows from tuples, without model instances: COPY on PostgreSQL, executemany on SQLite.

    columns: database names, in the rows' order; JSON values as text. Other columns get the model's default, the same
    one for every row; automatic keys are left to the database.
    """
    rest = [
        field
        for field in model._meta.concrete_fields
        if field.column not in columns and not isinstance(field, AutoField)
    ]
    defaults = tuple(_default(field) for field in rest)
    table = connection.ops.quote_name(model._meta.db_table)
    names = ", ".join(
        connection.ops.quote_name(name) for name in (*columns, *(str(field.column) for field in rest))
    )
    if connection.vendor == "postgresql":
        statement = f"COPY {table} ({names}) FROM STDIN"
        with connection.wrap_database_errors, connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row((*row, *defaults))
        return
    placeholders = ", ".join(["%s"] * (len(columns) + len(rest)))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} ({names}) VALUES ({placeholders})",  # noqa: S608 - names of tables and columns
            [(*(value(cell) for cell in row), *defaults) for row in rows],
        )


def _default(field: Any) -> Any:
    default = field.get_default()
    return orjson.dumps(default).decode() if isinstance(default, dict | list) else value(default)


def _copy_value(raw: Any) -> Any:
    """Convert a field's value for COPY: choices to their value, containers to JSON."""
    if isinstance(raw, str):
        return str(raw)
    if isinstance(raw, dict | list):
        from psycopg.types.json import Jsonb  # here, because installations on SQLite must not need it

        return Jsonb(raw)
    return int(raw) if isinstance(raw, int) and not isinstance(raw, bool) else raw


def delete_rows(rows: QuerySet[Any]) -> int:
    """Delete `rows` in one statement, without Django's signals and cascades. Returns the number of rows."""
    meta = rows.model._meta
    try:
        keys, parameters = rows.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return 0
    quote = connection.ops.quote_name
    table, key = quote(meta.db_table), ", ".join(quote(str(field.column)) for field in meta.pk_fields)
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE ({key}) IN ({keys})", parameters)  # noqa: S608 - names of columns
        return int(cursor.rowcount)


def update_each(
    columns: Mapping[str, str], rows: Iterable[Sequence[Any]], update: str
) -> list[tuple[Any, ...]]:
    """Update many rows, each with its own values. Returns the rows of `update`'s RETURNING clause.

    columns: name -> PostgreSQL type of the columns of the table `v`, which holds `rows`. update: "UPDATE x SET ...
    FROM v WHERE ..." without parameters. Sort the rows by key where other transactions update the same rows: they then
    wait for each other instead of deadlocking.
    """
    remaining, returned = list(rows), []
    while remaining:
        chunk, remaining = remaining[:ROWS_PER_STATEMENT], remaining[ROWS_PER_STATEMENT:]
        head, parameters = _values(columns, chunk)
        returned += fetch(head + update, parameters)
    return returned


def _values(columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    """Build `v` and its parameters: on PostgreSQL an array a column, far faster to send."""
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

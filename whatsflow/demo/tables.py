"""Bulk loader of one table: COPY on PostgreSQL, executemany on SQLite."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import connection, models, transaction

ROWS_PER_TRANSACTION = 20_000
_FOR_BULK = """
SET CONSTRAINTS ALL IMMEDIATE;
SET LOCAL synchronous_commit = off;
SET LOCAL gin_pending_list_limit = '64MB';
SET LOCAL work_mem = '128MB';
SET LOCAL whatsflow.unmarked = 'on'
"""
"""Foreign keys are checked by statement instead of queued in memory; search indexes merge many rows at once; daily
statistics are not marked for a roll-up, because they are rebuilt at the end."""


class Table:
    """Loader for the given columns of a model; other columns get the model's default."""

    def __init__(self, model: type[models.Model], columns: Sequence[str]) -> None:
        self.model = model
        fields = {field.column: field for field in model._meta.concrete_fields}
        unknown = set(columns) - set(fields)
        if unknown:
            raise ValueError(f"{model.__name__} has no columns {sorted(unknown)}")
        rest = [field for column, field in fields.items() if column not in columns]
        constant = {field.column: _default(field) for field in rest}
        self._constants = tuple(value for value in constant.values() if value is not None)
        self._columns = [*columns, *(column for column, value in constant.items() if value is not None)]

    def fill(self, rows: Iterable[tuple[Any, ...]]) -> Iterator[int]:
        """Write the rows in transactions of ROWS_PER_TRANSACTION. Yields the number of rows after each."""
        remaining = iter(rows)
        while chunk := list(islice(remaining, ROWS_PER_TRANSACTION)):
            with transaction.atomic():
                self._write(chunk)
            yield len(chunk)

    def _write(self, rows: list[tuple[Any, ...]]) -> None:
        table, names = self.model._meta.db_table, ", ".join(f'"{column}"' for column in self._columns)
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(_FOR_BULK)
                with cursor.cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy:
                    for row in rows:
                        copy.write_row(row + self._constants)
                return
            placeholders = ", ".join("?" for _ in self._columns)
            cursor.cursor.connection.executemany(
                f'INSERT INTO "{table}" ({names}) VALUES ({placeholders})',  # noqa: S608 (names of our own columns)
                ([_for_sqlite(value) for value in row + self._constants] for row in rows),
            )


def _default(field: models.Field) -> Any:
    """Return a field's default for COPY; None for a nullable field."""
    default = field.get_default()
    if isinstance(field, models.JSONField):
        return json.dumps(default)
    if default is None and not field.null:
        raise ValueError(f"{field} must be given")
    return default


def _for_sqlite(value: Any) -> Any:
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value

"""Querysets whose SQL is written once a process.

For a short query Django's ORM takes three times as long to write the SQL as the database takes to answer it. Reads that
every page makes are therefore declared once, and only the values they are given change: ids, times, words, numbers.

    _unread = Prepared(lambda business: Conversation.objects.filter(business_profile=business, unread_count__gt=0))
    _unread.rows(business_id)

Everything after the rows is Django's own: converters, models and `.values()`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid4

from django.db import connections
from django.db.models import QuerySet
from django.db.models.sql.compiler import SQLCompiler

from core.db.models import prepared_cursor

R = TypeVar("R")
Given = UUID | datetime | str | int


@dataclass(frozen=True, slots=True)
class _Written:
    """A queryset with its SQL. places: for each parameter the number of the value it takes, None for a constant."""

    queryset: QuerySet[Any, Any]
    compiler: SQLCompiler
    sql: str
    parameters: tuple[Any, ...]
    places: tuple[int | None, ...]

    def filled(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """The parameters with these values."""
        return tuple(
            constant if place is None else values[place]
            for constant, place in zip(self.parameters, self.places, strict=True)
        )


class Prepared(Generic[R]):
    """build: takes some values and gives the queryset; must give the same one, these apart, every time.

    by_key: it finds few rows by a key, whatever the values, so PostgreSQL may keep one plan for all of them. Never for
    a page of a list: the best plan for a conversation of five messages takes a hundred times as long for thousands.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, R]], *, by_key: bool = False) -> None:
        self._build = build
        self._by_key = by_key
        self._written: dict[str, _Written] = {}

    def rows(self, *given: Given) -> list[R]:
        """What the queryset has for these values; one query."""
        written = self._written_for(given)
        connection = connections[written.queryset.db]
        compiler: Any = copy.copy(written.compiler)
        compiler.connection = connection  # connections belong to threads, what was written to all of them
        with prepared_cursor(connection) if self._by_key else connection.cursor() as cursor:
            cursor.execute(written.sql, written.filled(_as_parameters(connection, given)))
            fetched = cursor.fetchall()
        compiler.execute_sql = lambda *_args, **_kwargs: [fetched]
        queryset: Any = written.queryset.all()
        queryset.query.get_compiler = lambda *_args, **_kwargs: compiler
        return list(queryset)

    def first(self, *given: Given) -> R | None:
        """The first row, or None. The queryset says how many it asks for."""
        return next(iter(self.rows(*given)), None)

    def _written_for(self, given: tuple[Given, ...]) -> _Written:
        vendor = connections["default"].vendor
        if vendor not in self._written:
            self._written[vendor] = _write(self._build, tuple(type(value) for value in given))
        return self._written[vendor]


def _write(build: Callable[..., QuerySet[Any, Any]], kinds: tuple[type, ...]) -> _Written:
    """Write the SQL for values that nothing else has, and find out where they went."""
    marks = tuple(_mark(kind, number) for number, kind in enumerate(kinds))
    queryset = build(*marks)
    connection = connections[queryset.db]
    compiler = queryset.query.get_compiler(queryset.db)
    sql, parameters = compiler.as_sql()
    known = _as_parameters(connection, marks)
    places = tuple(known.index(one) if one in known else None for one in parameters)
    if {place for place in places if place is not None} != set(range(len(kinds))):
        raise TypeError("A prepared queryset must use each of its values, and only as they are.")
    return _Written(queryset, compiler, sql, tuple(parameters), places)


def _mark(kind: type, number: int) -> Given:
    """A value that stands nowhere else in the query."""
    if issubclass(kind, datetime):
        return datetime(1001, 1, 1, microsecond=number, tzinfo=UTC)
    if issubclass(kind, int):
        return 1_919_000_000 + number
    return uuid4().hex if issubclass(kind, str) else uuid4()


def _as_parameters(connection: Any, given: tuple[Given, ...]) -> tuple[Any, ...]:
    """The values as the database takes them (see get_db_prep_value of UUIDField and DateTimeField)."""
    native = connection.features.has_native_uuid_field
    return tuple(
        connection.ops.adapt_datetimefield_value(value)
        if isinstance(value, datetime)
        else (value.hex if isinstance(value, UUID) and not native else value)
        for value in given
    )

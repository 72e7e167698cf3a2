"""Querysets whose SQL is compiled once a process.

For a short query Django's ORM takes three times as long to compile the SQL as the database takes to run it. Reads of
every page are therefore declared once, with parameters: ids, times, text, numbers.

    _unread = Prepared(lambda business: Conversation.objects.filter(business_profile=business, unread_count__gt=0))
    _unread.rows(business_id)

Converters, models and `.values()` are Django's own.
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
Argument = UUID | datetime | str | int


@dataclass(frozen=True, slots=True)
class _Compiled:
    """Queryset with its SQL. positions: for each SQL parameter the index of its argument, None for a constant."""

    queryset: QuerySet[Any, Any]
    compiler: SQLCompiler
    sql: str
    parameters: tuple[Any, ...]
    positions: tuple[int | None, ...]

    def parameters_for(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the SQL parameters for these arguments."""
        return tuple(
            constant if position is None else values[position]
            for constant, position in zip(self.parameters, self.positions, strict=True)
        )


class Prepared(Generic[R]):
    """Parameterized queryset.

    build: returns the queryset for some arguments; it must be the same one each time, apart from these values.
    by_key: a lookup of few rows by key, for which PostgreSQL may keep one plan for all values. Never for a page of a
    list: the best plan for a conversation of five messages takes a hundred times as long for thousands.
    """

    def __init__(self, build: Callable[..., QuerySet[Any, R]], *, by_key: bool = False) -> None:
        self._build = build
        self._by_key = by_key
        self._compiled: dict[str, _Compiled] = {}

    def rows(self, *arguments: Argument) -> list[R]:
        """Fetch the rows for these arguments, in one query."""
        compiled = self._compiled_for(arguments)
        connection = connections[compiled.queryset.db]
        compiler: Any = copy.copy(compiled.compiler)
        compiler.connection = connection  # a connection belongs to one thread, the compiled query to all
        with prepared_cursor(connection) if self._by_key else connection.cursor() as cursor:
            cursor.execute(compiled.sql, compiled.parameters_for(_as_parameters(connection, arguments)))
            fetched = cursor.fetchall()
        compiler.execute_sql = lambda *_args, **_kwargs: [fetched]
        queryset: Any = compiled.queryset.all()
        queryset.query.get_compiler = lambda *_args, **_kwargs: compiler
        return list(queryset)

    def first(self, *arguments: Argument) -> R | None:
        """Fetch the first row, None if there is none. `build` sets the LIMIT."""
        return next(iter(self.rows(*arguments)), None)

    def _compiled_for(self, arguments: tuple[Argument, ...]) -> _Compiled:
        vendor = connections["default"].vendor
        if vendor not in self._compiled:
            self._compiled[vendor] = _compile(self._build, tuple(type(value) for value in arguments))
        return self._compiled[vendor]


def _compile(build: Callable[..., QuerySet[Any, Any]], kinds: tuple[type, ...]) -> _Compiled:
    """Compile with unique marker values, and find the positions of these in the SQL parameters."""
    markers = tuple(_marker(kind, number) for number, kind in enumerate(kinds))
    queryset = build(*markers)
    connection = connections[queryset.db]
    compiler = queryset.query.get_compiler(queryset.db)
    sql, parameters = compiler.as_sql()
    marker_parameters = _as_parameters(connection, markers)
    positions = tuple(
        marker_parameters.index(parameter) if parameter in marker_parameters else None
        for parameter in parameters
    )
    if {position for position in positions if position is not None} != set(range(len(kinds))):
        raise TypeError("A prepared queryset must use each of its values, and only as they are.")
    return _Compiled(queryset, compiler, sql, tuple(parameters), positions)


def _marker(kind: type, number: int) -> Argument:
    """Return a marker value that occurs nowhere else in the query."""
    if issubclass(kind, datetime):
        return datetime(1001, 1, 1, microsecond=number, tzinfo=UTC)
    if issubclass(kind, int):
        return 1_919_000_000 + number
    return uuid4().hex if issubclass(kind, str) else uuid4()


def _as_parameters(connection: Any, arguments: tuple[Argument, ...]) -> tuple[Any, ...]:
    """Convert values for the database (as get_db_prep_value of UUIDField and DateTimeField does)."""
    native = connection.features.has_native_uuid_field
    return tuple(
        connection.ops.adapt_datetimefield_value(value)
        if isinstance(value, datetime)
        else (value.hex if isinstance(value, UUID) and not native else value)
        for value in arguments
    )

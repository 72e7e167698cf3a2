"""Querysets whose SQL is written once a process.

For a short query Django's ORM takes three times as long to write the SQL as the database takes to answer it. Reads that
every page makes are therefore declared once, and only their ids change:

    _unread = Prepared(lambda business: Conversation.objects.filter(business_profile=business, unread_count__gt=0))
    _unread.rows(business_id)

Everything after the SQL is Django's own: the cursor, converters, models and `.values()`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid4

from django.db import connections
from django.db.models import QuerySet
from django.db.models.sql.compiler import SQLCompiler

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class _Written:
    """A queryset with its SQL. slots: for each parameter the place of the id that it takes, or None for a constant."""

    queryset: QuerySet[Any, Any]
    compiler: SQLCompiler
    sql: str
    parameters: tuple[Any, ...]
    places: tuple[int | None, ...]

    def filled(self, ids: tuple[Any, ...]) -> tuple[Any, ...]:
        """The parameters with these ids."""
        return tuple(
            constant if place is None else ids[place]
            for constant, place in zip(self.parameters, self.places, strict=True)
        )


class Prepared(Generic[R]):
    """build: takes ids and gives the queryset; must give the same one, ids apart, every time."""

    def __init__(self, build: Callable[..., QuerySet[Any, R]]) -> None:
        self._build = build
        self._written: dict[str, _Written] = {}

    def rows(self, *ids: UUID) -> list[R]:
        """What the queryset has for these ids; one query."""
        written = self._written_for(len(ids))
        connection = connections[written.queryset.db]
        compiler: Any = copy.copy(written.compiler)
        parameters = written.filled(_as_parameters(connection, ids))
        compiler.connection = connection  # connections belong to threads, what was written to all of them
        compiler.as_sql = lambda *_args, **_kwargs: (written.sql, parameters)
        queryset: Any = written.queryset.all()
        queryset.query.get_compiler = lambda *_args, **_kwargs: compiler
        return list(queryset._iterable_class(queryset))

    def first(self, *ids: UUID) -> R | None:
        """The first row, or None. The queryset says how many it asks for."""
        return next(iter(self.rows(*ids)), None)

    def _written_for(self, count: int) -> _Written:
        vendor = connections["default"].vendor
        if vendor not in self._written:
            self._written[vendor] = _write(self._build, count)
        return self._written[vendor]


def _write(build: Callable[..., QuerySet[Any, Any]], count: int) -> _Written:
    """Write the SQL for ids that nothing else has, and find out where they went."""
    marks = tuple(uuid4() for _ in range(count))
    queryset = build(*marks)
    connection = connections[queryset.db]
    compiler = queryset.query.get_compiler(queryset.db)
    sql, parameters = compiler.as_sql()
    known = _as_parameters(connection, marks)
    places = tuple(known.index(one) if one in known else None for one in parameters)
    if {place for place in places if place is not None} != set(range(count)):
        raise TypeError("A prepared queryset must use each of its ids, and only as an id.")
    return _Written(queryset, compiler, sql, tuple(parameters), places)


def _as_parameters(connection: Any, ids: tuple[UUID, ...]) -> tuple[Any, ...]:
    """The ids as the database takes them (see UUIDField.get_db_prep_value)."""
    if connection.features.has_native_uuid_field:
        return ids
    return tuple(one.hex for one in ids)

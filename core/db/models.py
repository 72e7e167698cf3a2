"""Base models, and helpers for the differences between PostgreSQL and SQLite."""

from typing import Any

from django.db import connection, models
from django.db.models.lookups import In

from core.ids import uuid7


def is_postgres() -> bool:
    """Whether the default database is PostgreSQL (else it is SQLite)."""
    return connection.vendor == "postgresql"


def prepared_cursor(connection: Any) -> Any:
    """Open a cursor for frequent statements of constant text, prepared on PostgreSQL (see core.db.postgresql).

    SQLite's driver caches its statements by itself.
    """
    make = getattr(connection, "prepared_cursor", connection.cursor)
    return make()


def commit_lazily() -> None:
    """Let the current transaction commit asynchronously: a crash of the database may lose it.

    For work that is then repeated, because an earlier row still marks it as due.
    """
    if is_postgres():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit TO off")


@models.Field.register_lookup
class Among(In):
    """Lookup `column__among=values`: `column__in` for thousands of values.

    On PostgreSQL the values are one array parameter: a placeholder each costs the driver more than the whole query.
    """

    lookup_name = "among"

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        left, parameters = self.process_lhs(compiler, connection)
        prepare = self.lhs.output_field.get_db_prep_value
        return f"{left} = ANY(%s)", [
            *parameters,
            [prepare(value, connection, prepared=True) for value in self.rhs],
        ]


class UuidModel(models.Model):
    """Base of models with a time-ordered UUID as primary key."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    class Meta:
        abstract = True


class TimestampedModel(UuidModel):
    """Base of models with the times of creation and of the last save."""

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True

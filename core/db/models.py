"""Base models, and the few differences between PostgreSQL and SQLite."""

from typing import Any

from django.db import connection, models
from django.db.models.lookups import In

from core.ids import uuid7


def is_postgres() -> bool:
    """Whether the default database is PostgreSQL (else it is SQLite)."""
    return connection.vendor == "postgresql"


def prepared_cursor(connection: Any) -> Any:
    """A cursor for statements that come often and always written alike (see core.db.postgresql).

    SQLite's driver keeps its statements by itself.
    """
    make = getattr(connection, "prepared_cursor", connection.cursor)
    return make()


def commit_lazily() -> None:
    """The transaction at hand need not reach the disk before its commit returns: for what is simply done again when a
    crash of the database undoes it, because something that was there before still says that it is to be done.
    """
    if is_postgres():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit TO off")


@models.Field.register_lookup
class Among(In):
    """`column__among=values`: `column__in` for thousands of values.

    On PostgreSQL they go as one array: for each placeholder of its own the driver takes longer than the database.
    """

    lookup_name = "among"

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        left, parameters = self.process_lhs(compiler, connection)
        prepare = self.lhs.output_field.get_db_prep_value
        return f"{left} = ANY(%s)", [
            *parameters,
            [prepare(one, connection, prepared=True) for one in self.rhs],
        ]


class UuidModel(models.Model):
    """A table with a time-ordered UUID key."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    class Meta:
        abstract = True


class TimestampedModel(UuidModel):
    """A table that also knows when a row was made and last saved."""

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        abstract = True

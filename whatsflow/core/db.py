"""What every table shares, and the few places where PostgreSQL and SQLite must be told apart."""

from typing import Any

from django.db import connection, models

from whatsflow.core.ids import uuid7


def is_postgres() -> bool:
    """Whether the default database is PostgreSQL (else it is SQLite)."""
    return connection.vendor == "postgresql"


def prepared_cursor(connection: Any) -> Any:
    """A cursor for statements that come often and always written alike (see whatsflow.core.postgresql).

    SQLite's driver keeps its statements by itself.
    """
    make = getattr(connection, "prepared_cursor", connection.cursor)
    return make()


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

"""Database backend (settings: ENGINE), derived from Django's own."""

from __future__ import annotations

import select
from datetime import UTC, datetime
from typing import Any

from django.db.backends.postgresql import base, operations
from django.db.backends.signals import connection_created
from django.utils.asyncio import async_unsafe
from psycopg.types.datetime import TimestamptzLoader


class _UtcLoader(TimestamptzLoader):
    """Fast loader of UTC timestamps: psycopg's regular expression takes 2 µs, and a list page has 200 of them."""

    timezone = UTC  # Django compares it with the connection's time zone

    def load(self, data: Any) -> datetime:
        try:
            moment = datetime.fromisoformat(str(data, "ascii"))
        except ValueError:  # years outside of Python's range: psycopg raises with an explanation
            return super().load(data)
        return moment.astimezone(UTC)


class DatabaseOperations(operations.DatabaseOperations):
    """Operations that can show prepared statements."""

    def last_executed_query(self, cursor: Any, sql: str, params: Any) -> str:
        """Return the statement for logs and tests; that of a prepared one, sent by name, is composed here."""
        if isinstance(cursor, base.ServerBindingCursor):
            return str(self.compose_sql(sql, params))
        return str(super().last_executed_query(cursor, sql, params))


class DatabaseWrapper(base.DatabaseWrapper):
    """Connection without JIT, with cursors for prepared statements."""

    ops_class = DatabaseOperations

    @async_unsafe
    def prepared_cursor(self) -> Any:
        """Open a cursor whose statements are prepared, from their sixth execution on a connection.

        Only for a small number of statements of constant text, with values as parameters. Django's own cursors bind on
        the client. Without `prepare_threshold` in the settings' OPTIONS nothing is prepared.
        """
        self.close_if_health_check_failed()
        self.ensure_connection()
        self.validate_thread_sharing()
        with self.wrap_database_errors:
            cursor: Any = base.ServerBindingCursor(self.connection)  # type: ignore[call-arg]
        return self.make_debug_cursor(cursor) if self.queries_logged else self.make_cursor(cursor)

    def is_usable(self) -> bool:
        """Whether the connection is alive. Queries the server only after an error or unexpected data.

        Django checks before the first query of each request. A closed connection shows in its socket, which is readable
        although no query runs.
        """
        if self.connection is None or self.connection.closed:
            return False
        if self.errors_occurred or _is_readable(self.connection.fileno()):
            return super().is_usable()
        return True


def _configure(connection: Any, **_: Any) -> None:
    """Disable JIT, which costs more than short statements, and register the fast loader of timestamps."""
    if not isinstance(connection, DatabaseWrapper):
        return
    with connection.cursor() as cursor:
        cursor.execute("SET jit TO off")
    if connection.timezone is UTC:
        connection.connection.adapters.register_loader("timestamptz", _UtcLoader)


connection_created.connect(_configure, dispatch_uid="core.db.postgresql")


def _is_readable(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))

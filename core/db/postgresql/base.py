"""The database backend (settings: ENGINE). Everything that is not here is Django's own."""

from __future__ import annotations

import select
from datetime import UTC, datetime
from typing import Any

from django.db.backends.postgresql import base, operations
from django.db.backends.signals import connection_created
from django.utils.asyncio import async_unsafe
from psycopg.types.datetime import TimestamptzLoader


class _UtcLoader(TimestamptzLoader):
    """Times, in UTC. psycopg takes them apart with a regular expression: 2 µs, and a page of a list has two hundred."""

    timezone = UTC  # Django compares it with the connection's

    def load(self, data: Any) -> datetime:
        try:
            moment = datetime.fromisoformat(str(data, "ascii"))
        except ValueError:  # years that Python does not have: psycopg says it in words
            return super().load(data)
        return moment.astimezone(UTC)


class DatabaseOperations(operations.DatabaseOperations):
    """Operations that show statements which the server keeps."""

    def last_executed_query(self, cursor: Any, sql: str, params: Any) -> str:
        """Return the statement for logs and tests: a prepared one is sent by name, so its text is composed here."""
        if isinstance(cursor, base.ServerBindingCursor):
            return str(self.compose_sql(sql, params))
        return str(super().last_executed_query(cursor, sql, params))


class DatabaseWrapper(base.DatabaseWrapper):
    """PostgreSQL as WhatsFlow uses it: nothing compiled, and cursors that prepare their statements."""

    ops_class = DatabaseOperations

    @async_unsafe
    def prepared_cursor(self) -> Any:
        """Open a cursor whose statements PostgreSQL parses and plans once a connection, from their sixth time on.

        Only for statements of which there are few, always written alike, with values as parameters. Django's own
        cursors put the values into the text. Without `prepare_threshold` in the settings' OPTIONS nothing is kept.
        """
        self.close_if_health_check_failed()
        self.ensure_connection()
        self.validate_thread_sharing()
        with self.wrap_database_errors:
            cursor: Any = base.ServerBindingCursor(self.connection)  # type: ignore[call-arg]
        return self.make_debug_cursor(cursor) if self.queries_logged else self.make_cursor(cursor)

    def is_usable(self) -> bool:
        """Whether the connection still stands. Asks the server only when there is a reason to.

        Django asks before the first query of each request. A server that has hung up can be told by its socket: there
        is something to read although nothing was asked.
        """
        if self.connection is None or self.connection.closed:
            return False
        if self.errors_occurred or _has_something_to_read(self.connection.fileno()):
            return super().is_usable()
        return True


def _configure(connection: Any, **_: Any) -> None:
    """Set up a new connection: no JIT, which takes longer than our statements, and the faster loader of times."""
    if not isinstance(connection, DatabaseWrapper):
        return
    with connection.cursor() as cursor:
        cursor.execute("SET jit TO off")
    if connection.timezone is UTC:
        connection.connection.adapters.register_loader("timestamptz", _UtcLoader)


connection_created.connect(_configure, dispatch_uid="core.db.postgresql")


def _has_something_to_read(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))

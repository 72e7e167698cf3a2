"""The backend (settings: ENGINE). Everything that is not here is Django's own."""

from __future__ import annotations

import select
import struct
from datetime import UTC, datetime
from typing import Any

from django.db.backends.postgresql import base, operations
from django.db.backends.postgresql.psycopg_any import BaseTzLoader
from django.utils.asyncio import async_unsafe
from psycopg import adapters
from psycopg.adapt import Dumper
from psycopg.pq import Format

from core.db.packed import PackedIds


class _UtcLoader(BaseTzLoader):
    """Times, in UTC. psycopg takes them apart with a regular expression: 2 µs, and a page of a list has two hundred."""

    timezone = UTC

    def load(self, data: Any) -> datetime:
        try:
            moment = datetime.fromisoformat(str(data, "ascii"))
        except ValueError:  # years that Python does not have: psycopg says it in words
            return super().load(data)  # type: ignore[no-any-return]
        return moment.astimezone(UTC)


class _WrittenIdsDumper(Dumper):
    """As text, for cursors that put parameters into the statement, and for logs of statements."""

    format = Format.TEXT
    oid = adapters.types["uuid"].array_oid

    def dump(self, obj: PackedIds) -> bytes:
        return b"{" + b",".join(key.hex().encode() for key in obj.ids) + b"}"


class _PackedIdsDumper(Dumper):
    """As the server takes an array in binary: dimensions, whether there are NULLs, the elements' type, length, lower
    bound; then each element behind its length (array_recv in PostgreSQL's arrayfuncs.c).
    """

    format = Format.BINARY
    oid = adapters.types["uuid"].array_oid

    def dump(self, obj: PackedIds) -> bytes:
        head = struct.pack(">5i", 1, 0, adapters.types["uuid"].oid, len(obj.ids), 1)
        return head + struct.pack(">i", 16).join([b"", *obj.ids])


class DatabaseOperations(operations.DatabaseOperations):
    """Operations that show statements which the server keeps."""

    def last_executed_query(self, cursor: Any, sql: str, params: Any) -> str:
        """What logs and tests show. What the server keeps is sent by its name: its text is put together here."""
        if isinstance(cursor, base.ServerBindingCursor):
            return str(self.compose_sql(sql, params))
        return str(super().last_executed_query(cursor, sql, params))


class DatabaseWrapper(base.DatabaseWrapper):
    """PostgreSQL as WhatsFlow uses it: nothing compiled, and cursors that prepare their statements."""

    ops_class = DatabaseOperations

    def _configure_connection(self, connection: Any) -> bool:
        """Nothing is compiled: that takes longer than our statements, and a mere guess at their cost would start it."""
        super()._configure_connection(connection)  # type: ignore[misc]
        if self.timezone is UTC:
            connection.adapters.register_loader("timestamptz", _UtcLoader)
        for dumper in (_WrittenIdsDumper, _PackedIdsDumper):  # the last one wins where a cursor can use both
            connection.adapters.register_dumper(PackedIds, dumper)
        connection.execute("SET jit TO off")
        return True

    @async_unsafe
    def prepared_cursor(self) -> Any:
        """A cursor whose statements PostgreSQL parses and plans once a connection, from their sixth time on.

        Only for statements of which there are few, always written alike, with values as parameters. Django's own
        cursors put the values into the text. Without `prepare_threshold` in the settings' OPTIONS nothing is kept.
        """
        self.close_if_health_check_failed()
        self.ensure_connection()
        with self.wrap_database_errors:
            cursor: Any = base.ServerBindingCursor(self.connection)  # type: ignore[call-arg]
            return self._prepare_cursor(cursor)  # type: ignore[attr-defined]

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


def _has_something_to_read(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))

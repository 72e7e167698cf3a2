"""`manage.py flush` that also empties the audit log on SQLite, whose triggers refuse DELETE."""

from __future__ import annotations

from typing import Any

from django.core.management.commands import flush
from django.db import connections, transaction


class Command(flush.Command):
    """Django's flush; on SQLite it drops and recreates the audit log's triggers in one transaction."""

    def handle(self, **options: Any) -> None:
        if options["interactive"] and input("This removes ALL data. Type 'yes' to continue: ") != "yes":
            self.stdout.write("Flush cancelled.")
            return
        _empty_audit_log(options["database"])
        super().handle(**{**options, "interactive": False})


def _empty_audit_log(alias: str) -> None:
    connection = connections[alias]
    if connection.vendor != "sqlite":
        return
    with transaction.atomic(using=alias), connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'audit_log')")
        if not cursor.fetchone()[0]:
            return
        cursor.execute("SELECT EXISTS (SELECT 1 FROM audit_log)")
        if not cursor.fetchone()[0]:
            return
        cursor.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_log'"
        )
        triggers = cursor.fetchall()
        for name, _ in triggers:
            cursor.execute(f'DROP TRIGGER "{name}"')
        cursor.execute("DELETE FROM audit_log")
        for _, statement in triggers:
            cursor.execute(statement)

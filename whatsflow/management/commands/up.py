"""`manage.py up`: run WhatsFlow, as a whole or one role."""

from __future__ import annotations

import socket
import threading
from argparse import ArgumentParser
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection, connections
from django.db.migrations.executor import MigrationExecutor

from core.shutdown import request_stop
from whatsflow.checks import find_errors
from whatsflow.runtime import embedded, ports, supervisor
from whatsflow.runtime.roles import ROLES
from whatsflow.runtime.signals import stop_on_signals, stop_when_parent_ends

READY_SECONDS = 60.0


class Command(BaseCommand):
    """Run WhatsFlow: one process by default, one for each role if REDIS_URL is set."""

    help = "Start WhatsFlow: everything (the default), or one role in the foreground."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the options. `--supervised` and `--fd` are for the supervisor."""
        parser.add_argument("--role", choices=["all", *ROLES], default="all")
        parser.add_argument(
            "--no-migrate", action="store_true", help="Leave the database's tables as they are."
        )
        parser.add_argument("--supervised", action="store_true", help="Stop when standard input ends.")
        parser.add_argument("--fd", type=int, help="Serve this inherited socket instead of PORT.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check the configuration, migrate the database, run."""
        self._check_configuration(options["role"])
        if options["supervised"]:
            stop_when_parent_ends()
        if options["role"] == "all":
            self._start_all(migrate=not options["no_migrate"])
        else:
            inherited = options["fd"]
            ROLES[options["role"]](socket.socket(fileno=inherited) if inherited is not None else None)

    def _check_configuration(self, role: str) -> None:
        problems = find_errors(role)
        if problems:
            lines = [f"- {problem.msg}\n  {problem.hint}" for problem in problems]
            raise CommandError(
                "WhatsFlow does not start, because that would not be safe:\n" + "\n".join(lines)
            )

    def _start_all(self, *, migrate: bool) -> None:
        bound = ports.bind(settings.BIND, settings.PORT)
        if migrate:
            self._migrate()
        if settings.EMBEDDED:
            embedded.run(bound, on_started=self._announce_when_served)
            self.stdout.write("WhatsFlow has stopped.")
            return
        bound.listen(1024)
        supervised = supervisor.Supervisor(supervisor.children(bound.fileno()))
        connections.close_all()
        stop_on_signals()
        supervised.start()
        self._announce_when_served()
        supervised.run()
        self.stdout.write("WhatsFlow has stopped.")

    def _migrate(self) -> None:
        """Migrate, if there are migrations to apply. Raises CommandError."""
        try:
            executor = MigrationExecutor(connection)
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                self.stdout.write("Preparing the database ...")
                call_command("migrate", interactive=False, verbosity=0)
        except OperationalError as error:
            raise CommandError(
                f"The database cannot be used: {str(error).strip()}\n"
                "Check DATABASE_URL, and that the database server runs."
            ) from None
        finally:
            connections.close_all()

    def _announce_when_served(self) -> None:
        threading.Thread(target=self._announce, name="announce", daemon=True).start()

    def _announce(self) -> None:
        address = urlsplit(settings.PUBLIC_URL)
        if not ports.wait_until_served(settings.BIND, settings.PORT, address.netloc, seconds=READY_SECONDS):
            self.stderr.write("WhatsFlow did not answer; the log above says why.")
            request_stop()
            return
        lines = [f"WhatsFlow is ready at {settings.PUBLIC_URL} (press Ctrl-C to stop)"]
        if not settings.EMBEDDED:
            lines.append(
                f"A proxy sends /ws/ to port {settings.PORT} and all else to port {settings.PORT + 1}."
            )
        self.stdout.write("\n".join(lines))
        self.stdout.flush()

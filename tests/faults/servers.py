"""Servers of a test's own, to be killed: PostgreSQL and Redis on free ports, with nothing that anybody else uses."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.db import connection as database

from tests.conftest import missing
from tests.connections.driver_contract import until

QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
PLACES = Path("/usr/lib/postgresql")
QUICK = (
    "fsync=off",
    "full_page_writes=off",
    "unix_socket_directories=",
    "listen_addresses=127.0.0.1",
    "jit=off",
)
"""A crash of the server is no crash of the machine: what was written to the log is there when it starts again."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Redis:
    """A Redis that keeps nothing over a restart, always on the same port."""

    def __init__(self, binary: str, home: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._command = [binary, "--port", str(self.port), "--save", "", "--dir", str(home)]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, **QUIET)  # type: ignore[call-overload]
        until(lambda: answers(self.port), "an answer of Redis")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def redis(home: Path) -> Iterator[Redis]:
    """One that is not started yet. Skips, with words, where redis-server is not installed."""
    binary = shutil.which("redis-server")
    if not binary:
        missing("redis-server is not installed")
    server = Redis(str(binary), home)
    try:
        yield server
    finally:
        server.kill()


class Postgres:
    """A PostgreSQL with a copy of the test's database. Run by the user `postgres`, who must not be root."""

    def __init__(self, programs: Path, home: Path) -> None:
        self._programs, self._home, self.port = programs, home, free_port()
        self._data = home / "data"
        self.name = str(database.settings_dict["NAME"])
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/{self.name}"
        self._as: dict[str, Any] = {}
        if os.geteuid() == 0:
            shutil.chown(home, "postgres")
            self._as = {"user": "postgres", "group": "postgres", "extra_groups": []}

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [self._programs / program, *arguments],
            check=True,
            cwd=self._home,
            timeout=60,
            **self._as,
            **QUIET,
        )

    def create(self) -> None:
        """Make its files, start it, and put in what the test's database holds."""
        self._run(
            "initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync", "-N"
        )
        with (self._data / "postgresql.auto.conf").open("a") as settings:
            settings.writelines(f"{name} = '{value}'\n" for name, value in (one.split("=") for one in QUICK))
            settings.write(f"port = {self.port}\n")
        self.start()
        here = database.settings_dict
        source = (
            f"postgres://{here['USER']}:{here['PASSWORD']}@{here['HOST']}:{here['PORT'] or 5432}/{self.name}"
        )
        dump = subprocess.Popen([self._programs / "pg_dump", source], stdout=subprocess.PIPE)
        target = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres"]
        self._run("createdb", *target, self.name)
        subprocess.run(
            [self._programs / "psql", *target, "-q", self.name],
            stdin=dump.stdout,
            check=True,
            timeout=60,
            **QUIET,
        )
        dump.wait(60)

    def start(self) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-w", "-l", str(self._home / "server.log"), "start")

    def crash(self) -> None:
        """End it without a goodbye to anybody: what it had not written is lost, and it has to recover."""
        self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "stop")

    @property
    def is_running(self) -> bool:
        return (self._data / "postmaster.pid").exists()


@contextmanager
def postgres() -> Iterator[Postgres]:
    """One that runs, and that Django's default connection of this process is turned to meanwhile.

    Skips, with words, where the server's programs are not installed.
    """
    versions = sorted(PLACES.glob("*/bin/initdb"), key=lambda one: int(one.parts[-3]))
    if not versions:
        missing(f"PostgreSQL's server is not installed in {PLACES}")
    home = Path(tempfile.mkdtemp(prefix="whatsflow-postgres-"))
    server = Postgres(versions[-1].parent, home)
    here = {name: database.settings_dict[name] for name in ("HOST", "PORT", "USER", "PASSWORD")}
    try:
        server.create()
        database.close()
        database.settings_dict.update(HOST="127.0.0.1", PORT=server.port, USER="postgres", PASSWORD="")
        yield server
    finally:
        database.close()
        database.settings_dict.update(here)
        if server.is_running:
            server.crash()
        shutil.rmtree(home, ignore_errors=True)

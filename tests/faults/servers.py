"""PostgreSQL and Redis of a test's own, which it may kill: the ones that all tests share it may not.

with Postgres() as postgres, postgres.instead_of(database):   # a copy of the test's database
    postgres.kill()                                           # every process of it, at once
    postgres.start()                                          # recovers from its log
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
from django.db import connections

from tests.conftest import missing

PATIENCE = 60.0
OPTIONS = ("shared_buffers=32MB", "max_connections=60", "fsync=off", "unix_socket_directories=")
"""Processes are killed, not the machine: what was written to a file is there afterwards, with or without fsync."""


def free_port() -> int:
    """A port of loopback at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _until(done: Any, what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {PATIENCE} s")
        time.sleep(0.02)


class Redis:
    """`with Redis() as redis`: runs at `redis.url`, keeps nothing."""

    def __init__(self) -> None:
        self._program = shutil.which("redis-server") or missing("redis-server is not installed")
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Redis:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()

    def start(self) -> None:
        """Run, empty, at the same port as before; returns when it answers."""
        command = [str(self._program), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=tempfile.gettempdir())
        _until(self._answers, "an answer of Redis")

    def kill(self) -> None:
        """SIGKILL."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(10)

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as asked:
            asked.sendall(b"PING\r\n")
            return asked.recv(5) == b"+PONG"
        return False


class Postgres:
    """`with Postgres() as postgres`: runs at `postgres.url`, with a data directory of its own."""

    NAME = "storm"

    def __init__(self) -> None:
        self._programs = _programs()
        self.port = free_port()
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/{self.NAME}"
        self._account = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
        self._home = Path(
            tempfile.mkdtemp(prefix="postgres-")
        )  # pytest's directories are closed to other accounts
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Postgres:
        if self._account:
            shutil.chown(self._home, self._account["user"])
        kept = [
            "-D",
            str(self._data),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-locale",
            "--no-sync",
        ]
        self._run(["initdb", *kept])
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()
        shutil.rmtree(self._home, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self._home / "data"

    def start(self) -> None:
        """Run at the same port as before, recovering first where it was killed; returns when it answers."""
        options = [word for option in OPTIONS for word in ("-c", option)]
        command = [
            str(self._programs / "postgres"),
            "-D",
            str(self._data),
            "-p",
            str(self.port),
            "-h",
            "127.0.0.1",
        ]
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *options], stdout=log, stderr=log, cwd=self._home, **self._account
            )
        _until(self._answers, "an answer of PostgreSQL")

    def kill(self) -> None:
        """SIGKILL, to the server and to every process that works for it; returns when all of them are gone."""
        assert self._process is not None
        every = _children(self._process.pid)
        self._process.kill()
        self._process.wait(10)
        for pid in every:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in every), "the end of PostgreSQL")

    @contextmanager
    def instead_of(self, database: Any) -> Iterator[None]:
        """This process's `database` is a copy of it on this server, in every thread, until the block ends."""
        place = database.settings_dict
        before = {name: place[name] for name in ("HOST", "PORT", "USER", "PASSWORD", "NAME")}
        self._copy(before)
        ours = {
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "USER": "postgres",
            "PASSWORD": "",
            "NAME": self.NAME,
        }
        connections.close_all()
        place.update(ours)
        try:
            yield
        finally:
            connections.close_all()
            place.update(before)

    def _copy(self, place: dict[str, Any]) -> None:
        self._run(["createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", self.NAME])
        from_there = [
            "-h",
            place["HOST"],
            "-p",
            str(place["PORT"] or 5432),
            "-U",
            place["USER"],
            place["NAME"],
        ]
        environment = {**os.environ, "PGPASSWORD": place["PASSWORD"]}
        dump = subprocess.run(
            [str(self._programs / "pg_dump"), *from_there], env=environment, check=True, capture_output=True
        )
        load = [str(self._programs / "psql"), "-q", "-X", "-v", "ON_ERROR_STOP=1", "-d", self.url]
        subprocess.run(load, input=dump.stdout, check=True, capture_output=True)

    def _run(self, command: Sequence[str]) -> None:
        program = [str(self._programs / command[0]), *command[1:]]
        subprocess.run(program, check=True, capture_output=True, cwd=self._home, **self._account)  # type: ignore[call-overload]

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError):
            psycopg.connect(f"postgres://postgres@127.0.0.1:{self.port}/postgres", connect_timeout=2).close()
            return True
        return False


def _programs() -> Path:
    """Where PostgreSQL's own programs are; of several versions the newest."""
    found = [Path(program).resolve().parent for program in [shutil.which("initdb")] if program]
    found += sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True
    )
    if not found:
        missing("PostgreSQL's server programs are not installed")
    return found[0]


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

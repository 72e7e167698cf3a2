"""Runs a reader of this folder on an untrusted file in a child process, few at once on the whole machine.

Input and output are unnamed temporary files: a crash leaves nothing behind. Slots are file locks below WHATSFLOW_HOME,
shared by all processes of the machine. The child inherits its slot, which is therefore free once the child has ended,
even if its parent ended before.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from zlib import crc32

import structlog
from django.conf import settings

from core.decoding.child import READY
from core.errors import DomainError

log = structlog.get_logger(__name__)

MEMORY = 160 * 1024 * 1024
"""Bytes of data of a child; its code takes 10 to 20 MB more."""
CPU_SECONDS = 4
WALL_SECONDS = 20.0
"""Exceeding the CPU time rejects the file; exceeding the wall time (a busy machine) allows a retry."""
SLOTS = 2
"""Concurrent children of each reader on the machine."""
OWNERS = 64
"""Locks for owners, who have one child at a time; owners with the same hash share a lock."""
WAIT_SECONDS = 6.0
_POLL_SECONDS = 0.02
_MAX_RESULT = 8 * 1024 * 1024
_CHILD = str(Path(__file__).with_name("child.py"))


class Busy(DomainError):
    """No free slot, or the machine is overloaded: the file may be valid and can be retried."""

    status = 503

    def __init__(self) -> None:
        super().__init__(
            "decoder_busy", "Too many files are being processed right now. Try again in a moment."
        )


class Refused(Exception):
    """The file cannot be decoded.

    reason: "memory", "time", "broken", or a code of the reader.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Result:
    """Values that a reader returned, and its output file (unnamed, at its start)."""

    values: dict[str, Any]
    file: IO[bytes]

    def __enter__(self) -> Result:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()


def run(
    reader: str,
    source: IO[bytes],
    *,
    owner: object,
    cpu_seconds: int = CPU_SECONDS,
    output_bytes: int = 64 * 1024 * 1024,
    **parameters: Any,
) -> Result:
    """Decode `source` with `reader`, a module of this folder, in a child process.

    owner: id of the file's business, which has one child at a time. parameters: for the reader.
    Raises Refused, Busy, OSError.
    """
    folder = settings.HOME / "decoding"
    folder.mkdir(parents=True, exist_ok=True)
    limits = {
        "parent": os.getpid(),
        "memory_bytes": MEMORY,
        "cpu_seconds": cpu_seconds,
        "wall_seconds": WALL_SECONDS,
        "output_bytes": output_bytes,
        "parameters": parameters,
    }
    out = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - the caller reads it
    try:
        with (
            _slots(folder, reader, owner) as slots,
            tempfile.TemporaryFile(dir=folder) as copy,
            tempfile.TemporaryFile(dir=folder) as answer,
        ):
            source.seek(0)
            shutil.copyfileobj(source, copy)
            copy.seek(0)
            code = _wait(
                subprocess.Popen(  # noqa: S603 - our own program
                    [sys.executable, "-I", _CHILD, reader, json.dumps(limits)],
                    stdin=copy, stdout=out, stderr=answer, pass_fds=slots, env=_environment(), start_new_session=True,
                ),
                WALL_SECONDS,
            )  # fmt: skip
            values = _values(reader, code, answer)
    except BaseException:
        out.close()
        raise
    out.seek(0)
    return Result(values, out)


def _environment() -> dict[str, str]:
    """Return the variables that Python may need to start, and none of the server's secrets."""
    return {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}


def _wait(child: subprocess.Popen[bytes], seconds: float) -> int:
    try:
        return child.wait(seconds)
    except subprocess.TimeoutExpired:
        return -signal.SIGALRM
    finally:
        child.kill()
        child.wait()


def _values(reader: str, code: int, answer: IO[bytes]) -> dict[str, Any]:
    answer.seek(0)
    text = answer.read(_MAX_RESULT)
    if code in (-signal.SIGALRM, -signal.SIGKILL):  # killed by the kernel (out of memory) or at a shutdown
        log.warning("decoder_overrun", reader=reader, code=code)
        raise Busy
    if not text.startswith(READY):
        log.error("decoder_did_not_start", reader=reader, code=code)
        raise Busy
    if code == -signal.SIGXCPU:
        raise Refused("time")
    if code == -signal.SIGABRT:  # C++ and Rust abort when an allocation fails
        raise Refused("memory")
    try:
        result = json.loads(text[len(READY) :])
    except ValueError:
        result = {"refused": "broken", "reason": f"exit {code}"}
    if "values" in result:
        return dict(result["values"])
    log.info("file_refused", reader=reader, refused=result["refused"], reason=result.get("reason", ""))
    if result["refused"] == "disk":
        raise OSError(errno.ENOSPC, "No space left for a decoded file")
    raise Refused(result["refused"])


@contextmanager
def _slots(folder: Path, reader: str, owner: object) -> Iterator[list[int]]:
    """Hold the locks of one child: its owner's, then one of SLOTS. Raises Busy after WAIT_SECONDS."""
    deadline = time.monotonic() + WAIT_SECONDS
    owner_path = folder / f"{reader}-owner-{crc32(str(owner).encode()) % OWNERS}"
    slot_paths = [folder / f"{reader}-{number}" for number in range(SLOTS)]
    with _one_of([owner_path], deadline) as owner_lock, _one_of(slot_paths, deadline) as slot_lock:
        yield [owner_lock, slot_lock]


@contextmanager
def _one_of(paths: list[Path], deadline: float) -> Iterator[int]:
    while True:
        for path in paths:
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                if _try_lock(lock):
                    yield lock
                    return
            finally:
                os.close(lock)
        if time.monotonic() > deadline:
            raise Busy
        time.sleep(_POLL_SECONDS)


def _try_lock(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True

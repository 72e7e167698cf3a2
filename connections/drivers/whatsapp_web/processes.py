"""Find and end the processes of one number's browser, by an environment variable and by the profile flag.

A killed worker cannot end its browser. So chromedriver is started with PDEATHSIG KILL, bound to the thread that starts
it, and Chromium with TERM (so that it writes its profile), bound to chromedriver. The next worker that drives the
number ends what is left. Only processes of the given profile are ever signalled.
"""

from __future__ import annotations

import os
import shutil
import signal
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

MARK = "WHATSFLOW_PROFILE"
_LOCKS = ("SingletonLock", "SingletonSocket", "SingletonCookie")
_PROC = Path("/proc")
_SCRATCH = "whatsflow-browser-"
LONGEST_PARENT = 32
"""Characters. A socket's path has at most 108, of which Chromium's part and ours take 65."""


def environment(profile: Path) -> dict[str, str]:
    """Return the environment of a browser: ours without secrets, plus the profile mark and a scratch directory."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("WHATSFLOW_", "DATABASE_", "REDIS_", "EMAIL_", "AWS_", "DJANGO_"))
    }
    return {**kept, MARK: str(profile), "TMPDIR": str(_scratch(profile))}


def _scratch(profile: Path) -> Path:
    """Create a temporary directory for a browser, linked beside the profile so that it can be removed later.

    Its path is short, because it holds a socket.
    """
    remove_scratch(profile)
    usual = tempfile.gettempdir()
    parent = usual if len(usual) < LONGEST_PARENT else "/tmp"  # noqa: S108 - mkdtemp creates it private
    directory = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=parent))
    _link(profile).symlink_to(directory)
    return directory


def remove_scratch(profile: Path) -> None:
    """Remove the temporary directory of the profile's last browser."""
    link = _link(profile)
    if link.is_symlink():
        directory = link.readlink()
        if directory.name.startswith(_SCRATCH):
            shutil.rmtree(directory, ignore_errors=True)
        link.unlink()


def _link(profile: Path) -> Path:
    return profile.parent / "scratch"


def dying_with_parent(command: str, signal_name: str) -> list[str]:
    """Wrap a command so that it gets the signal when its parent thread ends. Unchanged if setpriv is missing."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", signal_name, "--", command] if setpriv else [command]


def wrapper(directory: Path, name: str, command: str, signal_name: str) -> Path:
    """Create an executable for `dying_with_parent`, for programs that accept only a path."""
    line = " ".join(_quoted(word) for word in dying_with_parent(command, signal_name))
    script = directory / name
    script.write_text(f'#!/bin/sh\nexec {line} "$@"\n')
    script.chmod(stat.S_IRWXU)
    return script


def pids_of(profile: Path) -> list[int]:
    """Return the ids of processes that use the profile or were started for it."""
    return [pid for pid in _pids() if _belongs(pid, profile)]


def terminate(profile: Path, patience: float = 8.0) -> int:
    """End all processes of the profile: SIGTERM, then SIGKILL after `patience` seconds. Returns their number."""
    first = pids_of(profile)
    for chosen, wait in ((signal.SIGTERM, patience), (signal.SIGKILL, 5.0)):
        deadline = time.monotonic() + wait
        left = pids_of(profile)
        _signal(left, chosen)
        while left and time.monotonic() < deadline:
            time.sleep(0.05)
            left = pids_of(profile)
        if not left:
            break
    return len(first)


def unlock(profile: Path) -> None:
    """Remove the locks of an ended browser. The caller must hold the number's lease. Raises RuntimeError if in use."""
    if pids_of(profile):
        raise RuntimeError("The profile is in use")
    for name in _LOCKS:
        (profile / name).unlink(missing_ok=True)


def memory(profile: Path) -> int:
    """Return the browser's memory in bytes (PSS, or RSS if that is not readable)."""
    return sum(_size(pid) for pid in pids_of(profile))


def cpu_seconds(profile: Path) -> float:
    """Return the processor time of the browser's running processes."""
    return sum(_ticks(pid) for pid in pids_of(profile)) / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int) -> int:
    try:
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(fields[11]) + int(fields[12])


def _size(pid: int) -> int:
    for name, key in (("smaps_rollup", b"Pss:"), ("status", b"VmRSS:")):
        try:
            lines = (_PROC / str(pid) / name).read_bytes().splitlines()
        except OSError:
            continue
        for line in lines:
            if line.startswith(key):
                return int(line.split()[1]) * 1024
    return 0


def _belongs(pid: int, profile: Path) -> bool:
    mark, flag = f"{MARK}={profile}".encode(), f"--user-data-dir={profile}".encode()
    return flag in read(pid, "cmdline") or mark in read(pid, "environ")


def read(pid: int, name: str) -> list[bytes]:
    """Return the NUL-separated values of a file in /proc; empty if it is gone or not readable."""
    try:
        return (_PROC / str(pid) / name).read_bytes().split(b"\0")
    except OSError:
        return []


def _pids() -> Iterator[int]:
    own = os.getpid()
    try:
        names = os.listdir(_PROC)
    except OSError:
        return
    for name in names:
        if name.isdigit() and int(name) != own and not _is_zombie(name):
            yield int(name)


def _is_zombie(name: str) -> bool:
    try:
        return (_PROC / name / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (OSError, IndexError):
        return True


def _signal(pids: list[int], chosen: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, chosen)
        except ProcessLookupError:
            continue
        except PermissionError:
            continue


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\\''") + "'"

"""The processes of one number's browser: found by a mark in their environment and by their profile, ended for good.

A worker that is killed cannot end its browser. So chromedriver asks the kernel to be killed with the thread that
started it, Chromium to be terminated (which lets it write its profile) with chromedriver; and whoever drives the number
next ends whatever is left. Only processes of this very profile are ever touched.
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
LONGEST_PLACE = 32
"""Characters: a socket's path has 108 at most, of which Chromium's part and ours take 65."""


def environment(profile: Path) -> dict[str, str]:
    """The environment for a browser of this profile: ours without our secrets, the mark, and a place for its litter."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("WHATSFLOW_", "DATABASE_", "REDIS_", "EMAIL_", "AWS_", "DJANGO_"))
    }
    return {**kept, MARK: str(profile), "TMPDIR": str(_scratch(profile))}


def _scratch(profile: Path) -> Path:
    """A fresh directory for what a browser needs while it runs, and never quite clears away.

    Its path is short, as there is a socket in it; the link beside the profile finds it again.
    """
    clean(profile)
    usual = tempfile.gettempdir()
    place = usual if len(usual) < LONGEST_PLACE else "/tmp"  # noqa: S108 - mkdtemp makes it nobody else's
    made = Path(tempfile.mkdtemp(prefix=_SCRATCH, dir=place))
    _link(profile).symlink_to(made)
    return made


def clean(profile: Path) -> None:
    """Remove what the last browser of this profile has left in the system's directory for such things."""
    link = _link(profile)
    if link.is_symlink():
        place = link.readlink()
        if place.name.startswith(_SCRATCH):
            shutil.rmtree(place, ignore_errors=True)
        link.unlink()


def _link(profile: Path) -> Path:
    return profile.parent / "scratch"


def dying_with_parent(command: str, signal_name: str) -> list[str]:
    """`command` so that it gets the signal when the thread that starts it ends; as it is where that is not possible."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", signal_name, "--", command] if setpriv else [command]


def wrapper(directory: Path, name: str, command: str, signal_name: str) -> Path:
    """An executable that becomes `command`, tied to its parent's life; for programs that take a path only."""
    words = " ".join(_quoted(word) for word in dying_with_parent(command, signal_name))
    script = directory / name
    script.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    script.chmod(stat.S_IRWXU)
    return script


def of_profile(profile: Path) -> list[int]:
    """Ids of the processes that use the profile, or were started for it."""
    return [pid for pid in _pids() if _belongs(pid, profile)]


def end(profile: Path, patience: float = 8.0) -> int:
    """End every process of the profile: asked first, killed after `patience` seconds. Returns how many there were."""
    first = of_profile(profile)
    for chosen, wait in ((signal.SIGTERM, patience), (signal.SIGKILL, 5.0)):
        deadline = time.monotonic() + wait
        left = of_profile(profile)
        _signal(left, chosen)
        while left and time.monotonic() < deadline:
            time.sleep(0.05)
            left = of_profile(profile)
        if not left:
            break
    return len(first)


def unlock(profile: Path) -> None:
    """Remove the locks of a browser that is gone. Must be called only when the profile's lease is ours."""
    if of_profile(profile):
        raise RuntimeError("The profile is in use")
    for name in _LOCKS:
        (profile / name).unlink(missing_ok=True)


def memory(profile: Path) -> int:
    """Bytes that the browser really takes (proportional set size; resident size where that cannot be read)."""
    return sum(_size(pid) for pid in of_profile(profile))


def cpu_seconds(profile: Path) -> float:
    """Processor time that the browser's living processes have used so far."""
    return sum(_ticks(pid) for pid in of_profile(profile)) / os.sysconf("SC_CLK_TCK")


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
    """NUL-separated texts of a process; none when it is gone or somebody else's."""
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

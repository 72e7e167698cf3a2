"""Entry point of the child process: `python -I child.py READER LIMITS`, with READER a module of this folder.

The file comes on standard input; the output file goes to standard output, and the result, as JSON, to standard error.
Django is not loaded: the process holds nothing but the decoder, and none of the server's secrets.
"""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

READY = b"ready\n"
"""Written when the decoder is loaded: a child that ended before has not read the file."""
_OPEN_FILES = 32


class Refused(Exception):
    """The reader rejects the file. Its argument is the code of the reason."""


def main() -> None:
    """Run the reader named by the arguments within their limits."""
    reader, limits = sys.argv[1], json.loads(sys.argv[2])
    answer = os.fdopen(os.dup(2), "wb")
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 2)  # messages of C libraries must not mix with the result
    _end_with_parent(limits["parent"])
    _limit(limits)
    sys.path.insert(0, str(Path(__file__).parent))
    sys.modules["child"] = sys.modules[__name__]
    read = import_module(reader).read
    answer.write(READY)
    answer.flush()
    with os.fdopen(0, "rb") as source, os.fdopen(1, "wb") as out:
        result = _read(read, source, out, limits["parameters"])
    answer.write(json.dumps(result).encode())
    answer.close()


def _read(read: Any, source: Any, out: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"values": read(source, out, **parameters)}
    except Refused as refusal:
        return {"refused": str(refusal)}
    except MemoryError:
        return {"refused": "memory"}
    except OSError as error:
        full = {errno.ENOSPC: "disk", errno.EDQUOT: "disk", errno.EFBIG: "memory", errno.ENOMEM: "memory"}
        return {"refused": full.get(error.errno or 0, "broken"), "reason": type(error).__name__}
    except BaseException as error:  # a panic of Rust is no Exception, and crafted files raise anything
        return {"refused": "broken", "reason": type(error).__name__}


def _limit(limits: dict[str, Any]) -> None:
    """Set hard resource limits. macOS ignores the one of memory."""
    soft_limits = [
        (resource.RLIMIT_CPU, limits["cpu_seconds"]),
        (resource.RLIMIT_FSIZE, limits["output_bytes"]),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_DATA, limits["memory_bytes"]),
    ]
    for kind, soft in soft_limits:
        current = resource.getrlimit(kind)[1]
        hard = (
            soft + 1 if kind == resource.RLIMIT_CPU else soft
        )  # the hard limit sends SIGKILL instead of SIGXCPU
        if current != resource.RLIM_INFINITY:
            hard = min(hard, current)
        resource.setrlimit(kind, (min(soft, hard), hard))
    signal.setitimer(signal.ITIMER_REAL, limits["wall_seconds"])  # also if the parent is stopped or has ended


def _end_with_parent(parent: int) -> None:
    """Let the kernel kill this process when its parent ends (Linux only)."""
    if sys.platform == "linux":
        from ctypes import CDLL

        CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:  # the parent has already ended
        os._exit(1)


if __name__ == "__main__":
    main()

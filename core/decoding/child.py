"""Entry of the child process: `python -I child.py READER PARAMETERS`, where READER is a module of this folder.

Standard input is the file, standard output takes what is made of it, standard error the answer as JSON. Django is not
loaded: what a decoder needs is all that is in memory, and no secret of the server is.
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
"""Written once the decoder is loaded: a child that ends before has not seen the file."""
_OPEN_FILES = 32


class Refused(Exception):
    """A reader refuses the file for the reason given by its code."""


def main() -> None:
    """Read the file with the reader that is named, within the limits that are given."""
    reader, given = sys.argv[1], json.loads(sys.argv[2])
    answer = os.fdopen(os.dup(2), "wb")
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 2)  # what C libraries complain of is not the answer
    _die_with(given["parent"])
    _limit(given)
    sys.path.insert(0, str(Path(__file__).parent))
    sys.modules["child"] = sys.modules[__name__]
    read = import_module(reader).read
    answer.write(READY)
    answer.flush()
    with os.fdopen(0, "rb") as source, os.fdopen(1, "wb") as out:
        found = _read(read, source, out, given["parameters"])
    answer.write(json.dumps(found).encode())
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
    except (
        BaseException
    ) as error:  # Rust's panics are no Exceptions, and bytes made up by somebody raise anything
        return {"refused": "broken", "reason": type(error).__name__}


def _limit(given: dict[str, Any]) -> None:
    """Set limits that cannot be raised again. macOS ignores the one of memory."""
    wanted = [
        (resource.RLIMIT_CPU, given["cpu_seconds"]),
        (resource.RLIMIT_FSIZE, given["output_bytes"]),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_DATA, given["memory_bytes"]),
    ]
    for kind, soft in wanted:
        present = resource.getrlimit(kind)[1]
        hard = (
            soft + 1 if kind == resource.RLIMIT_CPU else soft
        )  # at the hard limit it would be SIGKILL, not SIGXCPU
        if present != resource.RLIM_INFINITY:
            hard = min(hard, present)
        resource.setrlimit(kind, (min(soft, hard), hard))
    signal.setitimer(signal.ITIMER_REAL, given["wall_seconds"])  # also if the parent is stopped or gone


def _die_with(parent: int) -> None:
    """Have the kernel end this process together with its parent, where it can (Linux)."""
    if sys.platform == "linux":
        from ctypes import CDLL

        CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    if os.getppid() != parent:  # it died before
        os._exit(1)


if __name__ == "__main__":
    main()

"""A pytest plugin that runs chosen tests against mutants, each in a fork of one process that has collected them.

A mutant inside a function gets its code by `function.__code__`; one at the level of its module needs a process of its
own, in which the module is imported from the mutated source. No file of the project is changed.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import sys
import time
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

ORDERS = (
    json.loads(Path(os.environ["MUTATION_ORDERS"]).read_text()) if "MUTATION_ORDERS" in os.environ else {}
)
"""root, template (of the database), and either durations (a file to write) or work and results."""
KILLED, SURVIVED, TIMED_OUT = "killed", "survived", "timed out"


class _Mutated(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        return compile(ORDERS["source"], self.path, "exec", dont_inherit=True)


class _Finder:
    """Imports one module from its mutated source."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name != ORDERS["module"]:
            return None
        spec = PathFinder.find_spec(name, path)
        assert spec is not None
        assert spec.origin is not None
        spec.loader = _Mutated(name, spec.origin)
        return spec


if "source" in ORDERS:
    sys.meta_path.insert(0, _Finder)  # type: ignore[arg-type]

_durations: dict[str, float] = {}
_failed: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed:
        _failed.append(report.nodeid)
    if report.when == "call":
        _durations[report.nodeid] = report.duration


def pytest_sessionfinish() -> None:
    if "durations" in ORDERS:
        Path(ORDERS["durations"]).write_text(json.dumps(_durations))


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    if "work" not in ORDERS:
        return None
    items = {item.nodeid: item for item in session.items}
    with Path(ORDERS["results"]).open("a") as results:
        for one in ORDERS["work"]:
            chosen = [items[name] for name in one["tests"] if name in items]
            results.write(json.dumps([one["number"], *_fate(one, chosen)]) + "\n")
            results.flush()
    return True


def _fate(work: dict[str, Any], items: list[pytest.Item]) -> tuple[str, str]:
    """What became of the mutant, and the test that failed."""
    base = Path(os.environ["WHATSFLOW_TEST_RUN"]) / "test.sqlite3"
    for old in base.parent.glob("test.sqlite3*"):
        old.unlink()
    shutil.copy(ORDERS["template"], base)
    note = base.parent / "failed"
    note.unlink(missing_ok=True)
    child = os.fork()
    if child == 0:
        os.setsid()
        os._exit(_run(work, items, note))
    ends = time.monotonic() + work["seconds"]
    while time.monotonic() < ends:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            failed = note.read_text() if note.exists() else "ended the process" if status else ""
            return (KILLED if status else SURVIVED), failed
        time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return TIMED_OUT, ""


def _run(work: dict[str, Any], items: list[pytest.Item], note: Path) -> int:
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    os.dup2(devnull, 2)
    try:
        if "source" in work:
            _swap(work)
        for item, following in zip(items, [*items[1:], items[-1]], strict=True):
            item.ihook.pytest_runtest_protocol(item=item, nextitem=following)
            if _failed:
                note.write_text(_failed[0])
                return 1
    except BaseException as error:
        note.write_text(repr(error)[:200])
        return 1
    return 0


def _swap(work: dict[str, Any]) -> None:
    """Give every live function of that name and place the mutated code."""
    path, name, line = work["path"], *work["function"]
    code = next(
        one
        for one in _codes(compile(work["source"], path, "exec"))
        if (one.co_qualname, one.co_firstlineno) == (name, line)
    )
    swapped = 0
    for one in gc.get_objects():
        if isinstance(one, FunctionType):
            old = one.__code__
            if (old.co_filename, old.co_qualname, old.co_firstlineno) == (path, name, line):
                one.__code__ = code
                swapped += 1
    assert swapped, f"{name} is not loaded"


def _codes(code: CodeType) -> Any:
    yield code
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from _codes(one)

"""Run mutation tests: `python -m tests.mutation outbox --sample 40`. Exit status 1 when a mutant survives."""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from coverage import CoverageData

from tests.mutation.mutations import Mutant, mutants_of

ROOT = Path(__file__).resolve().parents[2]
TABLE = tomllib.loads((Path(__file__).parent / "modules.toml").read_text())
TEMPLATE = """
import os, shutil, django
django.setup()
from django.db import connection
connection.creation.create_test_db(verbosity=0)
connection.close()
shutil.copy(os.path.join(os.environ["WHATSFLOW_TEST_RUN"], "test.sqlite3"), os.environ["MUTATION_TEMPLATE"])
"""


class Workshop:
    """A directory for one run: the migrated database that every mutant gets a copy of, orders and results."""

    def __init__(self, folder: Path, tests: Sequence[str]) -> None:
        self.folder, self.tests = folder, list(tests)
        self.template = folder / "template.sqlite3"
        self._runs = 0
        self._python(["-c", TEMPLATE], {"MUTATION_TEMPLATE": str(self.template)}, check=True)

    def pytest(self, orders: dict[str, Any], *arguments: str) -> int:
        """Run these tests, or `arguments`, with the plugin."""
        path = self.folder / f"orders-{self._runs}.json"
        path.write_text(json.dumps({"template": str(self.template), **orders}))
        options = ["-n0", "-x", "-q", "--reuse-db", "-p", "tests.mutation.plugin", "-p", "no:cacheprovider"]
        chosen = ["-m", "not browser", *(arguments or self.tests)]
        return self._python(["-m", "pytest", *options, *chosen], {"MUTATION_ORDERS": str(path)})

    def _python(self, arguments: list[str], env: dict[str, str], check: bool = False) -> int:
        self._runs += 1
        run = self.folder / f"run-{self._runs}"
        run.mkdir()
        if self.template.exists():
            shutil.copy(self.template, run / "test.sqlite3")
        clean = {
            name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")
        }
        more = {"DJANGO_SETTINGS_MODULE": "tests.settings", "WHATSFLOW_TEST_RUN": str(run)}
        with (self.folder / f"log-{self._runs}").open("w") as log:
            done = subprocess.run(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=clean | more | env,
                stdout=log,
                stderr=log,
                check=check,
            )
        return done.returncode

    def log(self) -> str:
        return (self.folder / f"log-{self._runs}").read_text()


def baseline(
    shop: Workshop, files: Sequence[str]
) -> tuple[dict[str, dict[int, list[str]]], dict[str, float]]:
    """Run the tests unchanged: by which ones each line is run, and how long each takes."""
    durations, data = shop.folder / "durations.json", shop.folder / "coverage"
    packages = sorted({f"--cov={Path(one).parts[0]}" for one in files})
    os.environ["COVERAGE_FILE"] = str(data)
    status = shop.pytest(
        {"durations": str(durations)}, *packages, "--cov-context=test", "--cov-report=", *shop.tests
    )
    if status:
        sys.exit(f"The tests fail without any mutant:\n{shop.log()[-3000:]}")
    covered = CoverageData(basename=str(data))
    covered.read()
    lines = {
        one: {
            line: [context.rpartition("|")[0] for context in contexts if context]
            for line, contexts in covered.contexts_by_lineno(str(ROOT / one)).items()
        }
        for one in files
    }
    return lines, json.loads(durations.read_text())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("module", choices=sorted(TABLE), help="a name of modules.toml")
    parser.add_argument("--tests", nargs="*", help="instead of those of the table")
    parser.add_argument("--sample", type=int, default=0, help="so many mutants, chosen by chance; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--match", default="", help="only mutants whose description holds this")
    asked = parser.parse_args()
    files, tests = TABLE[asked.module]["files"], asked.tests or TABLE[asked.module]["tests"]
    sources = {one: (ROOT / one).read_bytes() for one in files}
    mutants = [mutant for path, source in sources.items() for mutant in mutants_of(path, source)]
    mutants = [
        one
        for one in mutants
        if _compiles(one, sources[one.path]) and asked.match in one.described(sources[one.path])
    ]
    if asked.sample and asked.sample < len(mutants):
        mutants = sorted(
            random.Random(asked.seed).sample(mutants, asked.sample), key=lambda one: (one.path, one.line)
        )
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        shop = Workshop(Path(folder), tests)
        lines, durations = baseline(shop, files)
        fates = _judge(shop, mutants, sources, lines, durations)
    told = Counter(fate for fate, _ in fates)
    for mutant, (fate, _) in zip(mutants, fates, strict=True):
        if fate != "killed":
            print(f"{fate}: {mutant.described(sources[mutant.path])}")
    killed = told["killed"] + told["timed out"]
    print(f"{asked.module}: {killed} of {len(mutants)} killed, {told['timed out']} of them by time")
    return int(told["survived"] > 0)


def _compiles(mutant: Mutant, source: bytes) -> bool:
    try:
        compile(mutant.applied(source), mutant.path, "exec")
    except SyntaxError:
        return False
    return True


def _judge(
    shop: Workshop,
    mutants: Sequence[Mutant],
    sources: dict[str, bytes],
    lines: dict[str, dict[int, list[str]]],
    durations: dict[str, float],
) -> list[tuple[str, str]]:
    """What became of each mutant: `killed`, `survived` or `timed out`, and which test failed."""
    fates: dict[int, tuple[str, str]] = {}
    results = shop.folder / "results"
    work = []
    for number, mutant in enumerate(mutants):
        covering = lines[mutant.path]
        names = (
            covering.get(mutant.statement, [])
            if mutant.function
            else [name for one in covering.values() for name in one]
        )
        names = sorted({name for name in names if name in durations}, key=lambda name: durations[name])
        order = {
            "number": number,
            "tests": names,
            "seconds": 30 + 6 * sum(durations[name] for name in names),
            "source": mutant.applied(sources[mutant.path]).decode(),
            "path": str(ROOT / mutant.path),
            "function": mutant.function,
        }
        if not names:
            fates[number] = ("survived", "")
        elif mutant.function:
            work.append(order)
        else:
            source = order.pop("source")
            module = mutant.path.removesuffix(".py").replace("/", ".")
            shop.pytest({"work": [order], "results": str(results), "source": source, "module": module})
    if work:
        shop.pytest({"work": work, "results": str(results)})
    for line in results.read_text().splitlines() if results.exists() else ():
        number, fate, failed = json.loads(line)
        fates[number] = (fate, failed)
    if lost := [one["number"] for one in work if one["number"] not in fates]:
        sys.exit(f"{len(lost)} mutants have no result:\n{shop.log()[-3000:]}")
    unimportable = ("killed", "")  # at the level of a module
    return [fates.get(number, unimportable) for number in range(len(mutants))]


if __name__ == "__main__":
    sys.exit(main())

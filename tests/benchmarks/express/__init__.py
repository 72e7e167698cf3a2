"""Express + pg, installed into the measured place's home by npm, and started from server.mjs beside this file."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from tests.benchmarks import queries
from tests.benchmarks.site import Place, free_port, wait_for_page

PACKAGES = ("express@5", "pg@8")
HERE = Path(__file__).resolve().parent


def prepare(place: Place) -> str:
    """Install what the server needs. Returns why there is no such comparison, "" when there is."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return "not compared with Express: node and npm are not on this machine"
    folder = _folder(place)
    if (folder / "node_modules" / "pg").exists():
        return ""
    folder.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(folder), *PACKAGES]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=180, check=False)
    return (
        ""
        if done.returncode == 0
        else f"not compared with Express: npm failed ({done.stderr.strip()[-200:]})"
    )


def _folder(place: Place) -> Path:
    return place.home / "express"


@contextlib.contextmanager
def running(place: Place, environment: Mapping[str, str]) -> Iterator[int]:
    """The server, until the end of the block; yields its port."""
    port, log = free_port(), place.home / "express.log"
    groups = {
        "signed_in": queries.SIGNED_IN,
        "inbox": queries.INBOX,
        "conversation": queries.CONVERSATION,
    }
    asked = {
        group: {name: queries.numbered(sql) for name, sql in of_group.items()}
        for group, of_group in groups.items()
    }
    settings = {
        **os.environ,
        **environment,
        "NODE_ENV": "production",
        "PORT": str(port),
        "DATABASE_URL": urlsplit(place.database_url)._replace(scheme="postgresql").geturl(),
        "BENCH_MODULES": str(_folder(place)),
        "BENCH_QUERIES": json.dumps(asked),
    }
    with log.open("wb") as out:
        process = subprocess.Popen(["node", str(HERE / "server.mjs")], env=settings, stdout=out, stderr=out)
    try:
        wait_for_page(process, port, log)
        yield port
    finally:
        process.terminate()
        process.wait(20)

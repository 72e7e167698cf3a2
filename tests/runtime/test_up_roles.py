"""`manage.py up` as several processes on PostgreSQL and Redis."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.runtime.processes import Site, site

pytestmark = [pytest.mark.slow, pytest.mark.services]

ROLES = {"live", "web", "worker", "sessions", "beat"}


@pytest.fixture
def services(require_redis: str, require_postgres: None, process_env: dict[str, str]) -> dict[str, str]:
    return {"DATABASE_URL": process_env["DATABASE_URL"], "REDIS_URL": require_redis}


def roles_of(running: Site) -> dict[str, psutil.Process]:
    roles = {}
    for child in psutil.Process(running.process.pid).children():
        with contextlib.suppress(psutil.Error, ValueError):  # it ended, or has only just been forked
            command = child.cmdline()
            roles[command[command.index("--role") + 1]] = child
    return roles


def eventually(condition: Callable[[], bool], seconds: float = 40) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_all_roles_start_and_stop_together(tmp_path: Path, services: dict[str, str]) -> None:
    with site(tmp_path, "--no-migrate", **services) as running:
        assert running.get("/") == (200, b"home")
        roles = roles_of(running)
        assert set(roles) == ROLES
        running.port += 1
        eventually(lambda: _answers(running))
        assert running.stop() == 0
        assert not [role for role, process in roles.items() if process.is_running()]


def _answers(running: Site) -> bool:
    try:
        return running.get("/") == (200, b"home")
    except OSError:
        return False


def test_a_killed_role_is_started_again(tmp_path: Path, services: dict[str, str]) -> None:
    with site(tmp_path, "--no-migrate", **services) as running:
        killed = roles_of(running)["worker"]
        killed.kill()
        eventually(lambda: roles_of(running).get("worker", killed).pid != killed.pid)
        assert running.get("/") == (200, b"home")


def test_no_role_outlives_a_killed_supervisor(tmp_path: Path, services: dict[str, str]) -> None:
    with site(tmp_path, "--no-migrate", **services) as running:
        roles = roles_of(running)
        os.kill(running.process.pid, signal.SIGKILL)
        running.process.wait()
        _, alive = psutil.wait_procs(roles.values(), timeout=30)
        for process in alive:
            process.kill()
        assert not alive

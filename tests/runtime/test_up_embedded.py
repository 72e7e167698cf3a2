"""`manage.py up` as one process."""

import contextlib
import signal
import socket
import stat
import subprocess
import time
from pathlib import Path

import pytest

from tests.runtime.processes import Site, free_port, site

pytestmark = pytest.mark.slow


def test_it_starts_from_nothing_serves_and_stops_cleanly(tmp_path: Path) -> None:
    home = tmp_path / "does" / "not" / "exist"
    home.parent.mkdir(parents=True)
    home.mkdir()
    with site(home) as running:
        assert f"WhatsFlow is ready at http://localhost:{running.port}" in running.output
        assert running.get("/") == (200, b"home")
        assert running.get("/livez") == (200, b"ok")
        assert running.get("/readyz")[0] == 200
        assert stat.S_IMODE((home / "keys" / "secret_key").stat().st_mode) == 0o600
        before = time.monotonic()
        assert running.stop() == 0
        assert time.monotonic() - before < 10
        assert "WhatsFlow has stopped." in running.output
        assert "Traceback" not in running.output
    with site(home) as again:
        assert "Preparing the database" not in again.output
        assert again.stop(signal.SIGINT) == 0


def test_it_comes_back_after_being_killed(tmp_path: Path) -> None:
    with site(tmp_path) as running:
        running.process.kill()
        running.process.wait()
    with site(tmp_path, port=running.port) as again:
        assert again.get("/") == (200, b"home")


def test_a_second_ctrl_c_ends_it_at_once(tmp_path: Path) -> None:
    with site(tmp_path) as running:
        with socket.create_connection(("127.0.0.1", running.port)) as client:
            client.sendall(b"GET /slow?seconds=30 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            running.wait_for("Taken up.")
            while running.process.poll() is None:  # two signals at once would be one
                running.process.send_signal(signal.SIGINT)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    running.process.wait(0.3)
            assert running.process.returncode == 130


def test_a_request_that_never_ends_does_not_hold_it_up_for_ever(tmp_path: Path) -> None:
    with site(tmp_path) as running:
        with socket.create_connection(("127.0.0.1", running.port)) as client:
            client.sendall(b"GET /slow?seconds=300 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            running.wait_for("Taken up.")
            assert running.stop(timeout=20) in (0, 1)


def test_a_taken_port_is_said_plainly(tmp_path: Path) -> None:
    port = free_port()
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        running = Site(tmp_path, port=port)
        assert running.end() == 2
    assert f"Port {port} is already in use" in running.output
    assert "Traceback" not in running.output


def test_an_unreachable_database_is_said_plainly(tmp_path: Path) -> None:
    running = Site(tmp_path, DATABASE_URL="postgres://nobody@127.0.0.1:1/none")
    assert running.end() == 1
    assert "The database cannot be used" in running.output
    assert "Traceback" not in running.output


def test_one_role_alone_is_refused_on_sqlite(tmp_path: Path) -> None:
    running = Site(tmp_path, "--role", "worker")
    assert running.end() == 1
    assert "needs PostgreSQL and Redis" in running.output


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("WHATSFLOW_SECRET_KEY", "", "WHATSFLOW_SECRET_KEY is not set"),
        ("WHATSFLOW_ENCRYPTION_KEY", "***", "is not valid base64url"),
        ("WHATSFLOW_DEBUG", "1", "WHATSFLOW_DEBUG shows source code"),
    ],
)
def test_an_unsafe_production_start_is_refused(tmp_path: Path, setting: str, value: str, said: str) -> None:
    from tests.architecture.test_checks import SAFE

    running = Site(tmp_path, **{**SAFE, setting: value})
    assert running.end() == 1
    assert said in running.output
    assert "Traceback" not in running.output


def test_a_safe_production_start_is_let_through(tmp_path: Path) -> None:
    from tests.architecture.test_checks import SAFE

    with site(tmp_path, ready=False, **SAFE) as running:
        deadline = time.monotonic() + 60
        while True:
            try:
                status, body = running.get("/livez", **{"Host": "chat.example.com"})
                break
            except OSError:
                assert running.process.poll() is None, running.output
                assert time.monotonic() < deadline
                time.sleep(0.1)
        assert (status, body) == (200, b"ok")

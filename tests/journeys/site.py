"""The real server for journeys: `manage.py up` in its own process, home and port."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 240.0
STOP_SECONDS = 20.0
NOT_INHERITED = (
    "DATABASE_URL",
    "REDIS_URL",
    "DJANGO_SETTINGS_MODULE",
    "WHATSFLOW_PRODUCTION",
    "WHATSFLOW_TEST_RUN",
)


class Site:
    """A running WhatsFlow with a home of its own. more: environment. port: 0 for any free one."""

    def __init__(self, home: Path, *, port: int = 0, **more: str) -> None:
        self.home = home
        self.port = port or _free_port()
        self.url = f"http://localhost:{self.port}"
        self._log = (home / "server.log").open("ab")
        env = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        env |= {"WHATSFLOW_HOME": str(home), "WHATSFLOW_NO_DOTENV": "1", "PORT": str(self.port)}
        env |= {"WHATSFLOW_URL": self.url, "PYTHONWARNINGS": "ignore", **more}
        self._env = env
        self._process = subprocess.Popen(
            [sys.executable, "manage.py", "up", "--supervised"],  # ends with these tests, however they end
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self._wait_until_ready()

    def manage(self, *arguments: str) -> None:
        """Run a command of manage.py on this installation."""
        command = [sys.executable, "manage.py", *arguments]
        subprocess.run(command, cwd=ROOT, env=self._env, stdout=subprocess.DEVNULL, check=True, timeout=240)

    def log(self) -> str:
        """What the server has written so far."""
        return (self.home / "server.log").read_text(errors="replace")

    def stop(self) -> int:
        """Ask it to stop, as Ctrl-C does; its exit code. Killed when it does not listen."""
        self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()
        finally:
            self._log.close()

    def kill(self) -> None:
        """End it as a crash would, in the middle of whatever it does."""
        self._process.kill()
        self._process.wait()
        self._log.close()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise RuntimeError(f"The server ended while it was starting:\n{self.log()[-4000:]}")
            if _answers(self.port):
                return
            time.sleep(0.1)
        self.stop()
        raise RuntimeError(f"The server was not ready after {START_SECONDS} s:\n{self.log()[-4000:]}")


def _answers(port: int) -> bool:
    client = http.client.HTTPConnection("localhost", port, timeout=2)
    try:
        client.request("GET", "/readyz")
        return client.getresponse().status == 200
    except OSError:
        return False
    finally:
        client.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

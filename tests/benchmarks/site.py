"""A WhatsFlow of its own to measure: database, home directory, processes and a signed-in browser. Loopback only."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlencode, urlsplit

ROOT = Path(__file__).resolve().parent.parent.parent
EMAIL = "demo@example.com"
PASSWORD = "bench pottery 42"


@dataclass(frozen=True)
class Place:
    """Where one WhatsFlow lives. Empty URLs: the embedded default."""

    home: Path
    database_url: str = ""
    redis_url: str = ""
    python: str = sys.executable

    @property
    def environment(self) -> dict[str, str]:
        """The environment of its processes."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("WHATSFLOW_")}
        return {
            **inherited,
            "DJANGO_SETTINGS_MODULE": "whatsflow.settings",
            "WHATSFLOW_NO_DOTENV": "1",
            "WHATSFLOW_HOME": str(self.home),
            "WHATSFLOW_LOG_LEVEL": "WARNING",
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.redis_url,
        }

    def manage(self, *arguments: str, quiet: bool = True) -> None:
        """Run manage.py to its end."""
        out = subprocess.DEVNULL if quiet else None
        command = [self.python, "manage.py", *arguments]
        subprocess.run(command, cwd=ROOT, env=self.environment, check=True, stdout=out, stderr=out)


def as_installed(place: Place) -> Place:
    """The same installation in the environment that `make run` makes: without what only developers need."""
    folder = ROOT / "var" / "bench-environment"
    environment = {**os.environ, "VENV": str(folder), "PYTHON": sys.executable}
    subprocess.run(["scripts/environment.sh", "requirements.txt"], cwd=ROOT, env=environment, check=True)
    return replace(place, python=str(folder / "bin" / "python"))


@contextlib.contextmanager
def embedded() -> Iterator[Place]:
    """An empty embedded installation."""
    with tempfile.TemporaryDirectory(prefix="whatsflow-bench-") as home:
        yield Place(Path(home))


@contextlib.contextmanager
def services(database_url: str, redis_url: str, *, reuse: str | None) -> Iterator[Place]:
    """An installation on PostgreSQL and Redis: that of the home directory `reuse`, or one in a new database."""
    import psycopg

    if reuse:
        yield Place(Path(reuse), database_url, redis_url)
        return
    with tempfile.TemporaryDirectory(prefix="whatsflow-bench-") as home:
        name = f"whatsflow_bench_{os.getpid()}"
        with psycopg.connect(database_url.replace("postgres://", "postgresql://"), autocommit=True) as admin:
            admin.execute(f'CREATE DATABASE "{name}"')
            try:
                yield Place(Path(home), urlsplit(database_url)._replace(path=f"/{name}").geturl(), redis_url)
            finally:
                admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def free_port() -> int:
    """A port that is free, and the next one too."""
    while True:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            with contextlib.suppress(OSError):
                second.bind(("127.0.0.1", port + 1))
                return port


@dataclass
class Site:
    """A running WhatsFlow. port: sockets (and pages, embedded). page_port: pages."""

    place: Place
    port: int
    page_port: int
    process: subprocess.Popen[bytes]
    seconds_to_page: float


@contextlib.contextmanager
def running(place: Place) -> Iterator[Site]:
    """`manage.py up`, from its start to the first page until the end of the block."""
    port = free_port()
    page_port = port + 1 if place.redis_url else port
    environment = {**place.environment, "PORT": str(port)}
    log = place.home / "up.log"
    begin = time.monotonic()
    with log.open("wb") as out:
        process = subprocess.Popen(
            [place.python, "manage.py", "up"], cwd=ROOT, env=environment, stdout=out, stderr=out
        )
    try:
        wait_for_page(process, page_port, log)
        yield Site(place, port, page_port, process, time.monotonic() - begin)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_page(process: subprocess.Popen[bytes], port: int, log: Path, path: str = "/livez") -> None:
    """Until `path` answers. Raises RuntimeError with the log when the process ends or takes too long."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            connection.request("GET", path)
            if connection.getresponse().status == 200:
                return
        time.sleep(0.02)
    raise RuntimeError(f"The server did not answer:\n{log.read_text(errors='replace')[-4000:]}")


@dataclass
class Browser:
    """A person at a running site: cookies, and one connection that is kept open."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    _connection: http.client.HTTPConnection | None = None

    def request(
        self, method: str, path: str, form: dict[str, str] | None = None, **headers: str
    ) -> tuple[int, str]:
        """(status, body). Redirects are not followed."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        sent = {"Cookie": self.cookie, "Host": f"localhost:{self.port}", **headers}
        body = None
        if form is not None:
            body = urlencode({**form, "csrfmiddlewaretoken": self.cookies.get("csrftoken", "")})
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        self._connection.request(method, path, body, sent)
        response = self._connection.getresponse()
        for name, value in response.getheaders():
            if name.lower() == "set-cookie":
                key, _, rest = value.partition("=")
                self.cookies[key] = rest.split(";")[0]
        return response.status, response.read().decode()

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def sign_in(self) -> None:
        """Sign in as the demo's owner."""
        self.request("GET", "/accounts/login/")
        status, body = self.request("POST", "/accounts/login/", {"username": EMAIL, "password": PASSWORD})
        if status != 302:
            found = re.findall(r"<title>(.*?)</title>", body)
            raise RuntimeError(f"Signing in failed with status {status}: {found}")


def signed_in(site: Site) -> Browser:
    """A browser in which the demo's owner is signed in."""
    browser = Browser(site.page_port)
    browser.sign_in()
    return browser

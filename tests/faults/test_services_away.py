"""The whole site with its services taken away: Redis for long, PostgreSQL for a moment, a worker in between.

Pages go on or refuse as a whole; every message leaves once.
"""

from __future__ import annotations

import http.client
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import psutil
import psycopg
import pytest
from django.conf import settings
from django.db import connection as database
from django.test import Client

from accounts.models import User
from connections.models import SandboxMessage, WhatsAppConnection
from messaging.models import Conversation, Message
from tests.connections.driver_contract import until
from tests.journeys.site import ROOT, Site

pytestmark = [pytest.mark.services, pytest.mark.slow]

TOKEN = "t" * 32
RedisServer = Callable[[], "subprocess.Popen[bytes]"]


class Browser:
    """Somebody who is signed in, in front of the real site."""

    def __init__(self, site: Site, client: Client) -> None:
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        self._port = site.port
        self._cookies = f"{settings.SESSION_COOKIE_NAME}={session}; csrftoken={TOKEN}"

    def ask(self, path: str, **form: str) -> int:
        """GET the page, or POST the form; the status of the answer."""
        server = http.client.HTTPConnection("localhost", self._port, timeout=60)
        headers = {"Cookie": self._cookies, "X-CSRFToken": TOKEN, "Origin": f"http://localhost:{self._port}"}
        try:
            if not form:
                server.request("GET", path, headers=headers)
                return server.getresponse().status
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            server.request("POST", path, urlencode(form), headers)
            return server.getresponse().status
        finally:
            server.close()


@pytest.fixture
def redis(redis_server: RedisServer) -> subprocess.Popen[bytes]:
    return redis_server()


@pytest.fixture
def site(
    require_postgres: None,
    process_env: dict[str, str],
    redis_server: RedisServer,
    redis: object,
    tmp_path: Path,
) -> Iterator[Site]:
    """All roles as processes of their own, and a second beat."""
    more = {
        "DATABASE_URL": process_env["DATABASE_URL"],
        "REDIS_URL": redis_server.url,  # type: ignore[attr-defined]
        "WHATSFLOW_HOME": str(settings.HOME),
        "WHATSFLOW_LEASE_SECONDS": "3",
        "WHATSFLOW_UNKNOWN_AFTER_SECONDS": "1",
    }
    running = Site(tmp_path, **more)
    command = [sys.executable, "manage.py", "up", "--role", "beat"]
    with (tmp_path / "beat.log").open("wb") as log:
        beat = subprocess.Popen(command, cwd=ROOT, env={**process_env, **more}, stdout=log, stderr=log)
    yield running
    beat.kill()
    beat.wait(10)
    running.stop()


@contextmanager
def postgresql_away() -> Iterator[None]:
    """Every connection but the test's own ends, and no new one is taken."""
    target = database.settings_dict
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (own,) = cursor.fetchone()
    place = {"host": target["HOST"], "port": target["PORT"] or 5432, "user": target["USER"]}
    with psycopg.connect(**place, password=target["PASSWORD"], dbname="postgres", autocommit=True) as server:
        name = psycopg.sql.Identifier(target["NAME"])
        allow = psycopg.sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
        server.execute(allow.format(name, psycopg.sql.SQL("false")))
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> %s",
            [target["NAME"], own],
        )
        try:
            yield
        finally:
            server.execute(allow.format(name, psycopg.sql.SQL("true")))


def kill_role(site: Site, role: str) -> None:
    """SIGKILL; the supervisor starts another."""
    for child in psutil.Process(site._process.pid).children():
        if role in child.cmdline():
            child.kill()
            return
    pytest.fail(f"There is no process of the role {role}")


def statuses() -> set[str]:
    return set(Message.objects.filter(direction="outbound").values_list("status", flat=True))


def test_services_that_go_away_and_come_back_lose_and_double_nothing(
    site: Site,
    redis: subprocess.Popen[bytes],
    redis_server: RedisServer,
    linked: WhatsAppConnection,
    talks: list[Conversation],
    owner: User,
    client_of: Callable[..., Client],
) -> None:
    browser = Browser(site, client_of(owner))

    def connected() -> bool:
        return WhatsAppConnection.objects.get().status == WhatsAppConnection.Status.CONNECTED

    until(connected, "the number")

    redis.kill()
    redis.wait(10)
    for talk in talks:
        assert browser.ask(f"/inbox/{talk.pk}/typing/", active="1") == 204
        assert browser.ask(f"/inbox/{talk.pk}/send/", text="Without Redis") == 302
    for path in ("/", "/inbox/", f"/inbox/{talks[0].pk}/", "/contacts/", "/connections/"):
        assert browser.ask(path) == 200, path
    assert browser.ask("/readyz") == 503
    until(lambda: statuses() == {"read"}, "messages without Redis")

    kill_role(site, "sessions")
    for talk in talks:
        assert browser.ask(f"/inbox/{talk.pk}/send/", text="Without a worker") == 302
    with postgresql_away():
        for _ in range(3):
            assert browser.ask(f"/inbox/{talks[0].pk}/send/", text="Refused as a whole") >= 500
        time.sleep(1)
    until(lambda: browser.ask("/inbox/") == 200, "the pages")
    assert Message.objects.filter(direction="outbound").count() == 2 * len(talks)

    redis_server()
    until(lambda: statuses() == {"read"}, "the rest")
    until(lambda: browser.ask("/readyz") == 200, "a site that is ready")
    copies = SandboxMessage.objects.filter(from_me=True)
    assert set(copies.values_list("attempts", flat=True)) == {1}
    assert copies.count() == 2 * len(talks)

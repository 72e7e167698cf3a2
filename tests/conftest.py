"""The cast that every test may use, and the rules about services.

The cast: `owner`, `admin_member`, `teammate` (an agent) and `viewer` share `business`; `stranger` owns
`other_business`. `client_of(user)` is a browser in which that user is signed in.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.db import connection as database
from django.test import Client
from hypothesis import configuration as hypothesis_configuration
from hypothesis import settings as hypothesis_settings

from accounts.models import BusinessProfile, User
from accounts.roles import Role
from connections.models import SandboxPhone, WhatsAppConnection
from contacts.models import Contact
from messaging.models import Conversation
from tests import factories

hypothesis_configuration.set_hypothesis_home_dir(settings.TEST_RUN / "hypothesis")
hypothesis_settings.register_profile("whatsflow", deadline=None, database=None)  # no test is timed
hypothesis_settings.load_profile("whatsflow")

SERVICE_FIXTURES = {"require_postgres", "require_redis"}

# -- which tests run where -------------------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what asks for PostgreSQL or Redis as `services`: without the mark it would run nowhere."""
    for item in items:
        if SERVICE_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.services)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was skipped: each reason once, with the number of tests."""
    reports = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in reports)
    if reasons:
        terminalreporter.section("skipped")
        for reason, count in reasons.most_common():
            terminalreporter.line(f"{count:5} {reason}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the run's directory, once, in the process that started the run."""
    if not hasattr(config, "workerinput") and "WHATSFLOW_TEST_RUN" in os.environ:
        shutil.rmtree(os.environ["WHATSFLOW_TEST_RUN"], ignore_errors=True)


def missing(what: str) -> None:
    """Skip for want of a service, or fail where services are required (WHATSFLOW_REQUIRE_SERVICES=1)."""
    if os.environ.get("WHATSFLOW_REQUIRE_SERVICES") == "1":
        pytest.fail(f"{what}, but WHATSFLOW_REQUIRE_SERVICES=1")
    pytest.skip(what)


@pytest.fixture
def require_postgres(db: None) -> None:
    """Only on PostgreSQL."""
    if database.vendor != "postgresql":
        pytest.skip("about PostgreSQL alone: runs in the pass with DATABASE_URL")


@pytest.fixture
def require_sqlite(db: None) -> None:
    """Only on SQLite."""
    if database.vendor != "sqlite":
        pytest.skip("about SQLite alone: runs in the pass without DATABASE_URL")


@pytest.fixture
def require_redis() -> str:
    """Only with Redis; its URL."""
    if not settings.REDIS_URL:
        pytest.skip("about Redis alone: runs in the pass with REDIS_URL")
    try:
        redis.Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2).ping()
    except redis.RedisError as error:
        missing(f"Redis does not answer at REDIS_URL ({type(error).__name__})")
    return str(settings.REDIS_URL)


@pytest.fixture(scope="session")
def require_chromium() -> tuple[str, str]:
    """Paths of Chromium and its driver."""
    browser = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if not browser or not driver:
        missing("Chromium and chromedriver are not installed")
    return str(browser), str(driver)


# -- clean ground ----------------------------------------------------------------------------------


def forget_what_is_cached() -> None:
    """Empty this worker's cache. On Redis by its prefix: `clear` would take the others' sessions and limits too."""
    if not settings.REDIS_URL:
        cache.clear()
        return
    server = redis.Redis.from_url(settings.REDIS_URL)
    if found := list(server.scan_iter(f"{settings.CACHES['default']['KEY_PREFIX']}:*", count=1000)):
        server.delete(*found)
    server.close()


@pytest.fixture(autouse=True)
def _clean_cache() -> Iterator[None]:
    """Nothing cached goes from one test to the next."""
    yield
    if not settings.REDIS_URL:
        cache.clear()


@pytest.fixture
def media_root(settings, tmp_path: Path) -> Path:  # type: ignore[no-untyped-def]
    """An empty directory in which this test's files are kept."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture
def process_env(transactional_db: None) -> dict[str, str]:
    """Environment in which a real process (manage.py ...) works on this test's database, keys and files."""
    target = database.settings_dict
    if database.vendor == "sqlite":
        url = f"sqlite:///{target['NAME']}"
    else:
        place = f"{target['HOST']}:{target['PORT'] or 5432}/{target['NAME']}"
        url = f"postgres://{target['USER']}:{target['PASSWORD']}@{place}"
    chosen = {
        "DJANGO_SETTINGS_MODULE": "whatsflow.settings",
        "WHATSFLOW_NO_DOTENV": "1",
        "WHATSFLOW_HOME": str(settings.HOME),
        "DATABASE_URL": url,
        "REDIS_URL": settings.REDIS_URL,
    }
    return {**os.environ, **chosen}


# -- people ----------------------------------------------------------------------------------------


@pytest.fixture
def owner(db: None) -> User:
    return factories.UserFactory(email="owner@example.com", full_name="Olive Owner")


@pytest.fixture
def business(owner: User) -> BusinessProfile:
    return factories.BusinessFactory(user=owner, business_name="Blue Bakery")


def _member(business: BusinessProfile, role: str, full_name: str) -> User:
    user = factories.UserFactory(email=f"{role}@example.com", full_name=full_name)
    factories.MembershipFactory(user=user, business_profile=business, role=role)
    return user


@pytest.fixture
def admin_member(business: BusinessProfile) -> User:
    return _member(business, Role.ADMIN, "Ada Admin")


@pytest.fixture
def teammate(business: BusinessProfile) -> User:
    """An agent of `business`."""
    return _member(business, Role.AGENT, "Tim Teammate")


@pytest.fixture
def viewer(business: BusinessProfile) -> User:
    return _member(business, Role.VIEWER, "Vera Viewer")


@pytest.fixture
def stranger(db: None) -> User:
    """Owner of another business; never a member of `business`."""
    return factories.UserFactory(email="stranger@example.com", full_name="Sam Stranger")


@pytest.fixture
def other_business(stranger: User) -> BusinessProfile:
    return factories.BusinessFactory(user=stranger, business_name="Other Shop")


@pytest.fixture
def foreign(stranger: User, other_business: BusinessProfile) -> dict[str, Any]:
    """One row of each kind in the stranger's business, by the name of the parameter that would reach it."""
    from tests.matrix import CANARY
    from tests.one_of_each import one_of_each

    return one_of_each(other_business, stranger, CANARY)


@pytest.fixture
def client_of(db: None) -> Callable[..., Client]:
    """`client_of(user)`: a client in which `user` is signed in; `csrf=True` enforces CSRF tokens."""

    def sign_in(user: User, *, csrf: bool = False) -> Client:
        client = Client(enforce_csrf_checks=csrf)
        client.force_login(user, backend="accounts.backends.SessionBackend")
        return client

    return sign_in


# -- what they work with ---------------------------------------------------------------------------


@pytest.fixture
def connection(business: BusinessProfile) -> WhatsAppConnection:
    """A connected sandbox number of `business` with its simulated phone."""
    number = factories.ConnectionFactory(business_profile=business, phone_number="+9991000000001")
    factories.SandboxPhoneFactory(connection=number)
    return number


@pytest.fixture
def sandbox_phone(connection: WhatsAppConnection) -> SandboxPhone:
    return connection.sandbox_phone


@pytest.fixture
def contact(business: BusinessProfile) -> Contact:
    return factories.ContactFactory(
        business_profile=business, name="Carla Customer", phone_number="+9992000000001"
    )


@pytest.fixture
def conversation(business: BusinessProfile, contact: Contact, connection: WhatsAppConnection) -> Conversation:
    return factories.ConversationFactory(business_profile=business, contact=contact, connection=connection)

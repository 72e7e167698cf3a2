"""One real server a test process, and browsers for as many people as a journey needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.journeys.person import PASSWORD, Person
from tests.journeys.site import Site

_numbers = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every journey needs a browser and takes its time."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The server, stopped as Ctrl-C does at the end; it has to stop cleanly."""
    running = Site(
        tmp_path_factory.mktemp("home"), WHATSFLOW_MAX_SESSIONS="200"
    )  # one number and more a journey
    yield running
    assert running.stop() == 0, running.log()[-4000:]


@pytest.fixture
def new_person(
    site: Site, require_chromium: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Person]]:
    """`new_person()`: somebody with a browser of their own. Errors in any of the consoles fail the test."""
    people: list[Person] = []

    def make() -> Person:
        people.append(Person(site.url, require_chromium, tmp_path_factory.mktemp("profile")))
        return people[-1]

    yield make
    complaints = [complaint for person in people for complaint in person.complaints_of_browser()]
    for person in people:
        person.close()
    assert not complaints


@pytest.fixture(scope="session")
def demo(site: Site) -> Site:
    """The server, with the demonstration business in it."""
    site.manage("demo", "--contacts", "60", "--messages", "600", "--password", PASSWORD)
    return site


@pytest.fixture
def demo_owner(demo: Site, new_person: Callable[[], Person]) -> Person:
    """The owner of the demonstration business, signed in."""
    person = new_person()
    person.go("/accounts/login/")
    person.fill("username", "demo@example.com")
    person.fill("password", PASSWORD)
    person.press("Sign in")
    person.wait(lambda: person.path == "/", "the overview")
    return person


@pytest.fixture
def owner_of_sandbox(new_person: Callable[[], Person]) -> Person:
    """An owner with a business whose sandbox number is connected."""
    person = new_person()
    person.registers(f"owner{next(_numbers)}@example.com")
    person.founds("Blue Bakery")
    person.press("Try the sandbox")
    person.sees("Messages come in and go out", seconds=60)
    return person

"""A real number, in two real browsers: a person's on the dashboard, and the number's own on web.whatsapp.com.

WhatsApp and the phone are the stand-in's; Chromium, the wa-js bundle, the driver, the worker and the dashboard are
real.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connections.driver_stores.whatsapp_web import missing
from core.web import qr
from tests.connections.driver_contract import PICTURE, until
from tests.connections.whatsapp_web.rig import profiles
from tests.journeys.look import look
from tests.journeys.person import Person
from tests.journeys.site import Site
from tests.standin import Standin

READ = "#chat-messages .ticks-read"
Start = Callable[..., Site]


@pytest.fixture
def standin(require_chromium: tuple[str, str]) -> Iterator[Standin]:
    if words := missing():
        pytest.skip(words)
    with Standin() as running:
        running.phone.auto_receipt = 3
        yield running


@pytest.fixture
def start(standin: Standin, tmp_path: Path) -> Iterator[Start]:
    """`start()`: the installation, on the same home and port each time; `start(place)` stops at that place."""
    started: list[Site] = []

    def run(place: str = "") -> Site:
        more = {
            "WHATSAPP_WEB_BROWSER_ARGS": json.dumps(standin.browser_args),
            "WHATSFLOW_LEASE_SECONDS": "4",
            "WHATSFLOW_LOG_LEVEL": "DEBUG",
            "WHATSFLOW_FAILPOINTS": f"{place}:{tmp_path / 'reached'}" if place else "",
        }
        started.append(Site(tmp_path, port=started[0].port if started else 0, **more))
        return started[-1]

    yield run
    for site in started:
        site.kill()


@pytest.fixture
def olive(
    require_chromium: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Person]]:
    """`olive(url)`: the owner, with a browser that stays open while the server dies."""
    people: list[Person] = []

    def arrive(url: str) -> Person:
        people.append(Person(url, require_chromium, tmp_path_factory.mktemp("person")))
        return people[-1]

    yield arrive
    for person in people:
        person.close()


def test_from_the_scan_over_a_killed_worker_to_the_unlinking(
    start: Start, standin: Standin, olive: Callable[..., Person], tmp_path: Path
) -> None:
    phone, reached = standin.phone, tmp_path / "reached"
    site = start("outbox.sent")
    person = olive(site.url)
    person.registers("olive@example.com")
    person.founds("Blue Bakery")

    number, code = links_a_number(person, standin)
    key = phone.token
    phone.message_in("Is the blue bowl still there?", push_name="Ana Souza")
    person.go("/inbox/")
    person.sees("Is the blue bowl still there?", within="#inbox-list", seconds=40)
    person.press("Ana Souza")
    person.finds(".composer-text")
    with person.without_reload():
        phone.message_in("I would take it today.", push_name="Ana Souza")
        person.sees("I would take it today.")
        answers_with_a_picture(person, tmp_path)
        until(reached.exists, "the send")
        reached.unlink()
        person.finds(READ, seconds=40)
    sent = phone.sent[0]
    assert (sent.kind, sent.caption, sent.name) == ("image", "Here it is", "cup.png")

    person.type(".composer-text", "Shall I put it aside?")
    person.click("[data-send]")
    until(reached.exists, "the middle of the next send")
    site.kill()
    reached.unlink()
    phone.message_in("While nobody listened", push_name="Ana Souza")
    site = start()
    person.sees("While nobody listened", within="#chat-messages", seconds=90)
    person.wait(
        lambda: person.run("return document.querySelectorAll(arguments[0]).length", READ) == 2, READ, 60
    )
    assert [phone.copies(one.wa_id) for one in phone.sent] == [1, 1]
    person.go(person.path)
    person.finds(READ)
    shown = person.text("#chat-messages")
    for words in (
        *("Is the blue bowl still there?", "I would take it today.", "Here it is"),
        *("Shall I put it aside?", "While nobody listened"),
    ):
        assert shown.count(words) == 1, words

    person.go(number)
    person.sees("Messages come in and go out")
    person.sees("Chromium 1")
    phone.unlink()
    person.sees("Unlinked on the phone", seconds=40)
    until(lambda: not profiles(tmp_path / "sessions"), "the end of the browser")
    log = site.log()
    for secret in (code, code.split(",")[0], key, "blue bowl", "put it aside", "nobody listened"):
        assert secret not in log
    for file in tmp_path.glob("*.sqlite3*"):
        content = file.read_bytes()
        assert not [secret for secret in (code, code.split(",")[0], key) if secret.encode() in content], file


def test_a_gap_stays_on_the_page_until_it_is_healed_and_a_failed_look_up_is_no_verdict(
    start: Start, standin: Standin, olive: Callable[..., Person], tmp_path: Path
) -> None:
    phone = standin.phone
    site = start()
    person = olive(site.url)
    person.registers("olive@example.com")
    person.founds("Blue Bakery")
    number, _ = links_a_number(person, standin)
    phone.message_in("half \ud83d emoji", push_name="Ana Souza")
    person.go("/inbox/")
    person.sees("half \ufffd emoji", within="#inbox-list", seconds=40)

    site.kill()
    phone.message_in("missed", sender="+4915155500001", push_name="Bo Lind", unheard=True)
    standin.offline_arrives = "history"
    standin.without = {"WAWebDBMessageFindLocal"}
    site = start()
    person.go(number)
    person.sees("Catching up since", seconds=90)
    person.sees("WhatsApp Web has changed", seconds=60)
    assert not look(person, "number-catching-up")
    phone.message_in("live", sender="+4915155500002", push_name="Cy Moreau")
    person.go("/inbox/")
    person.sees("live", within="#inbox-list", seconds=40)
    assert "missed" not in person.text("#inbox-list")

    site.kill()
    standin.without = set()
    site = start()
    person.sees("missed", within="#inbox-list", seconds=90)
    person.go(number)
    person.wait(lambda: "Catching up since" not in person.text("#connection-state"), "the end of the gap", 60)
    person.sees("Fetched after a gap")

    phone.lookups_fail = "refused"
    phone.number_exists.add("+4915155500003")
    writes_to_somebody_new(person, "+4915155500003", "Your order is ready")
    until(lambda: "4915155500003@c.us" in phone.looked_up, "the failed question", seconds=60)
    assert not phone.sent
    phone.lookups_fail = ""
    until(lambda: [one.body for one in phone.sent] == ["Your order is ready"], "the message", seconds=90)
    assert phone.copies(phone.sent[0].wa_id) == 1
    person.sees_no("not on WhatsApp")


def links_a_number(person: Person, standin: Standin) -> tuple[str, str]:
    """Makes a number and scans exactly the code that the dashboard shows. Returns the number's page and the code."""
    person.go("/connections/new/")
    person.fill("name", "Shop")
    person.click("[name=mode][value=whatsapp-web]")
    person.press("Show the QR code")
    person.finds("svg.wf-qr", seconds=60)

    def same() -> str:
        code = standin.phone.qr
        drawn = person.run("return document.querySelector('svg.wf-qr path').getAttribute('d')")
        return code if code and f'd="{drawn}"' in qr.svg(code) else ""

    code = person.wait(same, "the phone's code on the dashboard", 40)
    standin.phone.scan(code)
    person.sees("Messages come in and go out", seconds=60)
    return person.path, code


def writes_to_somebody_new(person: Person, number: str, text: str) -> None:
    """Starts a conversation with a number that has never written."""
    person.go(f"/inbox/start/?phone={number.replace('+', '%2B')}")
    person.press("Start the conversation")
    person.finds(".composer-text")
    person.type(".composer-text", text)
    person.click("[data-send]")


def answers_with_a_picture(person: Person, tmp_path: Path) -> None:
    """Attaches a picture, writes below it and sends."""
    picture = tmp_path / PICTURE.name
    picture.write_bytes(PICTURE.data)
    person.attach(".composer-file", picture)
    person.finds(".composer-attachment")
    person.type(".composer-text", "Here it is")
    person.wait(lambda: person.run("return !document.querySelector('[data-send]').disabled"), "the upload")
    person.click("[data-send]")

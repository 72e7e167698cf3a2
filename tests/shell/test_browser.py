"""The frame's scripts in a real browser, with a socket that the test plays.

The server's own socket is tried by the journeys; here each frame, loss and close code comes when the test says so.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from accounts.models import User
from core.web.templatetags.whatsflow import time_text
from messaging.models import Conversation
from tests.journeys.person import DESKTOP, PHONE, Person

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def at_home(person: Person) -> Person:
    """On the overview, with its socket open."""
    person.go("/")
    person.wait(lambda: person.run("return window.sockets.length") == 1, "a socket")
    person.run("sockets[0].open()")
    return person


def heard(person: Person, name: str) -> list[Any]:
    return [detail for kind, detail in person.run("return window.heard") if kind == name]


def sockets(person: Person) -> int:
    return int(person.run("return window.sockets.length"))


def banner_is_shown(person: Person) -> bool:
    return not person.run("return document.getElementById('connection-banner').hidden")


def test_the_page_opens_one_socket_to_its_own_host(person: Person, live_server: Any) -> None:
    at_home(person)
    assert person.run("return sockets[0].url") == live_server.url.replace("http:", "ws:") + "/ws/live/"
    assert heard(person, "connected") == [None]


def test_every_frame_becomes_an_event_in_its_order(person: Person) -> None:
    at_home(person)
    person.run("sockets[0].say({type: 'message', message: 'a'}, {type: 'status', message: 'b'})")
    assert person.run("return heard.slice(1)") == [
        ["message", {"type": "message", "message": "a"}],
        ["status", {"type": "status", "message": "b"}],
    ]


def test_a_toast_is_text_whatever_it_says(person: Person) -> None:
    at_home(person)
    person.run("sockets[0].say({type: 'toast', level: 'info', message: '<img src=x> hello'})")
    person.sees("<img src=x> hello", within="#toasts")
    assert person.run("return document.querySelectorAll('#toasts img').length") == 0
    person.click("#toasts .wf-toast-close")
    person.sees_no("hello", within="#toasts")


def test_unread_conversations_show_in_badge_title_and_icon(person: Person) -> None:
    at_home(person)
    title = person.driver.title
    person.run("sockets[0].say({type: 'message', unread_total: 3})")
    person.sees("3", within=".wf-sidebar [data-unread-badge]")
    assert person.driver.title == f"(3) {title}"
    icon = "return document.querySelector('link[rel=icon]').href"
    person.wait(lambda: person.run(icon).startswith("data:image/png"), "a painted icon")
    person.run("sockets[0].say({type: 'message', unread_total: 0})")
    assert person.driver.title == title
    assert person.run(icon).endswith("favicon.svg")


def test_a_lost_connection_is_told_and_comes_back_with_advice_to_fetch(person: Person) -> None:
    at_home(person)
    assert not banner_is_shown(person)
    person.run("sockets[0].drop(1006)")
    person.wait(lambda: sockets(person) == 2, "another try")
    person.sees("may be out of date", within="#connection-banner", seconds=6)
    person.run("sockets.at(-1).open()")
    person.sees_no("may be out of date", within="#connection-banner")
    assert heard(person, "reconnected") == [None]


def test_a_short_loss_is_not_told(person: Person) -> None:
    at_home(person)
    person.run("sockets[0].drop(1006)")
    person.wait(lambda: sockets(person) == 2, "another try")
    person.run("sockets.at(-1).open()")
    assert heard(person, "reconnected") == [None]
    assert not banner_is_shown(person)


def test_the_network_coming_back_is_not_waited_for(person: Person) -> None:
    at_home(person)
    person.run("sockets[0].drop(1006); window.dispatchEvent(new Event('online'))")
    assert sockets(person) == 2


def test_an_ended_session_offers_to_sign_in_and_tries_no_more(person: Person) -> None:
    at_home(person)
    person.run("sockets[0].drop(4401)")
    person.sees("You have been signed out", within="#connection-banner")
    link = person.finds("#connection-banner a")
    assert link.get_attribute("href").endswith("/accounts/login/?next=%2F")
    person.run("window.dispatchEvent(new Event('online'))")
    assert sockets(person) == 1


def test_somebody_who_lost_their_place_gets_the_page_anew(person: Person) -> None:
    at_home(person)
    person.run("window.mark = 1; sockets[0].drop(4403)")
    person.wait(lambda: person.run("return window.mark") is None, "a reload")


def test_a_refused_socket_does_not_reload_for_ever(person: Person) -> None:
    person.go("/")
    person.wait(lambda: sockets(person) == 1, "a socket")
    person.run("window.mark = 1; sockets[0].drop(4403); window.dispatchEvent(new Event('online'))")
    assert person.run("return window.mark") == 1
    assert sockets(person) == 1


def test_a_page_too_many_says_so_and_follows_again_later(person: Person) -> None:
    at_home(person)
    person.run("sockets[0].drop(4429)")
    person.sees("Too many pages of WhatsFlow are open", within="#connection-banner")
    assert sockets(person) == 1
    person.run("document.dispatchEvent(new Event('visibilitychange'))")
    person.run("sockets[1].open()")
    assert not banner_is_shown(person)


def test_the_overview_follows_what_happens(person: Person, conversation: Conversation) -> None:
    at_home(person)
    person.sees("Carla Customer")
    Conversation.objects.filter(pk=conversation.pk).update(preview="A new cake, please")
    with person.without_reload():
        person.run("sockets[0].say({type: 'message', unread_total: 1})")
        person.sees("A new cake, please")


def test_times_say_the_same_on_both_sides(person: Person, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(time_zone="Asia/Kolkata")
    now = datetime(2026, 3, 12, 20, 30, tzinfo=UTC)
    moments = [
        now - timedelta(minutes=minutes) for minutes in (0, 4, 59, 61, 300, 1500, 8000, 12000, 90000, 600000)
    ]
    moments += [now + timedelta(minutes=3), datetime(2025, 9, 30, 18, 29, tzinfo=UTC)]
    styles = ("time", "day", "relative", "full")
    with timezone.override(ZoneInfo("Asia/Kolkata")):
        ours = [[time_text(moment, style, now) for style in styles] for moment in moments]
    at_home(person)
    theirs = person.driver.execute_async_script(
        "const [moments, styles, now, done] = arguments;"
        "import('/static/js/times.js').then(({words}) => done(moments.map((moment) =>"
        "  styles.map((style) => words(new Date(moment), style, new Date(now))))));",
        [moment.isoformat() for moment in moments],
        styles,
        now.isoformat(),
    )
    assert theirs == ours


def test_colours_change_at_once_and_stay(person: Person, owner: User) -> None:
    at_home(person)
    person.click(".wf-sidebar .wf-user-button")
    with person.without_reload():
        person.click(".wf-sidebar [name=theme][value=dark]")
        assert person.run("return document.documentElement.dataset.bsTheme") == "dark"
    person.wait(lambda: User.objects.get(pk=owner.pk).theme == "dark", "the choice to be kept")
    person.go("/no/such/page/")
    assert person.run("return document.documentElement.dataset.bsTheme") == "dark", (
        "pages without a user follow"
    )


def test_auto_follows_the_system_while_the_page_is_open(person: Person) -> None:
    at_home(person)
    assert person.run("return document.documentElement.dataset.bsTheme") == "light"
    person.dress(DESKTOP, "dark")
    theme = "return document.documentElement.dataset.bsTheme"
    person.wait(lambda: person.run(theme) == "dark", "dark colours")


FORM = """
const form = document.createElement("form");
form.id = "dangerous";
form.dataset.confirm = "Nothing will be left.";
form.dataset.confirmAction = "Delete all";
form.action = "/accounts/team/";
form.innerHTML = "<button name='sure' value='1'>Do it</button>";
document.querySelector("main").prepend(form);
"""


def test_what_is_dangerous_asks_first(person: Person) -> None:
    at_home(person)
    person.run(FORM)
    person.click("#dangerous button")
    person.sees("Nothing will be left.", within="#confirm-dialog")
    person.click("#confirm-dialog [value=cancel]")
    person.sees_no("Nothing will be left.", within="#confirm-dialog")
    assert person.path == "/"
    person.click("#dangerous button")
    person.click("#confirm-dialog [value=confirm]")
    person.wait(lambda: person.path == "/accounts/team/?sure=1", "the form to be sent with its button")


def test_shortcuts_leave_people_who_type_alone(person: Person) -> None:
    at_home(person)
    person.run("document.querySelector('main').insertAdjacentHTML('afterbegin', '<input id=field>')")
    person.type("#field", "?")
    assert not person.run("return document.getElementById('shortcuts-dialog').open")
    person.run("document.getElementById('field').blur()")
    person.type("body", "?")
    person.sees("Go to the inbox", within="#shortcuts-dialog")
    person.click("#shortcuts-dialog button")
    person.type("body", "gn")
    person.wait(lambda: person.path == "/connections/", "the numbers")


def test_shortcuts_can_be_switched_off(person: Person, owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(shortcuts_enabled=False)
    at_home(person)
    person.type("body", "?")
    assert not person.run("return document.getElementById('shortcuts-dialog').open")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_of_the_frame_please_axe_and_the_policy(
    person: Person, conversation: Conversation, size: tuple[int, int], theme: str
) -> None:
    person.dress(size, theme)
    at_home(person)
    person.complaints_of_browser()
    assert person.complaints_of_axe() == []
    assert person.run("return document.documentElement.scrollWidth <= window.innerWidth"), (
        "nothing sticks out"
    )
    person.run("document.getElementById('shortcuts-dialog').showModal()")
    assert person.complaints_of_axe() == []
    person.go("/no/such/page/")
    assert person.complaints_of_axe() == []
    complaints = [line for line in person.complaints_of_browser() if "404 (Not Found)" not in line]
    assert complaints == [], json.dumps(complaints, indent=1)

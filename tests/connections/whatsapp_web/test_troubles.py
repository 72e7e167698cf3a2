"""What goes wrong with WhatsApp, its page or the browser: each is told apart, survived, and said."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from selenium.common.exceptions import WebDriverException

from connections.drivers.base import (
    Chat,
    Limited,
    MessageKind,
    OutgoingMessage,
    Phase,
    SessionLost,
    Transient,
)
from connections.drivers.whatsapp_web import resource_usage, state_monitor
from connections.drivers.whatsapp_web.browser import Browser
from connections.drivers.whatsapp_web.driver import WhatsAppWebDriver
from tests.connections.driver_contract import in_phase, message_in, until
from tests.connections.whatsapp_web.rig import WebRig, profiles

pytestmark = [pytest.mark.browser, pytest.mark.slow]

STRANGER = "+4915177777777"


def text(driver: WhatsAppWebDriver, chat: Chat) -> OutgoingMessage:
    return OutgoingMessage(driver.new_message_id(chat), chat, MessageKind.TEXT, "Hello")


def test_whatsapps_limit_stops_new_chats_and_no_replies(rig: WebRig, talking: WhatsAppWebDriver) -> None:
    rig.standin.phone.limited = True
    rig.standin.phone.number_exists.add(STRANGER)
    chat = message_in(talking, rig.customer_writes("Hello")).chat
    with pytest.raises(Limited):
        talking.send(text(talking, Chat(phone=STRANGER)))
    reply = text(talking, chat)
    talking.send(reply)
    assert rig.copies(reply.wa_id) == 1
    rig.standin.phone.limited = False
    later = text(talking, Chat(phone=STRANGER))
    talking.send(later)
    assert rig.copies(later.wa_id) == 1


def test_what_the_page_stored_while_it_made_itself_ready_is_found(
    rig: WebRig, ready: WhatsAppWebDriver
) -> None:
    wa_id = rig.standin.phone.message_in("The first second", unheard=True)

    def missed() -> datetime | None:
        ready.state()
        return ready.missed_since()

    since = until(missed, "the note that something may have been missed")
    assert wa_id in [one.wa_id for one in ready.history(since).events]
    assert ready.missed_since() is None, "it is told once"


def test_a_crashed_tab_of_a_living_browser_is_a_lost_session_and_the_next_needs_no_scan(
    rig: WebRig, ready: WhatsAppWebDriver
) -> None:
    session = ready.save_session()
    in_phase(ready, Phase.READY)
    assert ready._browser is not None
    web = ready._browser._web
    assert web is not None
    with suppress(WebDriverException):
        web.get("chrome://crash")
    assert profiles(rig.home), "the browser itself lives"
    with pytest.raises(SessionLost) as lost:
        ready.number_exists(STRANGER)
    assert lost.value.reason == "browser_died"
    ready.close()
    again = rig.driver(session)
    in_phase(again, Phase.READY)
    assert message_in(again, rig.customer_writes("Still there?")).body == "Still there?"


def test_a_page_that_is_too_old_is_loaded_anew_once(rig: WebRig, ready: WhatsAppWebDriver) -> None:
    loads = len(rig.standin.pages)
    rig.standin.phone.stream_mode("DEPRECATED_VERSION")
    until(lambda: ready.state().phase != Phase.READY, "the end of the old page")
    in_phase(ready, Phase.READY)
    assert len(rig.standin.pages) == loads + 1
    wa_id = rig.customer_writes("After the update")
    assert message_in(ready, wa_id).body == "After the update"


def test_a_page_that_stays_too_old_ends_with_its_own_reason_and_keeps_the_login(rig: WebRig) -> None:
    rig.standin.deprecated = 10
    driver = rig.driver()
    rig.scan(in_phase(driver, Phase.QR))
    assert in_phase(driver, Phase.ENDED).reason == "outdated"
    assert (rig.home / str(rig.connection_id) / "last-failure.png").exists()


def test_a_page_that_stops_answering_says_so_and_is_given_up_after_a_while(
    rig: WebRig, ready: WhatsAppWebDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_monitor, "ANSWER_SECONDS", 1.0)
    session = ready.save_session()
    in_phase(ready, Phase.READY)
    browser = ready._browser
    assert browser is not None

    def hang(milliseconds: int) -> None:
        web = browser._web
        assert web is not None
        web.execute_script(
            "setTimeout((until) => { while (Date.now() < until); }, 200, Date.now() + arguments[0])",
            milliseconds,
        )
        until(lambda: ready.state().degraded == "no_answer", "the note")

    hang(4000)
    assert ready.state().phase == Phase.READY, "it is connected, only deaf"
    with pytest.raises(Transient) as refused:
        ready.send(text(ready, rig.customer))
    assert refused.value.code == "no_answer"
    until(lambda: ready.state().degraded == "", "an answer")
    assert message_in(ready, rig.customer_writes("Hello?")).body == "Hello?"

    monkeypatch.setattr(state_monitor, "HUNG_SECONDS", 3.0)
    hang(600_000)
    assert in_phase(ready, Phase.ENDED).reason == "no_answer"
    ready.close()
    monkeypatch.undo()
    again = rig.driver(session)
    in_phase(again, Phase.READY)
    assert message_in(again, rig.customer_writes("Still there?")).body == "Still there?"


def test_a_site_that_cannot_be_reached_is_said_at_once(rig: WebRig) -> None:
    rig.standin.stop()
    with pytest.raises(SessionLost, match="cannot be reached") as lost:
        in_phase(rig.driver(), Phase.QR)
    assert lost.value.reason == "not_ready"


def test_a_page_that_never_has_its_chats_ends_with_a_picture_of_it(
    rig: WebRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.standin.sync_seconds = 60.0
    driver = rig.driver()
    state = in_phase(driver, Phase.QR)
    monkeypatch.setattr(driver._monitor, "_options", replace(driver.options, ready_timeout=2.0))
    rig.scan(state)
    in_phase(driver, Phase.SYNCING)
    assert in_phase(driver, Phase.ENDED).reason == "not_ready"
    picture = rig.home / str(rig.connection_id) / "last-failure.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_mode & 0o077 == 0


def test_a_browser_is_started_anew_when_it_takes_too_much_or_whatsapp_has_a_newer_page(
    rig: WebRig, ready: WhatsAppWebDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def another_than(browser: Browser) -> Browser:
        until(lambda: ready.state().phase == Phase.READY and ready._browser is not browser, "another browser")
        assert ready._browser is not None
        return ready._browser

    first = ready._browser
    assert first is not None
    shown = ready.resource_usage()
    assert shown is not None
    assert shown.engine.startswith("Chromium 1")
    assert shown.memory is not None
    assert shown.memory > 50 * 2**20
    assert shown.cpu is not None
    assert shown.started_at is not None
    assert shown.started_at < datetime.now(UTC)

    monkeypatch.setattr(resource_usage, "MEASURE_SECONDS", 0.0)
    monkeypatch.setattr(resource_usage, "SPACING_SECONDS", 0.0)
    monkeypatch.setattr(first, "memory", lambda: ready.options.memory_limit + 1)
    assert message_in(ready, rig.customer_writes("Hello")).body == "Hello"
    ready.state()
    assert ready._browser is first, "somebody has just written"
    monkeypatch.setattr(resource_usage, "QUIET_SECONDS", 0.0)
    second = another_than(first)
    monkeypatch.setattr(resource_usage, "QUIET_SECONDS", 60.0)
    assert message_in(ready, rig.customer_writes("And now?")).body == "And now?"
    again = ready.resource_usage()
    assert again is not None
    assert again.archived_at is not None

    rig.standin.phone.needs_update()
    until(lambda: ready.state() and ready._monitor.update_wanted, "the word of a newer page")
    assert ready._browser is second, "somebody has just written"
    monkeypatch.setattr(resource_usage, "QUIET_SECONDS", 0.0)
    another_than(second)
    monkeypatch.setattr(resource_usage, "QUIET_SECONDS", 60.0)
    assert not ready._monitor.update_wanted
    assert message_in(ready, rig.customer_writes("And after the update?")).body == "And after the update?"

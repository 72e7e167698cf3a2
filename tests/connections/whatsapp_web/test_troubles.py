"""What goes wrong with WhatsApp, its page or the browser: each is told apart, survived, and said."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connections.drivers.base import Chat, Limited, MessageKind, OutgoingMessage, Phase, SessionLost
from connections.drivers.whatsapp_web import driver as web_driver
from connections.drivers.whatsapp_web import vitals
from connections.drivers.whatsapp_web.driver import WhatsAppWebDriver
from tests.connections.driver_contract import in_phase, message_in, take, until
from tests.connections.whatsapp_web.rig import WebRig, profiles

pytestmark = [pytest.mark.browser, pytest.mark.slow]

STRANGER = "+4915177777777"


def text(driver: WhatsAppWebDriver, chat: Chat) -> OutgoingMessage:
    return OutgoingMessage(driver.new_message_id(chat), chat, MessageKind.TEXT, "Hello")


def test_whatsapps_limit_stops_new_chats_and_no_replies(rig: WebRig, ready: WhatsAppWebDriver) -> None:
    rig.standin.phone.limited = True
    rig.standin.phone.number_exists.add(STRANGER)
    chat = message_in(ready, rig.customer_writes("Hello")).chat
    with pytest.raises(Limited):
        ready.send(text(ready, Chat(phone=STRANGER)))
    reply = text(ready, chat)
    ready.send(reply)
    assert rig.copies(reply.wa_id) == 1
    rig.standin.phone.limited = False
    later = text(ready, Chat(phone=STRANGER))
    ready.send(later)
    assert rig.copies(later.wa_id) == 1


def test_what_the_page_stored_while_it_made_itself_ready_is_found(
    rig: WebRig, ready: WhatsAppWebDriver
) -> None:
    wa_id = rig.standin.phone.message_in("The first second", unheard=True)

    def told() -> bool:
        ready.state()
        return wa_id in [getattr(event, "wa_id", "") for event in take(ready)]

    until(told, "the message")


def test_a_crashed_tab_of_a_living_browser_is_a_lost_session_and_the_next_needs_no_scan(
    rig: WebRig, ready: WhatsAppWebDriver
) -> None:
    session = ready.save_session()
    in_phase(ready, Phase.READY)
    assert ready._browser is not None
    web = ready._browser._web
    assert web is not None
    web.set_page_load_timeout(3)
    with pytest.raises(Exception, match=r"crash|[Tt]imed? ?out"):
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


def test_a_browser_that_takes_too_much_is_started_anew_when_nothing_is_going_on(
    rig: WebRig, ready: WhatsAppWebDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ready._browser
    shown = ready.vitals()
    assert shown is not None
    assert shown.engine.startswith("Chromium 1")
    assert shown.memory is not None
    assert shown.memory > 50 * 2**20
    assert shown.cpu is not None
    assert shown.started_at is not None
    assert shown.started_at < datetime.now(UTC)
    monkeypatch.setattr(ready._gauge, "is_too_large", lambda: True)
    assert message_in(ready, rig.customer_writes("Hello")).body == "Hello"
    ready.state()
    assert ready._browser is first, "somebody has just written"
    monkeypatch.setattr(web_driver, "QUIET_SECONDS", 0.0)
    until(lambda: ready.state().phase == Phase.READY and ready._browser is not first, "another browser")
    monkeypatch.undo()
    assert message_in(ready, rig.customer_writes("And now?")).body == "And now?"
    again = ready.vitals()
    assert again is not None
    assert again.archived_at is not None


def test_memory_is_measured_now_and_then_and_compared_with_the_cap(
    rig: WebRig, ready: WhatsAppWebDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = ready._browser
    assert browser is not None
    assert not ready._gauge.is_too_large()
    monkeypatch.setattr(type(browser), "memory", lambda self: 3 * 2**30)
    ready._gauge.look(browser)
    assert not ready._gauge.is_too_large(), "measured a moment ago"
    monkeypatch.setattr(vitals, "MEASURE_SECONDS", 0.0)
    ready._gauge.look(browser)
    assert ready._gauge.is_too_large()

"""What happened while nobody listened is read chat by chat: a chat that cannot be read blinds no other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from connections.drivers.base import POSTPONED, Phase, Transient
from connections.drivers.whatsapp_web import commands
from connections.drivers.whatsapp_web.driver import WhatsAppWebDriver
from tests.connections.driver_contract import in_phase, message_in, until
from tests.connections.whatsapp_web.rig import WebRig
from tests.standin import CUSTOMER

pytestmark = [pytest.mark.browser, pytest.mark.slow]

OTHER = "+4915155500001"
HALF = "\ud83d"
"""The first half of an emoji, as some phones send it when they cut a text."""


@pytest.fixture
def since(rig: WebRig) -> Iterator[datetime]:
    """Just before the test. Afterwards every chat can be read again."""
    yield datetime.now(UTC) - timedelta(minutes=1)
    rig.standin.phone.unreadable.clear()


def bodies(driver: WhatsAppWebDriver, since: datetime) -> list[str]:
    return [getattr(one, "body", "") for one in driver.history(since).events]


def test_half_an_emoji_anywhere_becomes_well_formed_text_and_hides_nothing(
    rig: WebRig, talking: WhatsAppWebDriver, since: datetime
) -> None:
    phone = rig.standin.phone
    for text in (f"half {HALF} emoji", f"{HALF}", f"\ude00 first {HALF}", "whole 😀 emoji", "\\ud83d typed"):
        wa_id = phone.message_in(text, push_name=f"Ana {HALF}")
        heard = message_in(talking, wa_id)
        expected = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        assert heard.body == expected
        assert heard.push_name == "Ana \ufffd"
        heard.body.encode()
    phone.message_in("", kind="document", media=b"%PDF", mime="application/pdf", name=f"a{HALF}.pdf")
    phone.message_in("", kind="poll_creation", pollName=HALF, pollOptions=[{"name": HALF}, {"name": "b"}])
    missed = phone.message_in("missed", sender=OTHER)
    message_in(talking, missed)
    found = talking.history(since)
    assert not found.failed_chats
    assert missed in [one.wa_id for one in found.events]
    repr(found).encode()
    assert {"half \ufffd emoji", "whole 😀 emoji", "\\ud83d typed", "missed"} <= set(bodies(talking, since))


@pytest.mark.parametrize(("fault", "code"), [("error", "failed"), ("hang", "timed_out")])
def test_a_chat_that_cannot_be_read_is_named_and_all_others_are_read(
    rig: WebRig, talking: WhatsAppWebDriver, since: datetime, fault: str, code: str
) -> None:
    phone = rig.standin.phone
    message_in(talking, phone.message_in("hidden"))
    message_in(talking, phone.message_in("missed", sender=OTHER))
    phone.unreadable[CUSTOMER] = fault
    found = talking.history(since)
    assert list(found.failed_chats.values()) == [code]
    assert "missed" in [getattr(one, "body", "") for one in found.events]
    assert "hidden" not in [getattr(one, "body", "") for one in found.events]
    phone.unreadable.clear()
    again = talking.history(since, list(found.failed_chats))
    assert not again.failed_chats
    assert "hidden" in [getattr(one, "body", "") for one in again.events]
    assert "missed" not in [getattr(one, "body", "") for one in again.events], "only what was left is read"


def test_reading_holds_nothing_up_for_long(
    rig: WebRig, talking: WhatsAppWebDriver, since: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    for sender in (CUSTOMER, OTHER):
        message_in(talking, rig.standin.phone.message_in("Hello", sender=sender))
    monkeypatch.setattr(commands, "HISTORY_SECONDS", -1.0)
    found = talking.history(since)
    assert set(found.failed_chats.values()) == {POSTPONED}
    assert len(found.failed_chats) >= 2
    assert not found.events


def test_what_is_older_than_an_hour_is_marked_as_late(rig: WebRig, talking: WhatsAppWebDriver) -> None:
    now = datetime.now(UTC)
    old = rig.standin.phone.message_in("old", at=(now - timedelta(hours=3)).timestamp(), unheard=True)
    new = rig.standin.phone.message_in("new", unheard=True)

    def late() -> dict[str, bool]:
        events = talking.history(now - timedelta(hours=4)).events
        return {one.wa_id: getattr(one, "backfilled", False) for one in events}

    until(lambda: new in late(), "the messages")
    assert (late()[old], late()[new]) == (True, False)


def test_a_page_without_a_way_to_read_its_chats_says_so_until_it_has_one_again(rig: WebRig) -> None:
    rig.standin.without = {"WAWebDBMessageFindLocal"}
    driver = rig.driver()
    rig.scan(in_phase(driver, Phase.QR))
    state = in_phase(driver, Phase.READY)
    assert state.degraded == "page_changed"
    assert driver._monitor.missing == ["history"]
    since = datetime.now(UTC) - timedelta(minutes=1)
    message_in(driver, rig.customer_writes("What comes is told"))
    with pytest.raises(Transient) as failed:
        driver.history(since)
    assert failed.value.code == "page_changed"
    session = driver.save_session()
    driver.close()
    rig.standin.without = set()
    again = rig.driver(session)
    assert in_phase(again, Phase.READY).degraded == ""
    assert "What comes is told" in bodies(again, since)


def test_a_page_that_goes_away_while_it_is_read_leaves_the_rest_for_later(
    rig: WebRig, talking: WhatsAppWebDriver, since: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = rig.standin.phone
    message_in(talking, phone.message_in("one"))
    message_in(talking, phone.message_in("two", sender=OTHER))
    monkeypatch.setattr(commands, "CHAT_SECONDS", 0.5)
    phone.unreadable[OTHER] = "hang"
    found = talking.history(since)
    assert set(found.failed_chats.values()) == {"no_answer"}
    assert next(reversed(found.failed_chats)) == f"{OTHER.lstrip('+')}@c.us", "what hung comes last"

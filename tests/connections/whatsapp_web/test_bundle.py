"""The real wa-js bundle in a real Chromium on the stand-in: all that our bridge names is there, and works."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connections.drivers.whatsapp_web import capabilities
from tests.standin import CUSTOMER, Standin
from tests.standin.browser import BUNDLE, ROOT, Browser, eventually

pytestmark = [pytest.mark.browser, pytest.mark.slow]

BRIDGE = (ROOT / "connections" / "drivers" / "whatsapp_web" / "bridge.js").read_text(encoding="utf-8")
EVENTS = sorted(set(re.findall(r'"((?:conn|chat|loader)\.[a-z_]+)"', BRIDGE)))
CALLED = {f"WPP.{name}" for name in re.findall(r"\bW\(\)\.([\w.]+\w)", BRIDGE)}
NEWER = {"WPP.whatsapp.functions.msgFindQuery"}
"""Parts of WhatsApp that the stand-in does not have, as it has the older ones that do instead."""
NAMES = sorted(path.removeprefix("WPP.") for path in CALLED | set(capabilities.required_paths()) - NEWER)
CHAT = f"{CUSTOMER.removeprefix('+')}@c.us"
LISTEN = """
window.told = JSON.parse(sessionStorage.getItem("told") || "[]");
for (const name of %s) WPP.on(name, (first) => {
  told.push([name, String(first && (first.id || first.ids || first.mode) || first)]);
  sessionStorage.setItem("told", JSON.stringify(told));
});
"""
SEND = """
const [chat, id, text, file] = args;
const made = await WPP.chat.generateMessageID(await WPP.chat.find(chat));
const messageId = new WPP.whatsapp.MsgKey({fromMe: true, remote: made.remote, id, participant: made.participant});
const options = {messageId, linkPreview: false, markIsRead: false, detectMentioned: false, delay: 0, waitForAck: false};
if (!file) return (await WPP.chat.sendTextMessage(chat, text, options)).id;
const picture = new File([new Uint8Array(file)], "cup.png", {type: "image/png"});
const more = {type: "image", caption: text, filename: "cup.png", mimetype: "image/png"};
return (await WPP.chat.sendFileMessage(chat, picture, {...options, ...more})).id;
"""
Opener = Callable[..., Browser]


@pytest.fixture
def new_browser(standin: Standin, require_chromium: tuple[str, str], tmp_path: Path) -> Iterator[Opener]:
    """`new_browser()`: one more Chromium, always on the same profile."""
    opened: list[Browser] = []

    def make(**more: Any) -> Browser:
        listening = LISTEN % EVENTS
        opened.append(Browser(standin, require_chromium, tmp_path / "profile", extra=listening, **more))
        opened[-1].open()
        return opened[-1]

    yield make
    for browser in opened:
        browser.quit()


@pytest.fixture
def linked(new_browser: Opener, standin: Standin) -> Browser:
    """A browser whose QR code was scanned."""
    browser = new_browser()
    assert browser.ready()
    assert eventually(lambda: standin.qr)
    standin.scan()
    assert browser.connected()
    return browser


def told(browser: Browser, name: str) -> list[str]:
    """What came with each event of this name, also before a reload."""
    kept = browser.web.execute_script("return sessionStorage.getItem('told')")
    return [what for event, what in json.loads(kept or "[]") if event == name]


def test_the_bridge_names_something() -> None:
    assert len(NAMES) > 20
    assert len(EVENTS) > 15


def test_the_canary_looks_for_all_that_the_bridge_calls_and_for_nothing_that_it_does_not() -> None:
    assert CALLED - set(capabilities.required_paths()) == set()
    assert set(capabilities.CALLS) - CALLED == set()
    assert BRIDGE.count("W().") == len(re.findall(r"\bW\(\)\.[a-z]", BRIDGE)), "each call names what it calls"
    assert len(re.findall(r"\bWPP\b", BRIDGE)) == 2, "the page's own object is reached by W() alone"


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_of_the_bridge_is_one_that_the_bundle_emits(event: str) -> None:
    source = BUNDLE.read_text(encoding="utf-8")
    assert re.search(rf"emit(Async)?\(\"{re.escape(event)}\"", source)


def test_everything_that_the_bridge_names_exists_in_the_bundle(linked: Browser) -> None:
    missing = linked.run(
        """const [names] = args;
        return names.filter((name) => name.split(".").reduce((at, key) => at?.[key], WPP) === undefined);""",
        NAMES,
    )
    assert missing == []


def test_the_qr_code_is_the_one_that_the_phone_scans(new_browser: Opener, standin: Standin) -> None:
    browser = new_browser()
    assert browser.ready()
    assert eventually(lambda: standin.qr)
    first = standin.qr
    assert browser.run("return (await WPP.conn.getAuthCode()).fullCode") == first
    assert browser.run("return (await WPP.conn.refreshQR()).fullCode") != first
    standin.qr_idle()
    assert eventually(lambda: told(browser, "conn.qrcode_idle"))
    assert browser.run("return await WPP.conn.getAuthCode()") is None


def test_a_code_typed_on_the_phone_links_too(new_browser: Opener, standin: Standin) -> None:
    browser = new_browser()
    assert browser.ready()
    code = browser.run("return await WPP.conn.startLinkDeviceCodeForPhoneNumber('4915110000001', true)")
    assert len(code) == 8
    standin.pairing(code)
    assert browser.connected()


def test_text_and_picture_go_out_once_with_the_id_given(linked: Browser, standin: Standin) -> None:
    standin.number_exists.add(CUSTOMER)
    assert linked.run(SEND, CHAT, "3EB0AA", "Hello") == f"true_{CHAT}_3EB0AA"
    assert linked.run(SEND, CHAT, "3EB0BB", "A cup", list(b"picture")) == f"true_{CHAT}_3EB0BB"
    assert eventually(lambda: len(standin.sent) == 2)
    assert [(sent.wa_id, sent.kind, sent.text, sent.media) for sent in standin.sent] == [
        ("3EB0AA", "chat", "Hello", b""),
        ("3EB0BB", "image", "A cup", b"picture"),
    ]
    standin.receipt("3EB0AA", 3)
    assert eventually(lambda: told(linked, "chat.msg_ack_change").count(f"true_{CHAT}_3EB0AA") == 3)


def test_messages_come_in_and_their_media_too(linked: Browser, standin: Standin) -> None:
    hidden = f"false_{CHAT}_{standin.message_in('Secret', ciphertext=True)}"
    picture = f"false_{CHAT}_{standin.message_in('Look', media=b'picture', mime='image/png')}"
    own = f"true_{CHAT}_{standin.typed_on_phone('From the phone')}"
    assert eventually(lambda: told(linked, "chat.new_message") == [hidden, hidden, picture, own])
    assert linked.run("return (await WPP.chat.getMessageById(args[0])).body", hidden) == "Secret"
    script = "const blob = await WPP.chat.downloadMedia(args[0]); return [blob.type, await blob.text()]"
    assert linked.run(script, picture) == ["image/png", "picture"]


def test_what_happens_to_a_message_later_is_told(linked: Browser, standin: Standin) -> None:
    wa_id = standin.message_in("Helo")
    standin.edit(wa_id, "Hello")
    standin.react(wa_id, "👍")
    standin.revoke(wa_id)
    standin.typing()
    for event in ("chat.msg_edited", "chat.new_reaction", "chat.msg_revoke", "chat.presence_change"):
        assert eventually(lambda event=event: told(linked, event)), event


def test_a_login_survives_a_clean_quit(new_browser: Opener, linked: Browser, standin: Standin) -> None:
    linked.quit()
    standin.message_in("While you were away")
    again = new_browser()
    assert again.connected()
    assert [message["body"] for message in again.run(f"return await WPP.chat.getMessages('{CHAT}')")] == [
        "While you were away"
    ]


def test_unlinking_on_the_phone_is_told_with_its_reason(linked: Browser, standin: Standin) -> None:
    standin.unlink("account_locked")
    assert eventually(lambda: told(linked, "conn.logout"))
    assert told(linked, "conn.logout_reason") == ["account_locked"]
    assert eventually(lambda: standin.qr)


def test_a_headless_user_agent_is_refused(new_browser: Opener, standin: Standin) -> None:
    browser = new_browser(agent="Mozilla/5.0 AppleWebKit/537.36 HeadlessChrome/140.0.0.0 Safari/537.36")
    assert "update Chrome" in browser.web.page_source
    assert standin.refused_agents


def test_the_policy_of_the_page_lets_no_script_in(linked: Browser) -> None:
    refused = linked.run(
        """const script = document.createElement("script");
        try { script.text = "window.got = 1"; } catch (error) { return error.name; }
        document.body.append(script);
        return window.got === 1 ? "ran" : "refused";"""
    )
    assert refused == "TypeError"

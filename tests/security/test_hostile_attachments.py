"""Files that try to act in the inbox, in a real browser: each is kept, shown by its name and only ever downloaded.

The browser's console is part of the test: the content security policy has nothing to refuse (see `new_person`).
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.journeys.conftest import new_person, owner_of_sandbox, site
from tests.journeys.person import Person
from tests.journeys.test_hostile_words import _post

__all__ = ["new_person", "owner_of_sandbox", "site"]
pytestmark = [pytest.mark.browser, pytest.mark.slow]

SCRIPT = "<script>window.hacked=1;document.title='hacked'</script>"
FILES = {
    "page.html": f"<!doctype html><title>page</title>{SCRIPT}",
    "picture.svg": f'<svg xmlns="http://www.w3.org/2000/svg" onload="window.hacked=1">{SCRIPT}</svg>',
    "polyglot.gif": f"GIF89a/*{SCRIPT}*/=1;window.hacked=1",
    "polyglot.pdf": f"%PDF-1.4\n{SCRIPT}",
    "film.mp4": f"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom{SCRIPT}",
    "song.mp3": f"ID3\x03\x00\x00\x00{SCRIPT}",
    "run.js": "window.hacked=1",
    "invoice.pdf\u202efdp.exe": "MZ\x00\x00\x00",
    '"><img src=x onerror=window.hacked=1>.txt': "text",
}
SEND = """
const [path, name, content, done] = arguments;
const form = new FormData();
form.set("csrfmiddlewaretoken", document.querySelector("[name=csrfmiddlewaretoken]").value);
form.set("text", "");
form.set("upload", new File([Uint8Array.from(content, (one) => one.charCodeAt(0))], name));
fetch(path, {method: "POST", body: form}).then((answer) => done(answer.status));
"""
ADDRESSES = """
return [...document.querySelectorAll(".message-file[href], .message-video, .message-audio")]
  .map((one) => one.href || one.src);
"""
HEADERS = """
const [address, done] = arguments;
fetch(address).then((answer) => done(Object.fromEntries(answer.headers)));
"""
ACTED = """
return window.hacked !== undefined || document.title === "hacked" || document.querySelector("img[src='x']") !== null;
"""


def test_files_that_try_to_be_pages_are_only_downloaded(owner_of_sandbox: Person) -> None:
    olive = owner_of_sandbox
    number = olive.path
    customer = _post(olive, f"{number}phone/customers/new/", name="Carla", persona="quiet")
    olive.go(customer)
    for name, content in FILES.items():
        assert olive.driver.execute_async_script(SEND, f"{customer}write/", name, content) in (200, 302)
    olive.go("/inbox/")
    olive.wait(lambda: "Carla" in olive.text(), "the conversation")
    olive.driver.execute_script(
        "[...document.querySelectorAll('[data-open]')].find((one) => one.textContent.includes('Carla')).click()"
    )
    olive.wait(lambda: len(olive.run(ADDRESSES)) == len(FILES), "every file", 60)
    assert not olive.run(ACTED)
    shown = olive.text()
    for name in ("page.html", "picture.svg", "polyglot.gif", "polyglot.pdf", "run.js", "fdp.exe"):
        assert name in shown
    assert "EXE ·" in shown
    assert "\u202e" not in shown

    inbox = olive.path
    for address in olive.run(ADDRESSES):
        headers: dict[str, Any] = olive.driver.execute_async_script(HEADERS, address)
        kind = headers["content-type"]
        assert kind in (
            "application/octet-stream",
            "application/pdf",
            "text/plain",
            "video/mp4",
            "audio/mpeg",
        )
        inline = kind.startswith(("video/", "audio/"))
        assert headers["content-disposition"].startswith("inline" if inline else "attachment")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"].startswith("sandbox; default-src 'none'")
        olive.go(address)  # what is a download leaves the page as it is
        assert not olive.run(ACTED), headers
        if (
            inline
        ):  # a player by itself is sandboxed too, and says on the console that it may not fetch the film
            olive.complaints_of_browser()
        olive.go(inbox)

"""A campaign from the first word to the last recipient, with a browser, and how its pages look."""

from __future__ import annotations

import re
from pathlib import Path

from PIL import Image

from tests.journeys.look import look
from tests.journeys.person import Person

CONFIRM = "[data-confirm-button]"


def test_a_campaign_is_written_tried_sent_paused_and_read_off(
    owner_of_sandbox: Person, tmp_path: Path
) -> None:
    olive = owner_of_sandbox
    picture = tmp_path / "plate.png"
    Image.new("RGB", (320, 200), "#c8503c").save(picture)
    olive.go("/inbox/")
    olive.sees("STOP", within="#inbox-list", seconds=60)
    olive.go("/campaigns/")
    olive.sees("No campaign yet")
    complaints = look(olive, "campaigns-first")

    _writes(olive, picture)
    complaints += look(olive, "campaign-builder")
    olive.press("Save and look at the dry run")
    olive.sees("people get it")
    complaints += look(olive, "campaign-draft")
    olive.fill("phone", "+999 200 000 0001")
    olive.press("Send me a test")
    olive.sees("It does not count")

    olive.press("Send it…")
    olive.sees("what has left cannot be called back")
    olive.run("const it = document.getElementById('campaign-state'); it.replaceWith(it.cloneNode(true))")
    olive.click(CONFIRM)
    olive.sees("Sending")
    olive.wait(lambda: _done(olive) >= 1, "the first message")
    olive.press("Pause")
    olive.sees("Nothing more leaves until it is resumed")
    complaints += look(olive, "campaign-paused")
    held = _done(olive)
    olive.go(olive.path)
    assert _done(olive) <= held + 1  # one may have been on its way
    olive.press("Resume")
    olive.wait(lambda: not olive.run("return !!document.getElementById('resume')"), "the page that follows")
    with olive.without_reload():
        olive.sees("Completed", seconds=60)
    complaints += look(olive, "campaign-done")

    olive.press("Recipients")
    olive.sees("Ana Souza")
    complaints += look(olive, "campaign-ledger")
    olive.click(".wf-ledger td:nth-child(2) a")
    olive.sees("Campaign Spring", within="#chat-messages")
    olive.go("/campaigns/templates/new/")
    complaints += look(olive, "campaign-template")
    assert not complaints, "\n".join(complaints)


def _writes(olive: Person, picture: Path) -> None:
    """A name, a text with a variable, a picture; the phone beside it follows."""
    olive.press("Write your first campaign")
    olive.fill("name", "Spring")
    with olive.without_reload():
        olive.type("main [name=message_content]", "Hello ")
        olive.click("[data-variable=first_name]")
        olive.type("main [name=message_content]", ", *20 %* off")
        olive.sees("Hello Sofia, 20 % off", within="#preview")
        olive.sees("Opted out", within="#audience-count")
        olive.attach("main [name=upload]", picture)
        olive.sees_picture("#preview [data-upload-preview] img")
        olive.click("[name=target_type][value=custom]")
        olive.fill("numbers", "+999 123 456 7890\nnonsense")
        olive.sees("Not a phone number", within="#audience-count")
        olive.click("[name=target_type][value=all]")
        olive.sees("Hello Sofia, 20 % off", within="#preview")


def _done(olive: Person) -> int:
    """How many recipients have a final state, as the page says."""
    found = re.search(r"(\d+) of \d+ done", olive.text("#campaign-state"))
    return int(found[1]) if found else 0

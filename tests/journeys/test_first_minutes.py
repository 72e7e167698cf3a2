"""The main job, end to end: from registering to a chat with simulated customers whose ticks turn blue."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from PIL import Image

from tests.journeys.person import ENTER, PASSWORD, Person

WATCH_TICKS = """
window.seenTicks = [];
new MutationObserver(() => {
  const all = document.querySelectorAll("#chat-messages .message-out .ticks");
  const ticks = all[all.length - 1];
  const state = ticks && [...ticks.classList].find((name) => name.startsWith("ticks-"));
  if (state && seenTicks[seenTicks.length - 1] !== state) seenTicks.push(state);
}).observe(document.getElementById("chat-messages"), {subtree: true, childList: true, attributes: true});
"""
ORDER = ["ticks-queued", "ticks-sending", "ticks-sent", "ticks-delivered", "ticks-read"]


def test_a_newcomer_chats_with_simulated_customers_within_minutes(new_person: Callable[[], Person]) -> None:
    olive = new_person()
    olive.registers("newcomer@example.com")
    olive.founds("Blue Bakery")
    olive.press("Try the sandbox")
    olive.finds("svg.wf-qr")
    olive.sees("The simulated phone scans this code by itself")
    with olive.without_reload():
        olive.sees("Messages come in and go out")
    olive.press("Open the inbox")
    olive.finds("#inbox-list")
    with olive.without_reload():
        olive.sees("Ana Souza", within="#inbox-list")
        olive.sees("Are you open today?", within="#inbox-list")
        olive.press("Ana Souza")
        olive.finds(".composer-text")
        olive.run(WATCH_TICKS)
        olive.type(".composer-text", "Yes, until six o'clock.", ENTER)
        olive.sees("Yes, until six o'clock.", within="#chat-messages")
        olive.finds("#chat-messages .message-out .ticks-read", seconds=40)
    seen = olive.run("return window.seenTicks")
    assert seen[-1] == "ticks-read"
    assert seen == sorted(seen, key=ORDER.index), f"The ticks went {seen}"
    assert olive.finds("#chat-messages .ticks-read").get_attribute("aria-label")


def test_what_is_written_on_the_sandbox_phone_shows_live_to_the_whole_team(
    owner_of_sandbox: Person, new_person: Callable[[], Person]
) -> None:
    olive = owner_of_sandbox
    tim = _teammate(olive, new_person())
    olive.go("/inbox/")
    tim.go("/inbox/")
    phone = _on_the_phone(olive, new_person())
    with olive.without_reload(), tim.without_reload():
        phone.type("#phone-text", "Is my cake ready?", ENTER)
        for person in (olive, tim):
            person.sees("Is my cake ready?", within="#inbox-list")
        tim.press("Zoe Journey")
        tim.finds(".composer-text")
        tim.type(".composer-text", "It is, come by!", ENTER)
        olive.sees("It is, come by!", within="#inbox-list")
        phone.sees("It is, come by!", within="#phone-messages")


def test_a_customers_picture_is_shown_in_the_inbox(
    owner_of_sandbox: Person, new_person: Callable[[], Person], tmp_path: Path
) -> None:
    olive = owner_of_sandbox
    phone = _on_the_phone(olive, new_person())
    picture = tmp_path / "broken cup.png"
    picture.write_bytes(_png())
    phone.attach("#phone-composer [type=file]", picture)
    phone.sees("With broken cup.png")
    phone.type("#phone-text", "It came broken", ENTER)
    phone.finds("#phone-messages img")
    olive.go("/inbox/")
    olive.sees("It came broken", within="#inbox-list")
    olive.press("Zoe Journey")
    olive.sees("It came broken", within="#chat-messages")
    olive.sees_picture("#chat-messages .message-picture img")


def test_a_picture_from_the_inbox_reaches_the_customer(
    owner_of_sandbox: Person, new_person: Callable[[], Person], tmp_path: Path
) -> None:
    olive = owner_of_sandbox
    phone = _on_the_phone(olive, new_person())
    phone.type("#phone-text", "Show me the cake", ENTER)
    olive.go("/inbox/")
    olive.sees("Show me the cake", within="#inbox-list")
    olive.press("Zoe Journey")
    picture = tmp_path / "cake.png"
    picture.write_bytes(_png())
    olive.attach(".composer-file", picture)
    olive.finds(".composer-attachment")
    olive.type(".composer-text", "Here it is")
    olive.click("[data-send]")
    phone.sees("Here it is", within="#phone-messages", seconds=40)
    phone.sees_picture("#phone-messages .wf-bubble-in img")


def _teammate(olive: Person, tim: Person) -> Person:
    """Invite somebody by link; they join with a browser of their own."""
    olive.go("/accounts/team/invite/")
    olive.press("Make the link")
    tim.go(str(olive.finds("#invitation-link").get_attribute("value")))
    tim.press("Create an account and join")
    tim.fill("full_name", "Tim Teammate")
    tim.fill("email", f"tim-{olive.run('return Date.now()')}@example.com")
    tim.fill("password", PASSWORD)
    tim.press("Create account and join")
    tim.wait(lambda: "register" not in tim.path, "an account that has joined")
    return tim


def _on_the_phone(olive: Person, somebody: Person) -> Person:
    """A second browser of the owner, at a customer's chat on the sandbox phone."""
    somebody.go("/accounts/login/")
    for cookie in olive.driver.get_cookies():
        somebody.driver.add_cookie({"name": cookie["name"], "value": cookie["value"]})
    somebody.go("/connections/")
    somebody.click("h2 a")
    somebody.press("Open the sandbox phone")
    somebody.click("#phone-tab-customers")
    somebody.click("#new-customer")
    somebody.fill("name", "Zoe Journey")
    somebody.press("Add this customer")
    somebody.sees("seen by Zoe Journey")
    return somebody


def _png() -> bytes:
    drawn = BytesIO()
    Image.new("RGB", (320, 200), (190, 120, 40)).save(drawn, "PNG")
    return drawn.getvalue()

"""A key is made, its page shows the first message with the key filled in, and the documentation is tried with it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from selenium.webdriver.common.keys import Keys

from tests.journeys.person import DESKTOP, PHONE, Person

SIZES = {"desktop": DESKTOP, "phone": PHONE}


def _shoot(person: Person, name: str) -> None:
    for (size, metrics), theme in product(SIZES.items(), ("light", "dark")):
        person.dress(metrics, theme)
        person.settled()
        person.shoot(f"{name}-{size}-{theme}")
        assert not person.is_wider_than_the_window(), f"{name}, {size}: the page scrolls sideways"
    person.dress(DESKTOP, "light")


def _makes_a_key(person: Person) -> str:
    person.go("/accounts/keys/new/")
    person.fill("name", "Web shop")
    person.press("Make the key")
    field = person.finds("#api-key")
    return str(field.get_attribute("value"))


def _opens(person: Person, section: str, operation: str) -> str:
    """Find an operation by the filter (what is out of sight is not drawn) and unfold it; where it is in the page."""
    person.type(".operation-filter-input", Keys.CONTROL, "a", Keys.NULL, section)
    place = f"[id='operations-{section}-{operation}']"
    person.click(f"{place} .opblock-summary-control")
    person.finds(f"{place} .execute")
    return place


def test_a_key_is_made_and_the_documentation_tried_with_it(
    owner_of_sandbox: Person, new_person: Callable[[], Person]
) -> None:
    olive = owner_of_sandbox
    key = _makes_a_key(olive)
    examples = olive.text("main")
    assert f"export WHATSFLOW_API_KEY={key}" in examples
    assert f"export WHATSFLOW_URL={olive.url}" in examples
    olive.go("/api/docs/")
    olive.sees("Authentication", seconds=60)
    olive.click(".auth-wrapper .authorize")
    olive.type("#api_key_value", key)
    olive.click(".auth-container:has(#api_key_value) button.authorize")
    olive.click(".btn-done")
    reading = _opens(olive, "Business", "business_retrieve")
    olive.click(f"{reading} .execute")
    olive.sees("Blue Bakery", within=f"{reading} .live-responses-table")
    sending = _opens(olive, "Messages", "messages_send")
    olive.click(f"{sending} .execute")
    olive.sees("201", within=f"{sending} .live-responses-table .response-col_status")
    _shoot(olive, "api-docs-tried")
    olive.go("/inbox/")
    olive.sees("Hello from WhatsFlow!", within="#inbox-list")


def test_anybody_may_read_the_documentation(new_person: Callable[[], Person]) -> None:
    anybody = new_person()
    anybody.go("/api/docs/")
    anybody.sees("Authentication", seconds=60)
    anybody.type(".operation-filter-input", "Messages")
    anybody.sees("Send a message")
    _shoot(anybody, "api-docs")

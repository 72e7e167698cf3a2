"""Every page as people see it: on a desk and on a phone, light and dark, with no complaint of axe-core.

The pictures are kept in var/screenshots/ to be looked at.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.journeys.look import look
from tests.journeys.person import ENTER, Person

NOWHERE = "/inbox/00000000-0000-7000-8000-000000000000/"
BEFORE_SIGNING_IN = {
    "login": "/accounts/login/",
    "register": "/accounts/register/",
    "password-reset": "/accounts/password/reset/",
}
OF_THE_SHELL = {
    "home": "/",
    "inbox": "/inbox/",
    "start": "/inbox/start/",
    "numbers": "/connections/",
    "number-new": "/connections/new/",
    "team": "/accounts/team/",
    "invite": "/accounts/team/invite/",
    "profile": "/accounts/profile/",
    "password": "/accounts/password/",
    "second-step": "/accounts/second-step/",
    "close-account": "/accounts/profile/close/",
    "quick-replies": "/inbox/replies/",
    "business": "/accounts/businesses/edit/",
    "log": "/accounts/businesses/log/",
    "business-new": "/accounts/businesses/new/",
    "not-found": NOWHERE,
}
OF_CUSTOMERS = {
    "contacts": "/contacts/",
    "contact-new": "/contacts/new/",
    "tags": "/contacts/tags/",
    "fields": "/contacts/fields/",
    "rules": "/contacts/rules/",
    "rule-new": "/contacts/rules/new/",
    "opt-out-words": "/contacts/consent/",
    "campaigns": "/campaigns/",
    "campaign-new": "/campaigns/new/",
    "templates": "/campaigns/templates/",
    "template-new": "/campaigns/templates/new/",
}
OF_PROGRAMS_AND_FIGURES = {
    "analytics": "/analytics/",
    "analytics-contacts": "/analytics/contacts/",
    "analytics-campaigns": "/analytics/campaigns/",
    "keys": "/accounts/keys/",
    "key-new": "/accounts/keys/new/",
    "webhooks": "/connections/webhooks/",
    "webhook-new": "/connections/webhooks/new/",
    "webhook-events": "/connections/webhooks/events/",
    "webhook-log": "/connections/webhooks/deliveries/",
}


def test_pages_before_signing_in_please_axe(new_person: Callable[[], Person]) -> None:
    anybody = new_person()
    complaints: list[str] = []
    for name, path in BEFORE_SIGNING_IN.items():
        anybody.go(path)
        complaints += look(anybody, name)
    anybody.registers("looker@example.com")
    complaints += look(anybody, "first-business")
    anybody.founds("Blue Bakery")
    for name, path in (("home-first", "/"), ("inbox-first", "/inbox/"), ("numbers-first", "/connections/")):
        anybody.go(path)
        complaints += look(anybody, name)
    assert not complaints, "\n".join(complaints)


def test_pages_of_the_shell_please_axe(owner_of_sandbox: Person) -> None:
    olive = owner_of_sandbox
    olive.go("/inbox/")
    olive.sees("Are you open today?", within="#inbox-list")
    complaints: list[str] = []
    for name, path in OF_THE_SHELL.items():
        olive.go(path)
        complaints += look(olive, name)
    missing = olive.complaints_of_browser()
    assert all(NOWHERE in complaint for complaint in missing), missing
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize("pages", [OF_CUSTOMERS, OF_PROGRAMS_AND_FIGURES], ids=["customers", "programs"])
def test_pages_of_the_demo_please_axe(demo_owner: Person, pages: dict[str, str]) -> None:
    complaints: list[str] = []
    for name, path in pages.items():
        demo_owner.go(path)
        complaints += look(demo_owner, name)
    assert not complaints, "\n".join(complaints)


def test_a_contact_of_the_demo_pleases_axe(demo_owner: Person) -> None:
    demo_owner.go("/contacts/")
    demo_owner.click("main table tbody a[href^='/contacts/']")
    demo_owner.sees("Notes")
    complaints = look(demo_owner, "contact")
    assert not complaints, "\n".join(complaints)


def test_a_conversation_pleases_axe(owner_of_sandbox: Person) -> None:
    olive = owner_of_sandbox
    olive.go("/inbox/")
    olive.sees("The corner is completely crushed", seconds=60)
    olive.press("Priya Nair")
    olive.type(".composer-text", "I am sorry! A new plate is on its way.", ENTER)
    olive.finds("#chat-messages .message-out .ticks-read", seconds=40)
    olive.sees_picture("#chat-messages .message-picture img")
    complaints = look(olive, "conversation")
    assert not complaints, "\n".join(complaints)


def test_pages_of_a_number_please_axe(owner_of_sandbox: Person) -> None:
    olive = owner_of_sandbox
    number = olive.path
    complaints = look(olive, "number-connected")
    for name in ("logout", "delete"):
        olive.go(f"{number}{name}/")
        complaints += look(olive, f"number-{name}")
    olive.go("/connections/new/")
    olive.click("[name=mode][value=sandbox]")
    olive.press("Show the QR code")
    olive.finds("svg.wf-qr")
    complaints += look(olive, "number-qr")
    olive.press("Stop")
    olive.sees("Its messages wait")
    complaints += look(olive, "number-resting")
    assert not complaints, "\n".join(complaints)


@pytest.mark.parametrize("screen", ["devices", "customers", "new", "chat"])
def test_the_sandbox_phone_pleases_axe(owner_of_sandbox: Person, screen: str) -> None:
    olive = owner_of_sandbox
    olive.press("Open the sandbox phone")
    if screen != "devices":
        olive.click("#phone-tab-customers")
        olive.sees("Ana Souza", within="#phone")
    if screen == "new":
        olive.click("#new-customer")
        olive.finds("#phone [name=persona]")
    if screen == "chat":
        olive.click(".wf-phone-chats a")
        olive.type("#phone-text", "Do you have gluten-free bread as well?", ENTER)
        olive.sees("gluten-free", within="#phone-messages")
    complaints = look(olive, f"sandbox-{screen}")
    assert not complaints, "\n".join(complaints)

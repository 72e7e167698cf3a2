"""A number by hand: scanned, unlinked, taken offline, deleted, and every state told in plain words."""

from __future__ import annotations

from tests.journeys.person import Person


def test_a_number_made_by_hand_waits_for_a_person_to_scan_it(owner_of_sandbox: Person) -> None:
    olive = owner_of_sandbox
    olive.go("/connections/new/")
    olive.fill("name", "Second shop")
    olive.click("[name=mode][value=sandbox]")
    olive.press("Show the QR code")
    olive.finds("svg.wf-qr")
    olive.sees("Code 1 of 5")
    olive.press("Scan it on the sandbox phone")
    olive.press("Type or paste a code")
    olive.type("details textarea", "2@from-somewhere-else")
    olive.press("Use this code")
    olive.sees("This is not the code that this number shows")
    olive.press("Scan the code on the dashboard")
    olive.sees("The phone scanned the code")
    olive.press("The number")
    olive.sees("Messages come in and go out")


def test_every_end_of_a_login_has_its_own_words(owner_of_sandbox: Person) -> None:
    olive = owner_of_sandbox
    number = olive.path
    olive.press("Open the sandbox phone")
    olive.click("#phone-unlink")
    olive.sees("not linked", within="#phone")
    olive.go(number)
    olive.sees("Unlinked on the phone")
    olive.press("Connect")
    olive.sees("Messages come in and go out")
    olive.press("Disconnect")
    olive.sees("Its messages wait")


def test_a_number_is_deleted_by_typing_its_name(owner_of_sandbox: Person) -> None:
    olive = owner_of_sandbox
    olive.press("Delete…")
    olive.sees("Disconnect it first")
    olive.press("Disconnect")
    olive.sees("Its messages wait")
    olive.press("Delete…")
    olive.fill("confirmation", "something else")
    olive.press("Delete Sandbox")
    olive.sees("This is not the name")
    olive.fill("confirmation", "Sandbox")
    olive.press("Delete Sandbox")
    olive.sees("Sandbox was deleted.")
    olive.sees("No number yet")

"""A business finds, sorts and keeps its contacts with a browser; and how the pages on the way look."""

from __future__ import annotations

from tests.journeys.person import DESKTOP, ENTER, PHONE, Person

LOOKS = ((DESKTOP, "light"), (PHONE, "dark"))


def test_contacts_are_found_sorted_and_looked_at(owner_of_sandbox: Person) -> None:
    olive = owner_of_sandbox
    complaints: list[str] = []
    olive.go("/inbox/")
    olive.sees("The corner is completely crushed", seconds=60)
    olive.go("/contacts/")
    olive.sees("Priya Nair")
    complaints += _look(olive, "contacts")
    _tags_by_keyboard_and_takes_it_back(olive)
    _finds_and_keeps_a_segment(olive)
    olive.go("/contacts/")
    olive.click("[data-check-all]")
    complaints += _look(olive, "contacts-chosen")
    olive.press("Add to campaign")
    complaints += _look(olive, "contacts-campaign")
    olive.click("#bulk-campaign [name=action]")
    olive.sees("Go on with the campaign", seconds=40)
    complaints += _look(olive, "job-campaign")
    olive.go("/contacts/?q=priya")
    olive.press("Priya Nair")
    complaints += _card(olive)
    for name in ("tags", "rules/new", "fields", "consent"):
        olive.go(f"/contacts/{name}/")
        complaints += _look(olive, f"contacts-{name.replace('/', '-')}")
    assert not complaints, "\n".join(complaints)


def _tags_by_keyboard_and_takes_it_back(olive: Person) -> None:
    with olive.without_reload():
        olive.type("body", "j", "j", "x")
        olive.sees("1 chosen")
        olive.type("body", "k", "x")
        olive.sees("2 chosen")
    olive.click("[name=action][value=tag]")
    assert olive.path == "/contacts/", "a tag has to be named first"
    olive.fill("tag", "Fresh")
    olive.click("[name=action][value=tag]")
    olive.sees("Tag contacts: Fresh")
    olive.press("Undo")
    olive.click("#confirm-dialog [data-confirm-button]")
    olive.sees("Restored", seconds=40)


def _finds_and_keeps_a_segment(olive: Person) -> None:
    olive.go("/contacts/")
    with olive.without_reload():
        olive.type("body", "/")
        olive.type("[data-search]", "priya")
        olive.sees("1 contact", within="#contacts-results")
        assert olive.path == "/contacts/?q=priya&sort=recent"
        olive.press("Filter")
        olive.choose("[name=opted_out]", "false")
        olive.press("Show them")
        olive.sees("not opted out", within="#contacts-results")
    olive.fill("name", "Not lost")
    olive.type("main [name=name]", ENTER)
    olive.sees("The segment Not lost is saved")
    assert olive.finds(".contacts-segment[aria-current]").text == "Not lost"


def _card(olive: Person) -> list[str]:
    olive.finds("#contact")
    with olive.without_reload():
        olive.fill("body", "Likes rye bread.")
        olive.press("Keep")
        olive.sees("Olive Owner", within=".contact-notes")
        olive.fill("note", "On the phone")
        olive.press("Opt out")
        olive.sees("gets no campaigns")
        olive.press("History with proof")
        olive.sees("On the phone", within=".contact-proofs")
    complaints = _look(olive, "contact")
    card = olive.path
    olive.go(f"{card}merge/?q=tom")
    olive.press("Compare")
    olive.sees("Merge into Priya Nair")
    return complaints + _look(olive, "contact-merge")


def _look(person: Person, name: str) -> list[str]:
    complaints: list[str] = []
    for metrics, theme in LOOKS:
        person.dress(metrics, theme)
        person.settled()
        where = f"{name}-{'phone' if metrics == PHONE else 'desktop'}-{theme}"
        person.shoot(where)
        complaints += [f"{where}: {complaint}" for complaint in person.complaints_of_axe()]
        if person.is_wider_than_the_window():
            complaints.append(f"{where}: the page scrolls sideways")
    person.dress(DESKTOP, "light")
    return complaints

"""Bringing in a list of customers with a browser, and how the pages on the way look."""

from __future__ import annotations

from itertools import product
from pathlib import Path

from tests.journeys.person import DESKTOP, PHONE, Person

PEOPLE = (
    "Name;Handy;E-Mail;Ort\r\nAnna Ängström;07400 123456;anna@example.com;London\r\n"
    "Béla Bartók;+36 30 123 4567;;Budapest\r\nDüsseldorf;4,47701E+11;;\r\nشركة المثال;+971 50 123 4567;;Dubai\r\n"
)


def test_a_list_of_customers_is_brought_in(owner_of_sandbox: Person, tmp_path: Path) -> None:
    olive = owner_of_sandbox
    file = tmp_path / "kunden.csv"
    file.write_bytes(PEOPLE.encode())
    complaints: list[str] = []
    olive.go("/contacts/import/")
    complaints += _look(olive, "import-file")
    olive.attach("#import-file", file)
    olive.sees("kunden.csv")
    olive.press("Look at the file")
    olive.sees("This number has no country code", within="#import-preview")
    with olive.without_reload():
        olive.choose("#import-country", "GB")
        olive.sees("+44 7400 123456", within="#import-preview")
        olive.choose("#target-3", "new:text")
        olive.sees("3 of the first 4 rows", within="#import-preview")
    complaints += _look(olive, "import-columns")
    olive.press("Import 4 rows")
    olive.sees("New contacts", seconds=40)
    olive.sees("Could not be taken in")
    olive.finds("main a[download]")
    complaints += _look(olive, "import-done")
    olive.go("/jobs/")
    olive.sees("Import of kunden.csv")
    complaints += _look(olive, "jobs")
    assert not complaints, "\n".join(complaints)


def _look(person: Person, name: str) -> list[str]:
    complaints: list[str] = []
    for (size, metrics), theme in product({"desktop": DESKTOP, "phone": PHONE}.items(), ("light", "dark")):
        person.dress(metrics, theme)
        person.settled()
        person.shoot(f"{name}-{size}-{theme}")
        complaints += [f"{name}, {size}, {theme}: {complaint}" for complaint in person.complaints_of_axe()]
        if person.is_wider_than_the_window():
            complaints.append(f"{name}, {size}, {theme}: the page scrolls sideways")
    person.dress(DESKTOP, "light")
    return complaints

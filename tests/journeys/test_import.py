"""Bringing in a list of customers with a browser, and how the pages on the way look."""

from __future__ import annotations

from pathlib import Path

from tests.journeys.look import look
from tests.journeys.person import Person

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
    complaints += look(olive, "import-file")
    olive.attach("#import-file", file)
    olive.sees("kunden.csv")
    olive.press("Look at the file")
    olive.choose("#import-country", "")
    olive.sees("This number has no country code", within="#import-preview")
    with olive.without_reload():
        olive.choose("#import-country", "GB")
        olive.sees("+44 7400 123456", within="#import-preview")
        olive.choose("#target-3", "new:text")
        olive.sees("3 of the first 4 rows", within="#import-preview")
    complaints += look(olive, "import-columns")
    olive.press("Import 4 rows")
    olive.sees("New contacts", seconds=40)
    olive.sees("Could not be taken in")
    olive.finds("main a[download]")
    complaints += look(olive, "import-done")
    olive.go("/jobs/")
    olive.sees("Import of kunden.csv")
    complaints += look(olive, "jobs")
    assert not complaints, "\n".join(complaints)


def test_a_list_whose_numbers_lack_the_plus_is_asked_about(owner_of_sandbox: Person, tmp_path: Path) -> None:
    olive = owner_of_sandbox
    file = tmp_path / "list.csv"
    file.write_bytes(
        b"Name,Phone\r\nAsha,919876543210\r\nBilal,919876543211\r\nFixed,2212345678\r\n"
        + b"Cem,905321234567\r\n" * 17
    )
    olive.go("/contacts/import/")
    olive.attach("#import-file", file)
    olive.press("Look at the file")
    olive.choose("#import-country", "")
    olive.sees("Are these numbers complete?")
    olive.sees("+91 98765 43210", within="#import-preview tbody")
    with olive.without_reload():
        olive.click("[name=full_numbers][value=no]")
        olive.sees_no("+91 98765 43210", within="#import-preview tbody")
        olive.click("[name=full_numbers][value=yes]")
        olive.sees("+91 98765 43210", within="#import-preview tbody")
    complaints = []
    olive.run("document.getElementById('import-preview').scrollIntoView()")
    complaints += look(olive, "import-full-numbers")
    assert not complaints, "\n".join(complaints)

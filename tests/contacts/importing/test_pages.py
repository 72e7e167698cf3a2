"""The import's pages, step by step, and the export's door."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from accounts.models import BusinessProfile, User
from contacts.exporting import exports
from contacts.models import Contact, ContactImport
from jobs import runner
from jobs.models import Job
from tests import factories
from tests.contacts.importing import samples
from tests.contacts.importing.samples import csv_bytes

Browser = Callable[..., Client]
FILE = csv_bytes([["Name", "Phone", "City"], ["Anna", "+447400123456", "Bath"], ["Bad", "4.47701E+11", ""]])


def uploaded(client: Client, content: bytes = FILE, name: str = "people.csv") -> ContactImport:
    answer = client.post(reverse("contact_files:import"), {"file": SimpleUploadedFile(name, content)})
    assert answer.status_code == 302, answer.content.decode()[-500:]
    return ContactImport.objects.latest("id")


def at(source: ContactImport, step: str) -> str:
    return reverse(f"contact_files:{step}", args=[source.pk])


CHOICES = {"target": ["name", "phone", "new:text"], "country": "GB", "duplicates": "update", "tag": "May"}


def test_from_the_file_to_the_summary(
    client_of: Browser, owner: User, business: BusinessProfile, media_root: Path
) -> None:
    client = client_of(owner)
    assert "Nothing is taken in before" in client.get(reverse("contact_files:import")).content.decode()
    source = uploaded(client)
    page = client.get(at(source, "import_detail")).content.decode()
    assert "+44 7400 123456" in page
    assert "last digits are lost" in page
    assert "1 of the first 2 rows" in page
    answer = client.post(at(source, "import_start"), CHOICES)
    assert answer["Location"] == at(source, "import_detail")
    assert "Waiting" in client.get(at(source, "import_detail")).content.decode()
    runner.run_due()
    page = client.get(at(source, "import_detail")).content.decode()
    assert "New contacts" in page
    assert "rejects-" in page
    anna = Contact.objects.get()
    assert (anna.name, anna.metadata) == ("Anna", {"city": "Bath"})
    assert "people.csv" in client.get(reverse("contact_files:import")).content.decode()


def test_the_preview_follows_the_choices(
    client_of: Browser, owner: User, business: BusinessProfile, media_root: Path
) -> None:
    client = client_of(owner)
    source = uploaded(client)
    htmx = {"HX-Request": "true"}
    answer = client.post(at(source, "import_preview"), CHOICES, headers=htmx).content.decode()
    assert "<h1" not in answer
    assert "+44 7400 123456" in answer
    wrong = {**CHOICES, "target": ["phone", "name", ""]}
    answer = client.post(at(source, "import_preview"), wrong, headers=htmx).content.decode()
    assert "not a phone number" in answer
    nothing = {**CHOICES, "target": ["", "", ""]}
    answer = client.post(at(source, "import_preview"), nothing, headers=htmx).content.decode()
    assert "which column holds the phone numbers" in answer


def test_a_file_that_cannot_be_read_is_refused_on_the_page(
    client_of: Browser, owner: User, business: BusinessProfile, media_root: Path
) -> None:
    client = client_of(owner)
    for content in (b"%PDF-1.4", b"", samples.xlsx(["x"])[:200]):
        file = SimpleUploadedFile("x.csv", content)
        answer = client.post(reverse("contact_files:import"), {"file": file})
        assert answer.status_code == 422
        assert 'role="alert"' in answer.content.decode()
    assert client.post(reverse("contact_files:import")).status_code == 422
    assert not ContactImport.objects.exists()


def test_the_file_can_be_read_anew_and_forgotten(
    client_of: Browser, owner: User, business: BusinessProfile, media_root: Path
) -> None:
    client = client_of(owner)
    source = uploaded(client, csv_bytes([["Łódź", "+447400123456"]], encoding="cp1250"))
    page = client.post(
        at(source, "import_reading"), {"encoding": "cp1250", "delimiter": ","}
    ).content.decode()
    assert "Łódź" in page
    assert client.post(at(source, "import_reading"), {"encoding": "x", "delimiter": ","}).status_code == 422
    client.post(at(source, "import_discard"))
    assert not ContactImport.objects.exists()
    assert not list((media_root / "imports").rglob("*.*"))


def test_cells_and_names_are_text(
    client_of: Browser, owner: User, business: BusinessProfile, media_root: Path
) -> None:
    evil = "<script>alert(1)</script>"
    content = csv_bytes([[evil, "Phone"], [evil, "+447400123456"], [evil, "x"]])
    source = uploaded(client_of(owner), content, name="<i>.csv")
    page = client_of(owner).get(at(source, "import_detail")).content.decode()
    assert "<script>alert" not in page
    assert "<i>" not in page


def test_viewers_may_neither_import_nor_export(
    client_of: Browser, viewer: User, business: BusinessProfile
) -> None:
    source = factories.ContactImportFactory(business_profile=business)
    client = client_of(viewer)
    assert client.get(reverse("contact_files:import")).status_code == 403
    assert client.get(at(source, "import_detail")).status_code == 403
    assert client.post(reverse("contact_files:export"), {"all": "1"}).status_code == 403


def test_a_small_export_comes_at_once_and_a_large_one_as_a_job(
    client_of: Browser, owner: User, business: BusinessProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.ContactFactory(business_profile=business, name="Anna")
    factories.ContactFactory(business_profile=business, name="Béla")
    client, path = client_of(owner), reverse("contact_files:export")
    asked = {"all": "1", "filter": json.dumps({"q": "Anna"}), "format": "csv"}
    answer = client.post(path, asked)
    content = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    assert "Anna" in content
    assert "Béla" not in content
    assert answer["Content-Disposition"].startswith('attachment; filename="contacts-')
    assert answer["X-Content-Type-Options"] == "nosniff"
    monkeypatch.setattr(exports, "AT_ONCE", 1)
    answer = client.post(path, {"all": "1", "format": "xlsx"})
    assert answer["Location"] == reverse("jobs:detail", args=[Job.objects.get().pk])
    assert client.post(path, {"all": "1", "filter": "["}).status_code == 422
    assert client.post(path, {"format": "csv"}).status_code == 422


COMPLETE = csv_bytes([["Name", "Phone"], ["Asha", "919876543210"], ["Bilal", "919876543211"]])


def test_the_wizard_says_that_numbers_lack_only_the_plus_and_asks(
    client_of: Browser, owner: User, business: BusinessProfile, media_root: Path
) -> None:
    client = client_of(owner)
    source = uploaded(client, COMPLETE)
    page = client.get(at(source, "import_detail")).content.decode()
    assert "Are these numbers complete?" in page
    assert "+91 98765 43210 (IN)" in page
    choices = {"target": ["name", "phone"], "country": "", "duplicates": "update"}
    refused = client.post(at(source, "import_preview"), {**choices, "full_numbers": "no"}).content.decode()
    assert "Are these numbers complete?" in refused
    assert "has no country code" in refused
    national = client.post(at(source, "import_preview"), {**choices, "country": "BR"}).content.decode()
    assert "Are these numbers complete?" not in national
    client.post(at(source, "import_start"), {**choices, "full_numbers": "yes"})
    runner.run_due()
    assert set(Contact.objects.values_list("phone_number", flat=True)) == {"+919876543210", "+919876543211"}


def test_the_question_follows_the_column_that_holds_the_numbers(
    client_of: Browser, owner: User, business: BusinessProfile, media_root: Path
) -> None:
    client = client_of(owner)
    rows = [["Phone", "Second"], ["6175550123", "919876543210"], ["6125550123", "919876543211"]]
    source = uploaded(client, csv_bytes(rows))
    assert "Are these numbers complete?" not in client.get(at(source, "import_detail")).content.decode()
    other = {"target": ["", "phone"], "country": "", "duplicates": "update"}
    assert "Are these numbers complete?" in client.post(at(source, "import_preview"), other).content.decode()


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("+49 151 23456730; +49 151 23456731", "+4915123456730"),
        ("+49 151 23456732 / 030 901850", "+4915123456732"),
        ("0151 23456734 oder 030 901852", "+4915123456734"),
        ("+49 151 23456733, +49 30 901851", "+4915123456733"),
        ("lunch, 0151 23456735", "+4915123456735"),
    ],
)
def test_of_several_numbers_in_a_cell_the_first_is_taken(
    client_of: Browser, owner: User, business: BusinessProfile, media_root: Path, cell: str, number: str
) -> None:
    client = client_of(owner)
    source = uploaded(client, csv_bytes([["Phone", "Name"], [cell, "Ann"]]))
    client.post(
        at(source, "import_start"), {"target": ["phone", "name"], "country": "DE", "duplicates": "update"}
    )
    runner.run_due()
    assert Contact.objects.get().phone_number == number

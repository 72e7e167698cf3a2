"""Contacts as files, and back."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from openpyxl import load_workbook

from accounts.models import AuditEntry, BusinessProfile, User
from contacts.exporting import exports
from contacts.exporting import job as exporting
from contacts.models import Contact
from contacts.services import consent, tags
from contacts.services import fields as custom_fields
from core.errors import InvalidInput
from jobs import runner, services
from jobs.models import Job
from tests import factories
from tests.contacts.importing.conftest import started

pytestmark = pytest.mark.services


@pytest.fixture
def people(business: BusinessProfile, owner: User, other_business: BusinessProfile) -> list[Contact]:
    factories.ContactFactory(business_profile=other_business, name="Theirs")
    custom_fields.create(business, owner, label="City")
    made = [
        factories.ContactFactory(
            business_profile=business, name="Anna, Ängström; née\nX", phone_number="+447400123456",
            email="anna@example.com", metadata={"city": "London"}, country="GB",
        ),
        factories.ContactFactory(
            business_profile=business, name='=HYPERLINK("http://evil")', phone_number="+36301234567",
            metadata={"city": "  @SUM(1)"},
        ),
    ]  # fmt: skip
    tags.add(business, [made[0].pk], tags.find_or_create(business, owner, ["VIP", "Lead"]))
    consent.opt_out(business, [made[1].pk], how="team")
    return made


def exported(business: BusinessProfile, owner: User, fmt: str, **params: Any) -> bytes:
    asked = exports.to_params(business, fmt=fmt, ids=params.get("ids"), filters=params.get("wanted", {}))
    return b"".join(exports.at_once(business, owner, asked))


def test_a_csv_has_everything_and_nothing_that_is_calculated(
    business: BusinessProfile, owner: User, people: list[Contact]
) -> None:
    content = exported(business, owner, "csv").decode("utf-8-sig")
    anna, evil = csv.DictReader(io.StringIO(content, newline=""))
    assert anna["Name"] == "Anna, Ängström; née\nX"
    assert (anna["Phone"], anna["Tags"], anna["City"]) == ("+447400123456", "Lead; VIP", "London")
    assert evil["Name"] == '\'=HYPERLINK("http://evil")'
    assert evil["City"] == "'  @SUM(1)"
    assert (anna["Opted out"], evil["Opted out"]) == ("no", "yes")
    assert "Theirs" not in content
    assert AuditEntry.objects.filter(action="contacts.exported").count() == 1


def test_a_workbook_holds_text_as_text(business: BusinessProfile, owner: User, people: list[Contact]) -> None:
    sheet = load_workbook(io.BytesIO(exported(business, owner, "xlsx"))).active
    assert sheet is not None
    rows = list(sheet.iter_rows())
    assert [cell.value for cell in rows[0]][:3] == ["Name", "Phone", "E-mail"]
    assert {cell.data_type for row in rows[1:] for cell in row} <= {"s", "n", "b", "d"}
    assert rows[1][1].value == "+447400123456"


def test_a_vcard_can_be_read_by_others(business: BusinessProfile, owner: User, people: list[Contact]) -> None:
    import vobject

    anna, evil = vobject.readComponents(exported(business, owner, "vcard").decode())
    assert anna.fn.value == "Anna, Ängström; née X"
    assert anna.tel.value == "tel:+447400123456"
    assert anna.email.value == "anna@example.com"
    assert evil.fn.value == '=HYPERLINK("http://evil")'


@pytest.mark.parametrize("fmt", ["csv", "xlsx", "vcard"])
def test_what_was_exported_can_be_imported_and_is_the_same(
    business: BusinessProfile, owner: User, people: list[Contact], media_root: Path, fmt: str
) -> None:
    before = list(
        Contact.objects.filter(business_profile=business)
        .order_by("pk")
        .values("phone_number", "email", "metadata")
    )
    content = exported(business, owner, fmt)
    job = started(business, owner, content, mapping={"Opted out": "opted_out"})
    runner.run_due()
    job.refresh_from_db()
    assert job.summary["created"] == job.summary["rejected"] == 0
    assert Contact.objects.filter(business_profile=business, name='=HYPERLINK("http://evil")').count() == 1
    after = Contact.objects.filter(business_profile=business).order_by("pk")
    assert list(after.values("phone_number", "email", "metadata")) == [
        {**row, "metadata": {key: _read(value, fmt) for key, value in row["metadata"].items()}}
        for row in before
    ]


def _read(value: str, fmt: str) -> str:
    """Cells are read without the blanks around them; cards hold no custom fields."""
    return value if fmt == "vcard" else value.strip()


def test_only_the_chosen_or_those_who_pass_the_filter(
    business: BusinessProfile, owner: User, other_business: BusinessProfile, people: list[Contact]
) -> None:
    theirs = Contact.objects.get(name="Theirs")
    content = exported(business, owner, "csv", ids=[str(people[0].pk), str(theirs.pk)]).decode()
    assert "Anna" in content
    assert "evil" not in content
    assert "Theirs" not in content
    assert "evil" in exported(business, owner, "csv", wanted={"opted_out": True}).decode()
    for wrong in ({"fmt": "exe", "ids": None}, {"fmt": "csv", "ids": []}, {"fmt": "csv", "ids": ["x"]}):
        with pytest.raises(InvalidInput):
            exports.to_params(business, filters={}, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("fmt", ["csv", "xlsx", "vcard"])
def test_a_large_export_is_a_job_with_a_file(
    business: BusinessProfile, owner: User, people: list[Contact], media_root: Path,
    monkeypatch: pytest.MonkeyPatch, fmt: str,
) -> None:  # fmt: skip
    params = exports.to_params(business, fmt=fmt, ids=None, filters={})
    assert exports.is_small(business, params)
    monkeypatch.setattr(exports, "AT_ONCE", 1)
    assert not exports.is_small(business, params)
    job = exports.start(business, owner, params)
    runner.run_due()
    job.refresh_from_db()
    assert (job.state, job.summary["exported"], job.file_type) == (Job.State.DONE, 2, exporting.TYPES[fmt])
    with default_storage.open(job.file) as file:
        assert len(file.read()) == job.file_size > 100


def test_a_stopped_export_keeps_no_file(
    business: BusinessProfile,
    owner: User,
    people: list[Contact],
    media_root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = exports.start(business, owner, exports.to_params(business, fmt="csv", ids=None, filters={}))
    real = exporting.write

    def write(*args: Any) -> Any:
        services.cancel(business, owner, job.pk)
        return real(*args)

    monkeypatch.setattr(exporting, "write", write)
    runner.run_due()
    job.refresh_from_db()
    assert (job.state, job.file, job.file_name) == (Job.State.CANCELLED, "", "")


def test_pages_take_few_queries(
    business: BusinessProfile, owner: User, people: list[Contact], django_assert_num_queries
) -> None:  # type: ignore[no-untyped-def]
    pieces = exports.at_once(business, owner, exports.to_params(business, fmt="csv", ids=None, filters={}))
    with django_assert_num_queries(5):
        b"".join(pieces)

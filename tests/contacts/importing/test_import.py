"""What an import does to a business's contacts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core import serializers
from django.core.files.storage import default_storage
from django.db import IntegrityError

from accounts.models import BusinessProfile, User
from contacts import timeline
from contacts.importing import imports
from contacts.importing import job as importing
from contacts.importing.writer import Writer
from contacts.models import (
    ConsentProof,
    Contact,
    ContactIdentity,
    ContactImport,
    ContactTag,
    CustomField,
    ImportedContact,
    ImportRejects,
    Tag,
)
from contacts.services import consent, merging
from contacts.services import fields as custom_fields
from core.errors import Conflict, InvalidInput
from jobs import runner, services
from jobs.models import Job
from tests import factories
from tests.contacts.importing import samples
from tests.contacts.importing.conftest import Import, rejects_of, started, upload
from tests.contacts.importing.samples import csv_bytes

pytestmark = pytest.mark.services

PEOPLE = csv_bytes(
    [
        ["Name", "Phone", "E-mail", "Tags"],
        ["Anna", "+447400123456", "anna@example.com", "VIP; Lead"],
        ["Béla", "+36301234567", "", ""],
    ]
)


def everything(business: BusinessProfile) -> str:
    """All that an import may touch, as text."""
    rows: list[Any] = []
    for queryset in (
        Contact.objects.filter(business_profile=business).order_by("pk"),
        ContactIdentity.objects.filter(business_profile=business).order_by("pk"),
        ContactTag.objects.filter(contact__business_profile=business).order_by("contact_id", "tag_id"),
        Tag.objects.filter(business_profile=business).order_by("pk"),
        ConsentProof.objects.filter(business_profile=business).order_by("pk"),
        ImportedContact.objects.filter(contact__business_profile=business).order_by(
            "contact_id", "source_id"
        ),
    ):
        rows.extend(queryset)
    return serializers.serialize("json", rows)


def counts(job: Job) -> dict[str, int]:
    return {key: value for key, value in job.summary.items() if key != "notes" and value}


def test_people_of_a_file_become_contacts_with_identities_and_tags(
    take_in: Import, business: BusinessProfile
) -> None:
    job = take_in(PEOPLE)
    assert (job.state, job.done, job.total) == (Job.State.DONE, 2, 2)
    assert counts(job) == {"created": 2}
    anna = Contact.objects.get(phone_number="+447400123456")
    assert (anna.name, anna.email, anna.country) == ("Anna", "anna@example.com", "GB")
    assert anna.metadata == {}
    assert anna.identities.get().value == "+447400123456"
    assert set(anna.contact_tags.values_list("tag__name", flat=True)) == {"VIP", "Lead"}


def test_the_same_file_twice_changes_nothing(take_in: Import, business: BusinessProfile) -> None:
    take_in(PEOPLE, tag="May")
    before = everything(business)
    for duplicates in ("update", "skip"):
        job = take_in(PEOPLE, tag="May", duplicates=duplicates)
        assert counts(job) == {"unchanged": 2}
        assert everything(business) == before


def test_known_people_are_filled_in_and_nothing_is_taken_away(
    take_in: Import, business: BusinessProfile, owner: User
) -> None:
    custom_fields.create(business, owner, label="City")
    anna = factories.ContactFactory(
        business_profile=business,
        phone_number="+447400123456",
        name="A.",
        metadata={"city": "Bath", "kept": 1},
    )
    content = csv_bytes(
        [["Name", "Phone", "City"], ["Anna", "+44 7400 123456", "London"], ["", "+36301234567", "Pécs"]]
    )
    assert counts(take_in(content)) == {"created": 1, "updated": 1}
    anna.refresh_from_db()
    assert (anna.name, anna.metadata) == ("Anna", {"city": "London", "kept": 1})
    take_in(csv_bytes([["Name", "Phone", "City"], ["", "+447400123456", ""]]))
    anna.refresh_from_db()
    assert (anna.name, anna.metadata["city"]) == ("Anna", "London")


def test_known_people_are_left_as_they_are_but_get_the_files_tag(
    take_in: Import, business: BusinessProfile
) -> None:
    anna = factories.ContactFactory(business_profile=business, phone_number="+447400123456", name="A.")
    job = take_in(PEOPLE, duplicates="skip", tag="May fair")
    anna.refresh_from_db()
    assert anna.name == "A."
    assert list(anna.contact_tags.values_list("tag__name", flat=True)) == ["May fair"]
    assert counts(job) == {"created": 1, "updated": 1}


def test_variants_of_a_number_are_one_person(take_in: Import, business: BusinessProfile) -> None:
    factories.ContactFactory(business_profile=business, phone_number="+551187654321", name="Old spelling")
    job = take_in(csv_bytes([["Name", "Phone"], ["New", "+5511987654321"], ["Newer", "+551187654321"]]))
    assert Contact.objects.count() == 1
    assert counts(job) == {"updated": 1, "rejected": 1}
    assert Contact.objects.get().phone_number == "+551187654321"


def test_people_who_opted_out_stay_out(take_in: Import, business: BusinessProfile, owner: User) -> None:
    there = factories.ContactFactory(business_profile=business, phone_number="+447400123456")
    gone = factories.ContactFactory(business_profile=business, phone_number="+36301234567")
    consent.opt_out(business, [there.pk, gone.pk], how="message")
    gone.delete()
    job = take_in(
        csv_bytes([["Name", "Phone", "Opt out"], ["A", "+447400123456", "no"], ["B", "+36301234567", ""]])
    )
    assert counts(job) == {"created": 1, "updated": 1, "opted_out": 2}
    assert not Contact.objects.filter(opted_out_at=None).exists()
    assert ConsentProof.objects.filter(how="suppression").count() == 1


def test_people_marked_in_the_file_are_opted_out_with_proof(
    take_in: Import, business: BusinessProfile
) -> None:
    job = take_in(csv_bytes([["Phone", "Unsubscribed"], ["+447400123456", "yes"], ["+36301234567", "no"]]))
    proof = ConsentProof.objects.get()
    assert (proof.how, proof.contact.phone_number) == ("import", "+447400123456")
    assert "people.csv" in proof.note
    assert counts(job) == {"created": 2, "opted_out": 1}


def test_rows_that_cannot_be_taken_in_come_back_with_reasons(take_in: Import) -> None:
    content = csv_bytes(
        [
            ["Name", "Phone", "E-mail"],
            ["Anna", "+447400123456", ""],
            ["Mangled", "4.47701E+11", ""],
            ["Nobody", "", ""],
            ["Twice", "+44 7400 123456", ""],
            ["Wide", "+36301234567", "", "more"],
            ["Mail", "+36301234568", "not an address"],
            ["=1+1", "hello", ""],
        ]
    )
    job = take_in(content, country="GB")
    assert counts(job) == {"created": 1, "rejected": 6}
    rejects = rejects_of(job)
    assert [row["Row"] for row in rejects] == ["3", "4", "5", "6", "7", "8"]
    assert [row["Name"] for row in rejects][-1] == "'=1+1"
    reasons = [row["Reason"] for row in rejects]
    for words, reason in zip(
        [
            "last digits are lost",
            "no phone number",
            "already in row 2",
            "more cells",
            "no e-mail address",
            "not a phone",
        ],
        reasons,
        strict=True,
    ):
        assert words in reason


def test_the_file_is_removed_when_the_job_is_over(
    business: BusinessProfile, owner: User, media_root: Path, django_capture_on_commit_callbacks
) -> None:  # type: ignore[no-untyped-def]
    started(business, owner, PEOPLE + b"X,12,,\r\n")
    stored = ContactImport.objects.get().file
    assert default_storage.exists(stored)
    with django_capture_on_commit_callbacks(execute=True):
        runner.run_due()
    assert not default_storage.exists(stored)
    assert ContactImport.objects.get().file == ""
    assert not ImportRejects.objects.exists()


def test_numbers_without_a_country_code_get_the_chosen_country(take_in: Import) -> None:
    take_in(csv_bytes([["Phone"], ["07400 123456"], ["36301234567"]]), country="GB")
    assert set(Contact.objects.values_list("phone_number", flat=True)) == {"+447400123456", "+36301234567"}


def test_of_a_number_without_a_country_the_country_is_asked(take_in: Import) -> None:
    job = take_in(csv_bytes([["Phone"], ["07400 123456"]]))
    assert "Choose the country of such numbers" in rejects_of(job)[0]["Reason"]


@pytest.mark.parametrize("number", ["4.47701E+11", "4,47701E+11", "447701000000", 4.47701e11])
def test_what_excel_has_shortened_is_refused_with_an_explanation(take_in: Import, number: Any) -> None:
    rows = [["Name", "Phone"], ["A", number], ["B", "447701234000"], ["C", "+447701000000"]]
    job = take_in(samples.xlsx(*rows) if isinstance(number, float) else csv_bytes(rows), country="GB")
    assert counts(job) == {"created": 2, "rejected": 1}
    assert "spreadsheet program" in rejects_of(job)[0]["Reason"]
    assert "xport" in rejects_of(job)[0]["Reason"]


def test_exports_of_other_programs_come_in_without_mapping(take_in: Import) -> None:
    take_in(samples.google())
    anna = Contact.objects.get(name="Anna Ängström")
    assert (anna.phone_number, anna.email) == ("+447700900123", "anna@example.com")
    assert list(anna.contact_tags.values_list("tag__name", flat=True)) == ["VIP"]
    take_in(samples.outlook(), country="DE")
    juergen = Contact.objects.get(name="Jürgen Müller")
    assert juergen.phone_number == "+4915123456789", "the mobile one"
    for content in (samples.VCARD_3, samples.VCARD_4, samples.VCARD_21):
        assert take_in(content).state == Job.State.DONE
    assert Contact.objects.get(name="Ada Lovelace").phone_number == "+447700900456"
    assert Contact.objects.get(name="Żółty Kowalski").phone_number == "+48601234567"


def test_a_workbook_with_dates_fills_custom_fields(
    take_in: Import, business: BusinessProfile, owner: User
) -> None:
    from datetime import date

    custom_fields.create(business, owner, label="Since", kind="date")
    content = samples.xlsx(
        ["Name", "Phone", "Since", "Spent"], ["Anna", 447400123456, date(2026, 1, 31), 12.5]
    )
    take_in(content, mapping={"Spent": "new:number"}, name="people.xlsx")
    assert Contact.objects.get().metadata == {"since": "2026-01-31", "spent": 12.5}
    assert CustomField.objects.get(key="spent").kind == "number"


def test_cancelled_halfway_it_says_what_stayed(
    business: BusinessProfile, owner: User, media_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "chunk_size", lambda: 10)
    job = started(business, owner, many(50))
    real = Writer.write

    def write(self: Writer, people: Any) -> Any:
        if Contact.objects.count() == 20:
            services.cancel(business, owner, job.pk)
        return real(self, people)

    monkeypatch.setattr(Writer, "write", write)
    runner.run_due()
    job.refresh_from_db()
    assert (job.state, Contact.objects.count()) == (Job.State.CANCELLED, 30)
    assert "Stopped after 30 rows" in job.summary["notes"][0]


def many(count: int) -> bytes:
    return csv_bytes([["Name", "Phone"], *([f"N{n}", f"+4474001{n:05d}"] for n in range(count))])


def test_a_worker_that_takes_over_goes_on_behind_the_last_chunk(
    business: BusinessProfile, owner: User, media_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "chunk_size", lambda: 10)
    rows = many(35) + b"Again,+447400100003\r\n"
    job = started(business, owner, rows)
    stop = iter([False, False, True])
    monkeypatch.setattr("core.failpoints.reach", lambda place: _die(next(stop)))
    from jobs import leases

    claimed = leases.claim("dies")
    assert claimed is not None
    with pytest.raises(KeyboardInterrupt):
        runner.run(claimed)
    monkeypatch.setattr("core.failpoints.reach", lambda place: None)
    assert Contact.objects.count() == 30
    Job.objects.update(lease_expires_at=None)
    runner.run_due()
    job.refresh_from_db()
    assert counts(job) == {"created": 35, "rejected": 1}
    assert "interrupted after 30 rows and went on from there" in job.summary["notes"][0]
    assert "already in row 5" in rejects_of(job)[0]["Reason"]


def _die(now: bool) -> None:
    if now:
        raise KeyboardInterrupt


def test_somebody_who_makes_the_same_contact_at_the_same_moment_costs_one_more_try(
    business: BusinessProfile, owner: User, media_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = started(business, owner, PEOPLE)
    real = Writer._known
    blind = iter([True])

    def known(self: Writer, people: Any) -> Any:
        """At first as if the contact were not there yet."""
        return {} if next(blind, False) else real(self, people)

    factories.ContactFactory(business_profile=business, phone_number="+447400123456")
    monkeypatch.setattr(Writer, "_known", known)
    runner.run_due()
    job.refresh_from_db()
    assert job.state == Job.State.DONE
    assert counts(job) == {"created": 1, "updated": 1}
    assert Contact.objects.count() == 2


def test_every_statement_of_a_chunk_is_counted(
    business: BusinessProfile, owner: User, media_root: Path, django_assert_max_num_queries
) -> None:  # type: ignore[no-untyped-def]
    started(business, owner, many(400))
    with django_assert_max_num_queries(40):
        runner.run_due()
    assert Contact.objects.count() == 400


def test_an_import_stands_on_the_card_of_who_came_or_was_changed_by_it(
    take_in: Import, business: BusinessProfile, owner: User
) -> None:
    there = factories.ContactFactory(business_profile=business, phone_number="+36301234567", name="B.")
    for name, people in (
        ("first.csv", [["Anna", "+447400123456"], ["Béla", "+36301234567"]]),
        ("again.csv", [["Anna", "+447400123456"], ["Béla", "+36301234567"]]),
        ("third.csv", [["Anna Lovelace", "+447400123456"]]),
    ):
        take_in(csv_bytes([["Name", "Phone"], *people]), name=name)
    anna = Contact.objects.get(phone_number="+447400123456")
    assert past(business, anna) == [
        ("Changed by an import", "third.csv"),
        ("Became a contact by an import", "first.csv"),
    ]
    assert past(business, there) == [("Changed by an import", "first.csv"), ("Became a contact", "")]
    merged = merging.merge(business, owner, there, anna)
    assert ("Changed by an import", "third.csv") in past(business, merged)


def past(business: BusinessProfile, contact: Contact) -> list[tuple[str, str]]:
    return [(entry.title, entry.text) for entry in timeline.page(business, contact)[0]]


def test_two_numbers_of_one_person_in_a_file_change_the_person_once(
    take_in: Import, business: BusinessProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = factories.ContactFactory(business_profile=business, phone_number="+36301234567", name="B.")
    there.identities.create(business_profile=business, kind="phone", value="+447400123456")
    monkeypatch.setattr(importing, "chunk_size", lambda: 1)
    job = take_in(csv_bytes([["Name", "Phone"], ["Béla", "+36301234567"], ["Bela", "+447400123456"]]))
    assert (job.state, counts(job)) == (Job.State.DONE, {"updated": 2})
    assert ImportedContact.objects.get().contact == there


# -- before the job --------------------------------------------------------------------------------


def test_an_import_starts_once(business: BusinessProfile, owner: User, media_root: Path) -> None:
    source = upload(business, owner, PEOPLE)
    imports.start(business, owner, source.pk)
    with pytest.raises(Conflict, match="started already"):
        imports.start(business, owner, source.pk)
    with pytest.raises(Conflict):
        imports.discard(business, owner, source.pk)


def test_a_mapping_that_cannot_be_used_is_refused_with_words(
    business: BusinessProfile, owner: User, media_root: Path
) -> None:
    for mapping, words in (
        ({"Phone": ""}, "which column holds the phone numbers"),
        ({"E-mail": "name"}, "Two columns go to “Name”"),
        ({"Tags": "field:none"}, "goes nowhere"),
        ({"Tags": "business_profile"}, "goes nowhere"),
    ):
        with pytest.raises(InvalidInput, match=words):
            upload(business, owner, PEOPLE, mapping=mapping)
    with pytest.raises(InvalidInput, match="country"):
        upload(business, owner, PEOPLE, country="XX")


def test_uploads_that_are_never_started_are_forgotten(
    business: BusinessProfile, owner: User, media_root: Path
) -> None:
    from datetime import timedelta

    from core.clock import now

    source = upload(business, owner, PEOPLE)
    imports.prune()
    assert default_storage.exists(source.file)
    ContactImport.objects.update(created_at=now() - timedelta(days=2))
    imports.prune()
    assert not default_storage.exists(source.file)
    assert not ContactImport.objects.exists()


def test_a_preview_shows_the_first_rows_with_their_errors(
    business: BusinessProfile, owner: User, media_root: Path
) -> None:
    source = upload(business, owner, PEOPLE + b"X,12,,\r\n" + many(30).split(b"\r\n", 1)[1])
    preview = imports.preview(source)
    assert len(preview.rows) == 20
    assert preview.usable == 19
    assert "phone number" in preview.rows[2].reason  # type: ignore[union-attr]


def test_the_file_can_be_read_in_another_way(
    business: BusinessProfile, owner: User, media_root: Path
) -> None:
    source = upload(
        business, owner, csv_bytes([["Name", "Phone"], ["Łódź", "+447400123456"]], encoding="cp1250")
    )
    again = imports.reread(business, source.pk, encoding="cp1250", delimiter=",", has_header=True)
    assert imports.preview(again).rows[0].name == "Łódź"  # type: ignore[union-attr]
    with pytest.raises(InvalidInput):
        imports.reread(business, source.pk, encoding="hex", delimiter=",", has_header=True)


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\x00b.csv", "\u202efdp.csv", "x" * 400])
def test_the_files_name_is_only_a_name(
    business: BusinessProfile, owner: User, media_root: Path, name: str
) -> None:
    source = upload(business, owner, PEOPLE, name=name)
    assert source.file == f"imports/{business.pk}/{source.pk}"
    assert len(source.file_name) <= 255
    assert source.file_name.isprintable()


def test_a_broken_database_of_others_is_not_hidden(
    business: BusinessProfile, owner: User, media_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = started(business, owner, PEOPLE)

    def always(self: Writer, people: Any) -> Any:
        raise IntegrityError("something else")

    monkeypatch.setattr(Writer, "write", always)
    runner.run_due()
    job.refresh_from_db()
    assert (job.state, job.error_code) == (Job.State.FAILED, "internal_error")
    assert Contact.objects.count() == 0

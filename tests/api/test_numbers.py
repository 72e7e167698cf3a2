"""Phone numbers mean the same wherever they are typed, uploaded, searched or sent by a program."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import BusinessProfile, User
from accounts.services import businesses
from campaigns.services import recipient_lists
from connections.services import numbers as connections
from contacts import selectors
from contacts.importing import imports
from contacts.models import Contact
from core.errors import InvalidInput
from core.phone import phone
from jobs import runner
from tests import factories
from tests.api.conftest import Caller
from tests.matrix import Cases

CASES = json.loads((Path(__file__).parent.parent / "cases" / "numbers.json").read_text())
"""[country of the business, text, E.164 or null when it is refused with a reason]."""


def each_number(business: BusinessProfile, try_out: Callable[[str, str | None], None]) -> None:
    """Try out every number, (text, E.164 or None), in a business of its country."""
    cases = Cases(at_least=25)
    for country, text, e164 in CASES:
        with cases.case(f"{country} {text}"):
            business.default_country = country
            business.save()
            try_out(text, e164)
    cases.check()


def stored() -> list[str | None]:
    return list(Contact.objects.values_list("phone_number", flat=True))


def kept(e164: str | None) -> list[str]:
    return [e164] if e164 else []


def test_the_form_of_a_new_contact(
    client_of: Callable[..., Client], owner: User, business: BusinessProfile
) -> None:
    def try_out(text: str, e164: str | None) -> None:
        answer = client_of(owner).post(reverse("contacts:create"), {"phone_number": text, "name": "Ann"})
        assert stored() == kept(e164)
        if e164 is None:
            assert answer.status_code == 422
            assert "rite it with its country code" in answer.content.decode()

    each_number(business, try_out)


def test_the_api(program: Caller, business: BusinessProfile) -> None:
    def try_out(text: str, e164: str | None) -> None:
        answer = program.post("contacts", {"phoneNumber": text})
        assert stored() == kept(e164)
        if e164 is None:
            error = answer.json()["error"]
            assert (answer.status_code, error["code"]) == (422, "invalid_phone_number")
            assert "country code" in error["message"]

    each_number(business, try_out)


def test_a_chat_that_is_started_with_a_number(
    client_of: Callable[..., Client], owner: User, business: BusinessProfile
) -> None:
    def try_out(text: str, e164: str | None) -> None:
        number = factories.ConnectionFactory(business_profile=business)
        client_of(owner).post(reverse("messaging:start"), {"phone": text, "connection": str(number.pk)})
        assert stored() == kept(e164)

    each_number(business, try_out)


def test_an_import(business: BusinessProfile, owner: User, media_root: Path) -> None:
    def try_out(text: str, e164: str | None) -> None:
        file = io.BytesIO(f'Name,Phone\r\nAnn,"{text}"\r\n'.encode())
        job = imports.upload_and_start(business, owner, file, "people.csv")
        runner.run_due()
        job.refresh_from_db()
        assert stored() == kept(e164)
        assert job.summary["rejected"] == (e164 is None)

    each_number(business, try_out)


def test_the_list_of_a_campaign(business: BusinessProfile) -> None:
    def try_out(text: str, e164: str | None) -> None:
        listed = recipient_lists.parse(business, [text])
        assert [person.phone for person in listed.people] == kept(e164)
        assert len(listed.invalid) == (e164 is None)

    each_number(business, try_out)


def test_the_search_and_the_filter_of_the_api(program: Caller, business: BusinessProfile) -> None:
    def try_out(text: str, e164: str | None) -> None:
        if e164 is None:
            return
        ann = factories.ContactFactory(business_profile=business, phone_number=e164, name="Ann")
        factories.ContactFactory(business_profile=business, name="Ben")
        assert selectors.ids_matching(business, text) == [ann.pk]
        found = program.get("contacts?phoneNumber=" + "".join(f"%{byte:02X}" for byte in text.encode()))
        assert [row["id"] for row in found.json()["data"]] == [str(ann.pk)]

    each_number(business, try_out)


def test_the_phone_that_links_a_number(business: BusinessProfile, owner: User) -> None:
    def try_out(text: str, e164: str | None) -> None:
        number = factories.ConnectionFactory(business_profile=business)
        if e164 is None:
            with pytest.raises(InvalidInput, match="country code"):
                connections.connect(number, owner, text)
            return
        connections.connect(number, owner, text)
        number.refresh_from_db()
        assert number.pairing_phone == e164

    each_number(business, try_out)


def test_a_number_that_whatsapp_delivered_is_understood_though_no_plan_knows_it(
    program: Caller, client_of: Callable[..., Client], owner: User, business: BusinessProfile
) -> None:
    ann = factories.ContactFactory(business_profile=business, phone_number="+15550177", name="Ann")
    assert [row["id"] for row in program.get("contacts?phoneNumber=%2B15550177").json()["data"]] == [
        str(ann.pk)
    ]
    assert (
        program.patch(f"contacts/{ann.pk}", {"phoneNumber": "+1 5550177", "name": "Anna"}).status_code == 200
    )
    ann.refresh_from_db()
    assert (ann.phone_number, ann.name) == ("+15550177", "Anna")


def test_a_business_has_a_country_that_exists(business: BusinessProfile, owner: User) -> None:
    businesses.update(business, owner, default_country="pt")
    assert BusinessProfile.objects.get().default_country == "PT"
    with pytest.raises(InvalidInput) as refused:
        businesses.update(business, owner, default_country="XX")
    assert (refused.value.code, refused.value.field) == ("unknown_country", "default_country")


def test_a_link_with_a_message_fits_into_every_door(program: Caller) -> None:
    text = "https://wa.me/4915123456738?text=" + "x" * 300
    assert program.post("contacts", {"phoneNumber": text}).status_code == 201
    assert stored() == [phone.to_e164("+4915123456738")]

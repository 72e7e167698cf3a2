"""Who may be written to in campaigns, and the proof of it."""

from __future__ import annotations

import pytest
from django.db import transaction

from accounts.models import AuditEntry
from contacts.events import ContactBlocked, ContactDeleted, ContactOptedIn, ContactOptedOut
from contacts.models import ConsentProof, Contact, Suppression
from contacts.services import consent, contacts, identities, merging, notes, tags
from contacts.services.identities import Person
from core import events
from core.errors import Conflict, InvalidInput, NotFound
from core.ids import uuid7
from tests import factories

pytestmark = pytest.mark.services


@pytest.fixture
def heard(monkeypatch):
    told = []
    for kind in (ContactOptedOut, ContactOptedIn, ContactBlocked, ContactDeleted):
        monkeypatch.setitem(events._inside, kind, [*events._inside[kind], told.extend])
    return told


def out(business, *people, **more):
    return consent.opt_out(business, [one.pk for one in people], how=more.pop("how", "team"), **more)


def test_opting_out_and_in_leaves_a_proof_each(business, contact, owner, heard):
    assert out(business, contact, actor=owner, note="Called us") == 1
    assert out(business, contact, actor=owner) == 0
    contact.refresh_from_db()
    assert contact.opted_out_at is not None
    assert contact.updated_at == contact.opted_out_at
    assert consent.opt_in(business, [contact.pk], how="team", actor=owner) == 1
    assert consent.opt_in(business, [contact.pk], how="team", actor=owner) == 0

    contact.refresh_from_db()
    assert contact.opted_out_at is None
    assert list(ConsentProof.objects.order_by("id").values_list("kind", "how", "actor", "note")) == [
        ("opt_out", "team", owner.pk, "Called us"),
        ("opt_in", "team", owner.pk, ""),
    ]
    assert [type(event) for event in heard] == [ContactOptedOut, ContactOptedIn]
    assert not Suppression.objects.exists()


def test_nobody_opts_out_another_businesss_contact(other_business, contact):
    assert out(other_business, contact) == 0
    assert Contact.objects.filter(opted_out_at=None).count() == 1


def test_an_opt_out_survives_deletion_and_return(business, contact, owner):
    out(business, contact)
    assert contacts.delete(business, [contact.pk], owner) == 1

    again = contacts.create(business, owner, phone_number="+999 2000000001", name="Carla")
    assert again.opted_out_at is not None
    assert consent.suppressed(business, ["+9992000000001", "+9992000000002"]) == {"+9992000000001"}


def test_what_proves_an_opt_out_waits_for_the_number_to_come_back(business, contact, owner):
    message = uuid7()
    out(business, contact, how="message", message_id=message, note="STOP")
    first = contact.pk
    for _ in range(2):  # deleted and imported anew, twice
        contacts.delete(business, Contact.objects.all(), owner)
        assert not ConsentProof.objects.exclude(contact=None).exists()
        contact = contacts.create(business, owner, phone_number="+999 2000000001")

    proofs = ConsentProof.objects.filter(contact=contact).order_by("id")
    assert contact.pk != first
    assert [(one.how, one.message_id, one.note) for one in proofs] == [
        ("message", message, "STOP"),
        ("suppression", None, ""),
        ("suppression", None, ""),
    ]


def test_of_somebody_who_may_be_written_to_no_proof_is_kept(business, contact, owner):
    out(business, contact)
    consent.opt_in(business, [contact.pk], how="team")
    contacts.delete(business, [contact.pk], owner)

    assert not ConsentProof.objects.exists()


def test_who_says_so_again_in_another_way_leaves_another_proof(business, contact, heard):
    for how in ("team", "team", "message", "message"):
        out(business, contact, how=how)

    assert list(ConsentProof.objects.order_by("id").values_list("kind", "how")) == [
        ("opt_out", "team"),
        ("again", "message"),
    ]
    assert len(heard) == 1


def test_a_number_that_turns_up_later_brings_its_opt_out(business, contact, owner):
    out(business, contact)
    contacts.delete(business, [contact.pk], owner)
    lid = Person(lid="123")
    with transaction.atomic():
        identities.resolve(business.pk, [lid])
        both = Person(lid="123", phone="+9992000000001")
        key = identities.resolve(business.pk, [both])[both]

    assert Contact.objects.get(pk=key).opted_out_at is not None


def test_an_opt_out_is_of_one_business(business, other_business, contact, stranger):
    out(business, contact)

    assert contacts.create(other_business, stranger, phone_number="+9992000000001").opted_out_at is None


def test_an_opt_in_in_one_business_leaves_the_opt_out_in_another(
    business, other_business, contact, owner, stranger
):
    same = factories.ContactFactory(business_profile=other_business, phone_number=contact.phone_number)
    out(business, contact)
    out(other_business, same)

    consent.opt_in(business, [contact.pk], how="team")

    assert consent.suppressed(business, [contact.phone_number]) == set()
    assert consent.suppressed(other_business, [contact.phone_number]) == {contact.phone_number}
    contacts.delete(other_business, [same.pk], stranger)
    again = contacts.create(other_business, stranger, phone_number=contact.phone_number)
    assert again.opted_out_at is not None


def test_who_opts_in_again_takes_nobody_else_along(business, contact, owner):
    other = factories.ContactFactory(business_profile=business)
    out(business, contact, other)

    consent.opt_in(business, [contact.pk], how="team")

    assert Contact.objects.get(opted_out_at=None) == contact
    numbers = [contact.phone_number, other.phone_number]
    assert consent.suppressed(business, numbers) == {other.phone_number}
    contacts.delete(business, [other.pk], owner)
    assert contacts.create(business, owner, phone_number=numbers[1]).opted_out_at is not None


def test_a_number_that_comes_back_opts_out_nobody_else(business, contact, owner, heard):
    bystander = factories.ContactFactory(business_profile=business)
    out(business, contact)
    contacts.delete(business, [contact.pk], owner)
    heard.clear()

    back = contacts.create(business, owner, phone_number=contact.phone_number)

    assert [event.contact_id for event in heard] == [back.pk]
    bystander.refresh_from_db()
    assert bystander.opted_out_at is None
    assert ConsentProof.objects.filter(contact=back).count() == 2
    newcomer = contacts.create(business, owner, phone_number="+999 2000000055")
    assert newcomer.opted_out_at is None


def test_deleting_one_contact_leaves_the_proofs_of_the_others(business, contact, owner):
    other = factories.ContactFactory(business_profile=business)
    out(business, contact, other, note="On the phone")

    contacts.delete(business, [contact.pk], owner)

    assert list(ConsentProof.objects.exclude(contact=None).values_list("contact", "note")) == [
        (other.pk, "On the phone")
    ]


def test_a_lid_that_opted_out_is_no_number_that_did(business):
    lid = Person(lid="49301234567")
    with transaction.atomic():
        key = identities.resolve(business.pk, [lid])[lid]
    consent.opt_out(business, [key], how="message")

    assert Suppression.objects.filter(value="49301234567").exists()
    assert consent.suppressed(business, ["49301234567"]) == set()


@pytest.mark.parametrize("act", [consent.opt_out, consent.opt_in])
def test_what_a_person_changes_is_in_the_audit_log_and_what_changes_nothing_is_not(
    business, contact, owner, act
):
    if act is consent.opt_in:
        out(business, contact)
    assert act(business, [contact.pk], how="team", actor=owner) == 1
    assert act(business, [contact.pk], how="team", actor=owner) == 0

    assert [
        entry.data["count"] for entry in AuditEntry.objects.filter(action__startswith="contacts.opted")
    ] == [1]


def test_what_nobody_in_the_team_did_is_not_in_the_audit_log(business, contact):
    out(business, contact, how="message")
    consent.opt_in(business, [contact.pk], how="message")

    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("who", ["keep", "lose"])
def test_in_a_merge_an_opt_out_of_either_wins(business, owner, who):
    pair = {name: factories.ContactFactory(business_profile=business) for name in ("keep", "lose")}
    out(business, pair[who])

    kept = merging.merge(business, owner, pair["keep"], pair["lose"])

    kept.refresh_from_db()
    assert kept.opted_out_at is not None
    assert Suppression.objects.count() == 2
    assert ConsentProof.objects.filter(contact=kept).count() == (1 if who == "keep" else 2)


@pytest.mark.parametrize("who", ["keep", "lose"])
def test_in_a_merge_a_block_of_either_holds(business, owner, who):
    pair = {name: factories.ContactFactory(business_profile=business) for name in ("keep", "lose")}
    contacts.block(business, [pair[who].pk], owner)
    lines = {line.label: line.result for line in merging.preview(business, *_fresh(*pair.values()))}

    kept = merging.merge(business, owner, pair["keep"], pair["lose"])

    kept.refresh_from_db()
    assert kept.blocked_at is not None
    assert lines["Blocked"] == "Yes"


def test_whoever_blocked_a_lid_has_blocked_the_number_that_turns_out_to_be_the_same_person(
    business, contact, owner
):
    lid, both = Person(lid="123"), Person(lid="123", phone=contact.phone_number)
    with transaction.atomic():
        contacts.block(business, [identities.resolve(business.pk, [lid])[lid]], owner)
        identities.resolve(business.pk, [both])

    assert Contact.objects.get().blocked_at is not None


def _fresh(*people):
    return [Contact.objects.get(pk=one.pk) for one in people]


def test_a_merge_keeps_tags_notes_and_fields_and_its_preview_is_true(business, owner):
    factories.CustomFieldFactory(business_profile=business, key="city", label="City")
    factories.CustomFieldFactory(business_profile=business, key="team", label="Team")
    keep = factories.ContactFactory(
        business_profile=business, name="", push_name="Keeper", metadata={"city": "Ulm"}, total_messages=3
    )
    lose = factories.ContactFactory(
        business_profile=business,
        name="Ann",
        push_name="Loser",
        email="a@b.de",
        metadata={"city": "Bonn", "team": "B"},
        total_messages=4,
    )
    a, b = tags.find_or_create(business, owner, ["a", "b"])
    tags.add(business, [keep.pk], [a])
    tags.add(business, [lose.pk], [a, b])
    notes.add(business, lose, owner, "Likes rye")
    lines = {line.label: line.result for line in merging.preview(business, keep, lose)}

    kept = merging.merge(business, owner, keep, lose)

    assert (kept.name, kept.email, kept.metadata) == ("Ann", "a@b.de", {"city": "Ulm", "team": "B"})
    assert (kept.push_name, kept.total_messages) == ("Keeper", 7)
    assert {tag.name for tag in tags.Tag.objects.filter(contact_tags__contact=kept)} == {"a", "b"}
    assert kept.notes.get().body == "Likes rye"
    assert kept.identities.count() == 2
    assert not Contact.objects.filter(pk=lose.pk).exists()
    assert lines == {
        "Name": "Ann",
        "Own name": "Keeper",
        "Number": keep.display_phone,
        "E-mail": "a@b.de",
        "City": "Ulm",
        "Team": "B",
        "Tags": "a, b",
        "Messages": "7",
    }


def test_nobody_is_merged_with_themselves_or_with_strangers(business, other_business, contact, owner):
    foreign = factories.ContactFactory(business_profile=other_business)

    with pytest.raises(InvalidInput):
        merging.merge(business, owner, contact, contact)
    for act in (merging.preview, lambda *of: merging.merge(of[0], owner, *of[1:])):
        with pytest.raises(NotFound):
            act(business, contact, foreign)


def test_blocking_and_letting_in_again(business, contact, owner, heard):
    assert contacts.block(business, [contact.pk], owner) == 1
    assert contacts.block(business, [contact.pk], owner) == 0
    assert contacts.unblock(business, [contact.pk], owner) == 1

    assert [(type(event), event.blocked) for event in heard] == [
        (ContactBlocked, True),
        (ContactBlocked, False),
    ]


def test_a_contact_is_made_with_its_country_and_only_once(business, owner):
    made = contacts.create(
        business, owner, phone_number="+49 170 1234567", name="Ann", email=" ann@example.com "
    )
    assert (made.country, made.email, made.identities.get().value) == (
        "DE",
        "ann@example.com",
        "+491701234567",
    )
    with pytest.raises(Conflict) as refused:
        contacts.create(business, owner, phone_number="+491701234567")
    assert refused.value.extra == {"contact": str(made.pk)}
    with pytest.raises(InvalidInput):
        contacts.create(business, owner, phone_number="+491701234568", email="nonsense")


def test_a_contact_gets_another_number_unless_somebody_has_it(business, contact, owner):
    taken = factories.ContactFactory(business_profile=business)
    changed = contacts.update(business, contact, owner, phone_number="+49 151 12345678")

    assert (changed.phone_number, changed.country) == ("+4915112345678", "DE")
    assert list(changed.identities.values_list("value", flat=True)) == ["+4915112345678"]
    with pytest.raises(Conflict):
        contacts.update(business, contact, owner, phone_number=taken.phone_number)


def test_deleting_says_so_and_stays_within_the_business(business, other_business, contact, owner, heard):
    assert contacts.delete(other_business, [contact.pk], owner) == 0
    assert contacts.delete(business, Contact.objects.all(), owner) == 1
    assert [event.contact_id for event in heard] == [contact.pk]

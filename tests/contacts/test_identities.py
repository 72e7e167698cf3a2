"""From the names by which WhatsApp knows a person to one contact."""

from __future__ import annotations

import pytest
from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.events import ContactCreated, ContactsMerged, ContactUpdated
from contacts.models import Contact, ContactIdentity
from contacts.services import identities
from contacts.services.identities import Person
from core import events
from tests import factories

pytestmark = pytest.mark.services


def resolve(business, *people):
    with transaction.atomic():
        return identities.resolve(business.pk, people)


@pytest.fixture
def heard(monkeypatch):
    told = []
    for event_type in (ContactCreated, ContactUpdated, ContactsMerged):
        monkeypatch.setitem(events._inside, event_type, [*events._inside[event_type], told.extend])
    return told


def test_a_new_person_gets_a_contact_with_all_identities(business, heard):
    person = Person(phone="+447700900123", lid="12345", push_name=" Ann\u202e\n B ")
    contact = Contact.objects.get(pk=resolve(business, person)[person])

    assert (contact.phone_number, contact.push_name) == ("+447700900123", "Ann B")
    assert set(contact.identities.values_list("kind", "value")) == {
        ("phone", "+447700900123"),
        ("lid", "12345"),
    }
    assert [type(event) for event in heard] == [ContactCreated]


def test_a_lid_is_never_a_phone_number(business):
    person = Person(lid="447700900123")
    contact = Contact.objects.get(pk=resolve(business, person)[person])

    assert contact.phone_number is None
    assert contact.display_name == "Unknown person"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+5511987654321", "+551187654321"),
        ("+5215512345678", "+525512345678"),
        ("+5491123456789", "+541123456789"),
    ],
)
def test_variants_of_a_number_are_one_person(business, one, other):
    first, second = Person(phone=one), Person(phone=other)

    assert resolve(business, first)[first] == resolve(business, second)[second]
    assert Contact.objects.get().phone_number == one


def test_nobody_is_made_twice_however_often_they_come(business):
    people = [Person(phone=f"+99970000{n % 10:05}") for n in range(100)]
    for _ in range(2):
        resolve(business, *people)

    assert Contact.objects.count() == ContactIdentity.objects.count() == 10


@pytest.mark.parametrize("count", [5, 500])
def test_the_number_of_statements_does_not_grow(business, count):
    people = [Person(phone=f"+99970000{n:05}", lid=f"9{n}", push_name=f"N{n}") for n in range(count)]
    with CaptureQueriesContext(database) as first:
        resolve(business, *people)
    with CaptureQueriesContext(database) as again:
        resolve(business, *people)

    chunks = sum(one["sql"].startswith("INSERT") for one in first.captured_queries)
    assert len(first.captured_queries) - chunks <= 8
    assert chunks <= 2 or database.vendor == "sqlite"
    assert len(again.captured_queries) <= 4


def test_a_number_that_turns_up_later_is_filled_in(business, heard):
    lid = Person(lid="12345")
    contact_id = resolve(business, lid)[lid]
    both = Person(phone="+447700900123", lid="12345", push_name="Ann")

    assert resolve(business, both)[both] == contact_id
    contact = Contact.objects.get()
    assert (contact.phone_number, contact.push_name) == ("+447700900123", "Ann")
    assert [type(event) for event in heard] == [ContactCreated, ContactUpdated]


def test_lid_phone_and_both_are_merged_into_the_one_with_the_number(business, heard):
    lid, phone = Person(lid="12345"), Person(phone="+447700900123", push_name="Ann")
    lost, kept = (resolve(business, one)[one] for one in (lid, phone))
    Contact.objects.filter(pk=lost).update(name="From the team", total_messages=3, metadata={"a": 1})
    Contact.objects.filter(pk=kept).update(total_messages=4, metadata={"a": 2})

    both = Person(phone="+447700900123", lid="12345")
    assert resolve(business, both)[both] == kept

    contact = Contact.objects.get()
    assert (contact.name, contact.push_name, contact.total_messages) == ("From the team", "Ann", 7)
    assert contact.metadata == {"a": 2}
    assert contact.identities.count() == 2
    merged = [event for event in heard if isinstance(event, ContactsMerged)]
    assert [(event.contact_id, event.lost_id) for event in merged] == [(kept, lost)]


def test_one_batch_may_tell_it_all_at_once(business):
    people = [Person(lid="1"), Person(phone="+447700900123"), Person(phone="+447700900123", lid="1")]
    found = resolve(business, *people)

    assert len(set(found.values())) == Contact.objects.count() == 1


def test_a_push_name_follows_its_owner_and_an_unnamed_message_keeps_it(business):
    for name in ("Ann", "Ann 2", ""):
        resolve(business, Person(phone="+447700900123", push_name=name))

    assert Contact.objects.get().push_name == "Ann 2"


def test_two_businesses_know_the_same_person_apart(business, other_business):
    person = Person(phone="+447700900123")

    assert resolve(business, person)[person] != resolve(other_business, person)[person]


def test_finding_makes_nobody(business):
    person = Person(phone="+447700900123")
    assert identities.find(business.pk, [person]) == {}
    contact_id = resolve(business, person)[person]
    assert identities.find(business.pk, [person]) == {person: contact_id}


PEOPLE = st.builds(
    Person,
    phone=st.sampled_from([None, "+447700900001", "+447700900002", "+5511987654321", "+551187654321"]),
    lid=st.sampled_from([None, "1", "2", "3"]),
).filter(lambda person: person.keys)


@given(batches=st.lists(st.lists(PEOPLE, min_size=1, max_size=5), min_size=1, max_size=5))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_told_in_whatever_batches_who_shares_an_identity_is_one_contact(business, batches):
    sid = transaction.savepoint()
    for batch in batches:
        found = resolve(business, *batch)
        assert set(found) == set(batch)
    everyone = [person for batch in batches for person in batch]
    final = identities.find(business.pk, everyone)
    for one in everyone:
        for other in everyone:
            if set(one.keys) & set(other.keys):
                assert final[one] == final[other]
    assert set(Contact.objects.values_list("pk", flat=True)) == set(final.values())
    transaction.savepoint_rollback(sid)


def test_merging_frees_the_lost_number(business):
    from contacts.services import merging

    one = factories.ContactFactory(business_profile=business, phone_number="+9992000000031", name="A")
    other = factories.ContactFactory(business_profile=business, phone_number="+9992000000032", name="")

    kept = merging.merge_all(business.pk, [one.pk, other.pk])

    assert Contact.objects.get().pk == kept == one.pk
    assert Contact.objects.get().phone_number == "+9992000000031"

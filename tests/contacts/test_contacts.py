"""What people do with contacts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from accounts.models import AuditEntry
from contacts import selectors
from contacts.models import Contact
from contacts.services import contacts
from core.clock import now
from core.errors import InvalidInput, NotFound
from tests import factories

pytestmark = pytest.mark.services


def test_a_contact_is_renamed_with_a_trace(business, contact, owner):
    assert contacts.rename(business, contact, owner, " New\n name ").name == "New name"
    contacts.rename(business, contact, owner, "New name")

    assert [entry.action for entry in AuditEntry.objects.all()] == ["contact.renamed"]


def test_a_name_that_is_too_long_is_refused(business, contact, owner):
    with pytest.raises(InvalidInput):
        contacts.rename(business, contact, owner, "x" * 256)


def test_another_businesss_contact_is_not_found(other_business, contact, stranger):
    for act in (
        lambda: selectors.get_contact(other_business, contact.pk),
        lambda: selectors.get_contact(other_business, "nonsense"),
        lambda: contacts.rename(other_business, contact, stranger, "Mine"),
    ):
        with pytest.raises(NotFound):
            act()


def test_a_known_number_keeps_its_name(business):
    made = contacts.find_or_create(business, "+44 7700 900123", name="Ann")
    again = contacts.find_or_create(business, "+447700900123", name="Somebody else")

    assert (again.pk, again.name) == (made.pk, "Ann")


def test_counters_add_up_and_times_span(business, contact):
    early, late = now() - timedelta(days=2), now()
    with transaction.atomic():
        contacts.count_messages([contacts.MessageCount(contact.pk, 2, late, late)])
        contacts.count_messages([contacts.MessageCount(contact.pk, 1, early, early)])

    contact.refresh_from_db()
    assert (contact.total_messages, contact.first_message_at, contact.last_message_at) == (3, early, late)


@pytest.mark.parametrize("count", [3, 30])
def test_searching_is_scoped_and_most_recent_first(business, other_business, count):
    for n in range(count):
        factories.ContactFactory(
            business_profile=business,
            name=f"Anna {n}",
            phone_number=f"+99980000{n:05}",
            last_message_at=now() - timedelta(minutes=n),
        )
    factories.ContactFactory(
        business_profile=other_business, name="Anna Other", phone_number="+9998000099999"
    )

    found = selectors.ids_matching(business, "anna")

    names = dict(Contact.objects.values_list("pk", "name"))
    assert [names[key] for key in found] == [f"Anna {n}" for n in range(count)]
    assert selectors.ids_matching(business, "  ") == []

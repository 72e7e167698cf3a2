"""Groups by recency and frequency, and their use in filters."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.utils import timezone

from accounts.models import BusinessProfile
from analytics.aggregates.day import Day
from analytics.models import StatsClock
from analytics.services import nightly, rfm
from connections.models import WhatsAppConnection
from contacts.filters.contact_filter import ContactFilter
from contacts.filters.describe import describe
from contacts.models import Contact, ContactGroup
from core.errors import InvalidInput
from tests import factories

pytestmark = pytest.mark.services

TODAY = date(2026, 6, 30)


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


@pytest.mark.parametrize(
    ("first", "last", "often", "expected"),
    [
        (0, 0, 1, "new"),
        (13, 0, 13, "new"),
        (14, 0, 2, "active"),
        (200, 29, 7, "active"),
        (200, 29, 8, "loyal"),
        (200, 30, 40, "cooling"),
        (200, 89, 1, "cooling"),
        (200, 90, 0, "lost"),
    ],
)
def test_who_wrote_when_and_how_often_is_in_which_group(
    first: int, last: int, often: int, expected: str
) -> None:
    history = [Day(ago(day), active=1) for day in {first, last, *range(last, last + often)}]
    assert [name for name, members in rfm.grouped(history, TODAY).items() if members] == [expected]


def wrote(connection: WhatsAppConnection, *days: int) -> Contact:
    contact = factories.ContactFactory(business_profile=connection.business_profile)
    talk = factories.ConversationFactory(
        business_profile=connection.business_profile, contact=contact, connection=connection
    )
    for number in days:
        factories.MessageFactory(conversation=talk, created_at=timezone.now() - timedelta(days=number))
    return contact


def test_every_night_people_come_into_their_groups(
    business: BusinessProfile, connection: WhatsAppConnection
) -> None:
    new, lost = wrote(connection, 2), wrote(connection, 150)
    loyal = wrote(connection, 100, *range(1, 17, 2))
    silent = factories.ContactFactory(business_profile=business)
    nightly.run()

    found = dict(ContactGroup.objects.values_list("contact_id", "group"))
    assert found == {new.pk: "new", lost.pk: "lost", loyal.pk: "loyal"}
    assert silent.pk not in found
    assert StatsClock.objects.get(business_profile=business).grouped_on


def test_only_who_moved_is_written(business: BusinessProfile, connection: WhatsAppConnection) -> None:
    contact = wrote(connection, 150)
    assert rfm.regroup(business) == 1
    assert rfm.regroup(business) == 0
    contact.conversations.get().messages.all().delete()
    assert rfm.regroup(business) == 1
    assert not ContactGroup.objects.exists()


def test_a_filter_asks_for_groups(business: BusinessProfile, connection: WhatsAppConnection) -> None:
    lost, new = wrote(connection, 150), wrote(connection, 1)
    rfm.regroup(business)
    wanted = ContactFilter.parse(business, {"group": "lost"})
    assert list(wanted.apply(business)) == [lost]
    assert describe(business, wanted) == ["group lost"]
    both = ContactFilter.load(business, ContactFilter.parse(business, {"group": ["lost", "new"]}).to_dict())
    assert set(both.apply(business)) == {lost, new}


def test_a_group_that_is_none_is_refused(business: BusinessProfile) -> None:
    with pytest.raises(InvalidInput) as error:
        ContactFilter.parse(business, {"group": "vip"})
    assert error.value.field == "group"

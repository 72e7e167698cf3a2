"""What reading costs: every GET asks the database a fixed number of questions, however much there is."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from campaigns.models import CampaignRecipient
from connections.models import SandboxMessage
from contacts.models import Contact, ContactTag
from tests import factories
from tests.api.conftest import Caller
from tests.api.routes import Call, calls
from tests.one_of_each import one_of_each

READING = [call for call in calls() if call.method == "get" and not call.operation.binary]
BY_NUMBER = {"campaign-dry-run"}
"""Looks at the pace of each number that sends the campaign: a few, whatever the audience."""
QUESTIONS: dict[str, int] = {
    "auth-me": 1,
    "business": 1,
    "campaign": 3,
    "campaign-recipients": 4,
    "campaigns": 3,
    "connections": 3,
    "contact": 3,
    "contact-note": 3,
    "contact-notes": 3,
    "contact-tags": 3,
    "contacts": 3,
    "conversation-messages": 3,
    "events": 4,
    "messages-of-contact": 3,
    "sandbox-customers": 3,
    "sandbox-messages": 3,
    "tags": 3,
    "team": 3,
    "webhook-delivery": 3,
    "webhook-event-types": 1,
    "webhooks": 3,
}
"""By the name of the address; 2 where nothing is said: who calls, and the thing. Figures count in ways
of their own on each database (tests/analytics)."""


@pytest.fixture
def rows(business: Any, owner: Any) -> dict[str, Any]:
    return one_of_each(business, owner, "First")


def more(business: Any, owner: Any, rows: dict[str, Any], numbers: range) -> None:
    """More of everything, in the business and beneath its first things."""
    for number in numbers:
        other = one_of_each(business, owner, f"More {number}")
        factories.MessageFactory(conversation=rows["conversation_id"], media=other["media_id"])
        factories.ContactNoteFactory(contact=rows["contact_id"], business_profile=business, author=owner)
        ContactTag.objects.create(contact=rows["contact_id"], tag=other["tag_id"])
        ContactTag.objects.create(contact=other["contact_id"], tag=rows["tag_id"])
        rows["campaign_id"].connections.add(other["connection_id"])
        other["campaign_id"].connections.add(other["connection_id"], rows["connection_id"])
        CampaignRecipient.objects.create(
            campaign=rows["campaign_id"],
            contact=other["contact_id"],
            connection=other["connection_id"],
            created_at=timezone.now(),
        )
        factories.SandboxCustomerFactory(phone=rows["customer_id"].phone)
        SandboxMessage.objects.create(
            phone=rows["customer_id"].phone,
            customer=rows["customer_id"],
            wa_id=f"MORE{number}",
            from_me=False,
        )


def questions(caller: Caller, call: Call, rows: dict[str, Any]) -> tuple[int, int]:
    """(questions, things told)."""
    path = call.path({name: row.pk for name, row in rows.items()})
    if call.name == "sandbox-messages":
        path += f"?customerId={rows['customer_id'].pk}"
    with CaptureQueriesContext(database) as asked:
        answer = caller.get(path)
    assert answer.status_code == 200, (str(call), answer.content)
    told = answer.json()["data"]
    return len(asked), len(told) if isinstance(told, list) else 1


def told(caller: Caller, rows: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """Of each GET (questions, things told), once what is done only once has been done.

    That is the key's use, the feed's positions, what is prepared.
    """
    for call in READING:
        questions(caller, call, rows)
    return {call.name: questions(caller, call, rows) for call in READING}


def test_reading_costs_the_same_however_much_there_is(
    program: Caller, business: Any, owner: Any, rows: dict[str, Any]
) -> None:
    more(business, owner, rows, range(1))
    few = told(program, rows)
    more(business, owner, rows, range(1, 5))
    many = told(program, rows)
    growing = {call.name for call in READING if call.operation.many} - {"webhook-event-types"}
    assert {name for name in growing if many[name][1] <= few[name][1]} == set()
    assert {name for name, (count, _) in few.items() if count != many[name][0]} <= BY_NUMBER
    asked = {
        name: count for name, (count, _) in many.items() if name not in BY_NUMBER and "analytics" not in name
    }
    assert {name: count for name, count in asked.items() if count != 2} == QUESTIONS


@pytest.mark.parametrize("address", ["contacts", "contacts?limit=2&fields=id,tags"])
def test_the_rows_of_an_answer_are_gone_with_it(program: Caller, business: Any, address: str) -> None:
    factories.ContactFactory.create_batch(5, business_profile=business)
    program.get(address)  # what is kept for all requests
    gc.collect()
    gc.disable()
    try:
        before = {id(one) for one in gc.get_objects() if type(one) is Contact}
        assert program.get(address).json()["data"]
        left = [one for one in gc.get_objects() if type(one) is Contact and id(one) not in before]
        assert not left, "they wait for the collector of garbage"
    finally:
        gc.enable()

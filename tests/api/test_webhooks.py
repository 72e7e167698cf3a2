"""Endpoints, deliveries and the events feed for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import BusinessProfile
from contacts import selectors as contact_selectors
from contacts.api.serializers import ContactSerializer
from contacts.payloads import contact_data
from core import public_events
from core.clock import now
from core.ids import uuid7
from tests import factories
from tests.api.conftest import Caller
from webhooks.models import EventFeed, PublicEvent, Webhook, WebhookAttempt, WebhookDelivery
from webhooks.services import recording

pytestmark = pytest.mark.django_db

BODY = {"url": "https://crm.example.com/in", "events": ["message.received"], "headers": {"X-Token": "abc"}}


@pytest.fixture
def webhook(business: BusinessProfile) -> Webhook:
    return factories.WebhookFactory(business_profile=business)


def happen(business: BusinessProfile, count: int = 1, kind: str = "contact.updated") -> None:
    with transaction.atomic():
        rows = [public_events.PublicEvent(kind, {"number": number}, uuid7()) for number in range(count)]
        recording.audience(business.pk).record(rows)


def test_post_webhooks_tells_the_secret_once(program: Caller) -> None:
    created = program.post("webhooks", BODY)
    assert created.status_code == 201
    made = created.json()["data"]
    assert made["secret"] == Webhook.objects.get().secret
    assert (made["headerNames"], made["isActive"], made["events"]) == (
        ["X-Token"],
        True,
        ["message.received"],
    )
    for answer in (program.get("webhooks"), program.get(f"webhooks/{made['id']}")):
        assert answer.status_code == 200
        assert made["secret"] not in answer.content.decode()
        assert "abc" not in answer.content.decode()


def test_the_same_key_creates_once_and_tells_the_secret_again(program: Caller) -> None:
    answers = [program.post("webhooks", BODY, idempotency_key="one").json() for _ in range(2)]
    assert answers[0]["data"] == answers[1]["data"]
    assert Webhook.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"url": "http://crm.example.com/"}, 422, "https_required"),
        ({"url": "https://user:pw@crm.example.com/"}, 422, "url_with_password"),
        ({"events": ["no.such"]}, 422, "unknown_event"),
        ({"events": []}, 422, "no_events"),
        ({"headers": {"Host": "x"}}, 422, "invalid_header"),
        ({"headers": {"X-One": 1}}, 422, "invalid_header"),
        ({"secret": "whsec_mine"}, 400, "unknown_field"),
        ({"events": "*"}, 400, "not_a_list"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_code(
    program: Caller, change: dict[str, Any], status: int, code: str
) -> None:
    answer = program.post("webhooks", {**BODY, **change})
    assert answer.status_code == status
    assert code in answer.content.decode()
    assert not Webhook.objects.exists()


def test_get_webhooks(program: Caller, business: BusinessProfile, webhook: Webhook) -> None:
    second = factories.WebhookFactory(business_profile=business)
    answer = program.get("webhooks").json()
    assert [one["id"] for one in answer["data"]] == [str(webhook.pk), str(second.pk)]
    assert answer["meta"]["total"] == 2
    newest = program.get("webhooks?order=-createdAt&limit=1").json()["data"]
    assert [one["id"] for one in newest] == [str(second.pk)]


def test_delete_webhooks_id(program: Caller, webhook: Webhook) -> None:
    assert program.delete(f"webhooks/{webhook.pk}").status_code == 204
    assert not Webhook.objects.exists()


def test_put_webhooks_id_replaces_and_patch_changes_what_is_sent(program: Caller, webhook: Webhook) -> None:
    secret = webhook.secret
    address = f"webhooks/{webhook.pk}"
    put = program.put(address, {"url": "https://new.example.com/", "events": ["contact.created"]})
    assert put.status_code == 200
    assert put.json()["data"]["url"] == "https://new.example.com/"
    patch = program.patch(address, {"isActive": False})
    assert (patch.json()["data"]["state"], patch.json()["data"]["events"]) == ("paused", ["contact.created"])
    webhook.refresh_from_db()
    assert webhook.secret == secret
    assert program.delete(address).status_code == 204
    assert program.get(address).status_code == 404


def test_rotate_test_and_replay(program: Caller, webhook: Webhook, business: BusinessProfile) -> None:
    before = webhook.secret
    rotated = program.post(f"webhooks/{webhook.pk}/rotate").json()["data"]
    webhook.refresh_from_db()
    assert rotated["secret"] == webhook.secret != before
    tested = program.post(f"webhooks/{webhook.pk}/test")
    assert (tested.status_code, tested.json()["data"]["eventType"]) == (201, "webhook.test")
    happen(business, 3)
    WebhookDelivery.objects.update(state="failed", attempts=10)
    replayed = program.post(f"webhooks/{webhook.pk}/replay", {"onlyFailed": True})
    assert replayed.json()["data"] == {"count": 4}
    WebhookDelivery.objects.update(state="delivered")
    one = WebhookDelivery.objects.latest("id")
    again = program.post(f"webhooks/deliveries/{one.pk}/replay").json()["data"]
    assert (again["state"], again["attempts"]) == ("pending", 0)
    program.patch(f"webhooks/{webhook.pk}", {"isActive": False})
    refused = program.post(f"webhooks/{webhook.pk}/test")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "webhook_off")


def test_deliveries_are_listed_filtered_and_shown_with_every_try(
    program: Caller, webhook: Webhook, business: BusinessProfile
) -> None:
    happen(business, 3)
    first = WebhookDelivery.objects.earliest("id")
    first.state = "failed"
    first.save()
    WebhookAttempt.objects.create(delivery=first, at=now(), duration_ms=7, status=500, answer="no")
    listed = program.get("webhooks/deliveries?limit=2").json()
    assert len(listed["data"]) == 2
    rest = program.get(f"webhooks/deliveries?limit=2&cursor={listed['meta']['nextCursor']}").json()
    assert [one["id"] for one in rest["data"]] == [str(first.pk)]
    failed = program.get(f"webhooks/deliveries?state=failed&webhookId={webhook.pk}").json()["data"]
    assert [one["id"] for one in failed] == [str(first.pk)]
    shown = program.get(f"webhooks/deliveries/{first.pk}").json()["data"]
    assert shown["tries"][0]["answer"] == "no"
    assert shown["payload"] == json.loads(first.event.payload)
    assert program.get(f"webhooks/deliveries?webhookId={uuid7()}").status_code == 404


def test_a_list_of_deliveries_costs_the_same_queries_whatever_its_length(
    program: Caller, webhook: Webhook, business: BusinessProfile
) -> None:
    counts = []
    for count in (2, 40):
        happen(business, count)
        with CaptureQueriesContext(database) as captured:
            program.get("webhooks/deliveries")
        counts.append(len([one for one in captured if "webhook_deliveries" in one["sql"]]))
    assert counts == [1, 1]


def test_the_catalogue_tells_every_event(program: Caller) -> None:
    told = {one["name"]: one for one in program.get("webhooks/event-types").json()["data"]}
    assert told["message.received"]["example"]["data"]["content"]


# -- the feed ----------------------------------------------------------------------------------------------------------


def read(program: Caller, cursor: str = "", **query: str) -> Any:
    asked = "&".join(f"{name}={value}" for name, value in {"cursor": cursor, **query}.items())
    answer = program.get(f"events?{asked}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_the_feed_begins_with_the_first_request_and_goes_on_from_the_cursor(
    program: Caller, business: BusinessProfile
) -> None:
    happen(business)
    first = read(program)
    assert (first["data"], first["meta"]["hasMore"]) == ([], False)
    happen(business, 5)
    second = read(program, first["meta"]["nextCursor"], limit="3")
    third = read(program, second["meta"]["nextCursor"], limit="3")
    told = [one["data"]["number"] for page in (second, third) for one in page["data"]]
    assert told == [0, 1, 2, 3, 4]
    assert (second["meta"]["hasMore"], third["meta"]["hasMore"]) == (True, False)
    assert read(program, third["meta"]["nextCursor"])["data"] == []
    happen(business)
    assert len(read(program, third["meta"]["nextCursor"])["data"]) == 1


def test_an_event_that_was_committed_late_is_not_overlooked(
    program: Caller, business: BusinessProfile
) -> None:
    """Its id is older than that of an event which was read before it could be seen."""
    EventFeed.objects.create(business_profile=business, read_at=now())
    happen(business)
    late = PublicEvent.objects.get()
    PublicEvent.objects.all().delete()
    happen(business)
    page = read(program)
    assert len(page["data"]) == 1
    late.save(force_insert=True)
    after = read(program, page["meta"]["nextCursor"])["data"]
    assert [one["id"] for one in after] == [str(late.pk)]


def test_the_feed_is_filtered_by_types(program: Caller, business: BusinessProfile) -> None:
    read(program)
    happen(business, 2)
    happen(business, 1, "message.read")
    page = read(program, types="message.read")
    assert [one["type"] for one in page["data"]] == ["message.read"]
    assert read(program, page["meta"]["nextCursor"])["data"] == []
    assert program.get("events?types=no.such").status_code == 422


@pytest.mark.parametrize("cursor", ["x", "-1", "1.5", "9" * 30])
def test_a_cursor_that_nobody_gave_out_is_refused(program: Caller, cursor: str) -> None:
    assert program.get(f"events?cursor={cursor}").json()["error"]["code"] == "invalid_cursor"


def test_another_businesss_events_are_not_in_it(
    program: Caller, business: BusinessProfile, other_business: BusinessProfile
) -> None:
    EventFeed.objects.create(business_profile=other_business, read_at=now())
    happen(other_business, 3)
    assert read(program)["data"] == []


# -- one shape ---------------------------------------------------------------------------------------------------------


def test_events_show_contacts_as_the_api_does(
    business: BusinessProfile, contact: Any, as_written: Callable[[Any], Any]
) -> None:
    contact_selectors.attach_tags([contact])
    assert as_written(contact_data(contact)) == as_written(ContactSerializer(contact).data)


@pytest.fixture
def as_written() -> Callable[[Any], Any]:
    """A value as JSON tells it."""
    import orjson

    return lambda value: orjson.loads(orjson.dumps(value, option=orjson.OPT_UTC_Z))

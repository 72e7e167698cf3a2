"""Pages of endpoints and deliveries: what people see and may do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection as database
from django.db import transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry, BusinessProfile, User
from core import public_events
from core.ids import uuid7
from tests import factories
from webhooks.models import PublicEvent, Webhook, WebhookAttempt, WebhookDelivery
from webhooks.services import recording

pytestmark = pytest.mark.django_db

FIELDS = {"preset": "standard", "url": "https://crm.example/hook", "all_events": "on"}


@pytest.fixture
def webhook(business: BusinessProfile) -> Webhook:
    return factories.WebhookFactory(
        business_profile=business, description="CRM", url="https://crm.example/in"
    )


@pytest.fixture
def deliveries(webhook: Webhook) -> list[WebhookDelivery]:
    """One delivered, one given up, one waiting."""
    with transaction.atomic():
        recording.audience(webhook.business_profile_id).record(
            [
                public_events.PublicEvent("contact.updated", {"name": f"Person {number}"}, uuid7())
                for number in range(3)
            ]
        )
    rows = list(WebhookDelivery.objects.order_by("id"))
    for row, state in zip(rows, ("delivered", "failed", "pending"), strict=True):
        row.state = state
        row.save()
    WebhookAttempt.objects.create(
        delivery=rows[1], at=timezone.now(), duration_ms=12, status=500, answer="<b>Out of soup</b>"
    )
    return rows


def test_an_empty_list_offers_to_add_one(
    client_of: Callable[..., Client], owner: User, business: BusinessProfile
) -> None:
    page = client_of(owner).get(reverse("webhooks:list")).content.decode()
    assert "No webhook yet" in page
    assert reverse("webhooks:create") in page


@pytest.mark.parametrize("who", ["teammate", "viewer"])
def test_only_those_who_manage_connections_come_in(
    client_of: Callable[..., Client], request: pytest.FixtureRequest, who: str, webhook: Webhook
) -> None:
    client = client_of(request.getfixturevalue(who))
    assert client.get(reverse("webhooks:list")).status_code == 403
    assert client.post(reverse("webhooks:rotate", args=[webhook.pk])).status_code == 403
    assert 'href="/connections/webhooks/"' not in client.get(reverse("connections:list")).content.decode()


def test_an_endpoint_is_added_and_its_secret_shown_once(
    client_of: Callable[..., Client], owner: User, business: BusinessProfile
) -> None:
    client = client_of(owner)
    answer = client.post(
        reverse("webhooks:create"), {**FIELDS, "description": "CRM", "headers": "X-Token: abc\n"}
    )
    webhook = Webhook.objects.get()
    found = re.search(r'value="(whsec_[^"]+)"', answer.content.decode())
    assert found
    assert found[1] == webhook.secret
    assert "no-store" in answer["Cache-Control"]
    assert (webhook.url, webhook.events, webhook.headers) == (
        "https://crm.example/hook",
        ["*"],
        '{"X-Token":"abc"}',
    )
    for name in ("webhooks:detail", "webhooks:edit"):
        page = client.get(reverse(name, args=[webhook.pk])).content.decode()
        assert webhook.secret not in page
        assert ": abc" not in page
    entry = AuditEntry.objects.get(action="webhook.created")
    assert webhook.secret not in str(entry.data)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"url": "http://crm.example/"}, "Only https:// addresses can be called."),
        ({"url": "https://user:pw@crm.example/"}, "Leave user name and password out"),
        ({"url": "gopher://crm.example/"}, "starts with https://"),
        ({"url": "https://192.168.0.1/hook"}, "not on the public internet"),
        ({"url": "https://crm.example:22/"}, "Port 22 is not for web addresses"),
        ({"url": ""}, "This field is required."),
        ({"all_events": ""}, "Choose at least one event."),
        ({"all_events": "", "events": ["no.such"]}, "no.such is not one of the available choices"),
        ({"headers": "nonsense"}, "has no colon"),
        ({"headers": "Webhook-Id: 1"}, "is set by WhatsFlow itself"),
        ({"headers": "Bad Name: 1"}, "no name of a header"),
        ({"preset": "smoke-signals"}, "not one of the available choices"),
    ],
)
def test_what_cannot_be_used_is_told_beside_the_form(
    client_of: Callable[..., Client],
    owner: User,
    business: BusinessProfile,
    changes: dict[str, Any],
    words: str,
) -> None:
    answer = client_of(owner).post(reverse("webhooks:create"), {**FIELDS, **changes})
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Webhook.objects.exists()


def test_editing_keeps_headers_whose_values_are_not_shown(
    client_of: Callable[..., Client], owner: User, webhook: Webhook
) -> None:
    webhook.headers = '{"X-Token":"abc","X-Old":"1"}'
    webhook.save()
    client = client_of(owner)
    address = reverse("webhooks:edit", args=[webhook.pk])
    shown = re.search(r"<textarea[^>]*>\s*(.*?)</textarea>", client.get(address).content.decode(), re.DOTALL)
    assert shown
    lines = [line for line in shown[1].splitlines() if not line.startswith("X-Old")]
    answer = client.post(
        address,
        {
            **FIELDS,
            "all_events": "",
            "events": ["message.received"],
            "headers": "\n".join([*lines, "X-New: 2"]),
        },
    )
    assert answer.status_code == 302
    webhook.refresh_from_db()
    assert webhook.headers == '{"X-Token":"abc","X-New":"2"}'
    assert webhook.events == ["message.received"]
    assert webhook.url == FIELDS["url"]


def test_it_is_switched_off_and_on(
    client_of: Callable[..., Client], owner: User, webhook: Webhook, business: BusinessProfile
) -> None:
    client, address = client_of(owner), reverse("webhooks:switch", args=[webhook.pk])
    client.post(address, {"on": "0"})
    webhook.refresh_from_db()
    assert (webhook.is_active, webhook.state) == (False, "paused")
    page = client.get(reverse("webhooks:detail", args=[webhook.pk])).content.decode()
    assert "Switched off" in page
    assert reverse("webhooks:test", args=[webhook.pk]) not in page
    client.post(address, {"on": "1"})
    webhook.refresh_from_db()
    assert (webhook.is_active, webhook.state) == (True, "active")


def test_a_test_event_goes_to_this_endpoint_only(
    client_of: Callable[..., Client], owner: User, webhook: Webhook, business: BusinessProfile
) -> None:
    factories.WebhookFactory(business_profile=business)
    answer = client_of(owner).post(reverse("webhooks:test", args=[webhook.pk]))
    delivery = WebhookDelivery.objects.get()
    assert answer["Location"] == reverse("webhooks:delivery", args=[delivery.pk])
    assert (delivery.webhook, delivery.event_type, delivery.state) == (webhook, "webhook.test", "pending")


def test_the_new_secret_is_shown_once_and_the_old_one_kept_for_a_day(
    client_of: Callable[..., Client], owner: User, webhook: Webhook
) -> None:
    before = webhook.secret
    answer = client_of(owner).post(reverse("webhooks:rotate", args=[webhook.pk]))
    webhook.refresh_from_db()
    assert webhook.secret in answer.content.decode()
    assert (webhook.old_secret, webhook.secret != before) == (before, True)
    assert webhook.old_secret_until is not None
    assert 23 < (webhook.old_secret_until - timezone.now()).total_seconds() / 3600 < 25


def test_a_delivery_shows_what_was_sent_and_every_answer_as_text(
    client_of: Callable[..., Client], owner: User, deliveries: list[WebhookDelivery]
) -> None:
    page = client_of(owner).get(reverse("webhooks:delivery", args=[deliveries[1].pk])).content.decode()
    assert "500 Internal Server Error" in page
    assert "&lt;b&gt;Out of soup&lt;/b&gt;" in page
    assert "Person 1" in page


@pytest.mark.parametrize(
    ("query", "shown"),
    [("", 3), ("?state=failed", 1), ("?state=pending", 1), ("?state=nonsense", 3)],
)
def test_the_deliveries_of_an_endpoint_are_listed_by_state(
    client_of: Callable[..., Client],
    owner: User,
    deliveries: list[WebhookDelivery],
    webhook: Webhook,
    query: str,
    shown: int,
) -> None:
    page = client_of(owner).get(reverse("webhooks:detail", args=[webhook.pk]) + query).content.decode()
    assert page.count('class="wf-delivery"') == shown


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({}, 3),
        ({"state": "failed"}, 1),
        ({"event_type": "contact.updated"}, 3),
        ({"event_type": "message.received"}, 0),
        ({"since": "2000-01-01T00:00", "until": "2001-01-01T00:00"}, 0),
        ({"webhook": "not-an-id", "since": "nonsense"}, 3),
    ],
)
def test_the_log_is_filtered(
    client_of: Callable[..., Client],
    owner: User,
    deliveries: list[WebhookDelivery],
    query: dict[str, str],
    shown: int,
) -> None:
    page = client_of(owner).get(reverse("webhooks:log"), query).content.decode()
    assert page.count('class="wf-delivery"') == shown


def test_the_log_goes_on_where_a_page_ended(
    client_of: Callable[..., Client], owner: User, webhook: Webhook
) -> None:
    with transaction.atomic():
        rows = [public_events.PublicEvent("contact.updated", {}, uuid7()) for _ in range(60)]
        recording.audience(webhook.business_profile_id).record(rows)
    client = client_of(owner)
    first = client.get(reverse("webhooks:log")).content.decode()
    found = re.search(r'rel="next" href="([^"]+)"', first)
    assert found
    second = client.get(reverse("webhooks:log") + found[1].replace("&amp;", "&")).content.decode()
    assert [page.count('class="wf-delivery"') for page in (first, second)] == [50, 10]


def test_one_given_up_and_all_given_up_are_sent_again(
    client_of: Callable[..., Client], owner: User, webhook: Webhook, deliveries: list[WebhookDelivery]
) -> None:
    client = client_of(owner)
    client.post(reverse("webhooks:delivery_replay", args=[deliveries[0].pk]))
    assert WebhookDelivery.objects.filter(state="pending").count() == 2
    answer = client.post(reverse("webhooks:replay", args=[webhook.pk]), {"which": "failed"}, follow=True)
    assert "One delivery is sent again now." in answer.content.decode()
    assert WebhookDelivery.objects.filter(state="pending", attempts=0).count() == 3
    assert AuditEntry.objects.filter(action="webhook.replayed").count() == 2


def test_everything_is_sent_again_only_from_a_time_on(
    client_of: Callable[..., Client], owner: User, webhook: Webhook, deliveries: list[WebhookDelivery]
) -> None:
    client, address = client_of(owner), reverse("webhooks:replay", args=[webhook.pk])
    assert client.post(address, {"which": "all"}).status_code == 422
    assert (
        client.post(
            address, {"which": "all", "since": "2026-02-02T00:00", "until": "2026-01-01T00:00"}
        ).status_code
        == 422
    )
    client.post(address, {"which": "all", "since": "2000-01-01T00:00"})
    assert WebhookDelivery.objects.filter(state="pending").count() == 3


def test_what_is_switched_off_sends_nothing_again(
    client_of: Callable[..., Client], owner: User, webhook: Webhook, deliveries: list[WebhookDelivery]
) -> None:
    Webhook.objects.update(is_active=False)
    answer = client_of(owner).post(reverse("webhooks:delivery_replay", args=[deliveries[1].pk]))
    assert answer.status_code == 409
    assert WebhookDelivery.objects.filter(state="failed").count() == 1


def test_deleting_removes_deliveries_and_attempts(
    client_of: Callable[..., Client], owner: User, webhook: Webhook, deliveries: list[WebhookDelivery]
) -> None:
    client_of(owner).post(reverse("webhooks:delete", args=[webhook.pk]))
    assert not Webhook.objects.exists()
    assert not WebhookDelivery.objects.exists()
    assert not WebhookAttempt.objects.exists()
    assert PublicEvent.objects.count() == 3


def test_the_catalogue_shows_every_event_with_what_arrives(
    client_of: Callable[..., Client], owner: User, business: BusinessProfile
) -> None:
    page = client_of(owner).get(reverse("webhooks:catalogue")).content.decode()
    for name in (
        "message.received",
        "message.failed",
        "contact.opted_out",
        "connection.status",
        "webhook.test",
    ):
        assert f'id="{name}"' in page
    assert "Is the blue bowl still there?" in page


def test_pages_cost_as_many_queries_with_many_deliveries_as_with_few(
    client_of: Callable[..., Client],
    owner: User,
    webhook: Webhook,
    deliveries: list[WebhookDelivery],
) -> None:
    client = client_of(owner)
    client.get(reverse("webhooks:log"))
    counts = []
    for more in (0, 40):
        with transaction.atomic():
            rows = [public_events.PublicEvent("contact.updated", {}, uuid7()) for _ in range(more)]
            recording.audience(webhook.business_profile_id).record(rows)
        with CaptureQueriesContext(database) as captured:
            client.get(reverse("webhooks:log"))
        counts.append(len(captured))
    assert counts[0] == counts[1] <= 6

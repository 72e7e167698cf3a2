"""The beat task starts a dispatcher when deliveries are due, and only then."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from tests import factories
from webhooks import tasks
from webhooks.delivery import dispatcher, queue
from webhooks.models import Webhook, WebhookDelivery

pytestmark = [pytest.mark.services, pytest.mark.django_db]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """One entry for each time a dispatcher was asked for."""
    asked: list[bool] = []
    monkeypatch.setattr(dispatcher, "ensure_running", lambda: asked.append(True))
    return asked


def test_nothing_waits_and_nothing_is_started(started: list[bool], business: object) -> None:
    factories.WebhookFactory(business_profile=business)
    tasks.deliver_webhooks()
    assert started == []
    assert queue.seconds_until_due() is None


def test_what_waits_has_a_dispatcher_started(
    started: list[bool], business: object, tell: Callable[..., None]
) -> None:
    factories.WebhookFactory(business_profile=business)
    tell()
    tasks.deliver_webhooks()
    assert started == [True]
    assert queue.seconds_until_due() == 0
    WebhookDelivery.objects.update(next_attempt_at=timezone.now() + timedelta(seconds=100))
    assert 90 < (queue.seconds_until_due() or 0) <= 100
    Webhook.objects.update(is_active=False)
    assert queue.seconds_until_due() is None

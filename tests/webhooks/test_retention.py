"""Events, deliveries and attempts are kept for 30 days."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import BusinessProfile
from core.ids import first_at
from tests import factories
from webhooks import tasks
from webhooks.models import PublicEvent, WebhookAttempt, WebhookDelivery
from webhooks.services import retention

pytestmark = [pytest.mark.services, pytest.mark.django_db]


def happened(business: BusinessProfile, days: float) -> None:
    """An event so many days ago, with a delivery and an attempt."""
    webhook = factories.WebhookFactory(business_profile=business)
    moment = timezone.now() - timedelta(days=days)
    event = PublicEvent.objects.create(
        pk=first_at(moment), business_profile=business, type="message.sent", key=business.pk, sequence=1
    )
    delivery = WebhookDelivery.objects.create(
        pk=first_at(moment + timedelta(seconds=1)),
        business_profile=business,
        webhook=webhook,
        event=event,
        event_type=event.type,
        state="delivered",
    )
    WebhookAttempt.objects.create(delivery=delivery, at=moment, duration_ms=1, status=200)


def left() -> list[int]:
    return [model._default_manager.count() for model in (PublicEvent, WebhookDelivery, WebhookAttempt)]


def test_what_is_older_than_a_month_goes_and_the_rest_stays(
    business: BusinessProfile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "CHUNK", 2)
    for days in (400.0, 31.0, 30.5, 29.5, 0.0):
        happened(business, days)
    tasks.prune_events()
    assert left() == [2, 2, 2]
    assert retention.prune() == 0


def test_how_long_is_a_setting(business: BusinessProfile, settings: object) -> None:
    settings.WEBHOOK_RETENTION_DAYS = 7  # type: ignore[attr-defined]
    happened(business, 8.0)
    happened(business, 6.0)
    tasks.prune_events()
    assert left() == [1, 1, 1]

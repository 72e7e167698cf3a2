"""Reading endpoints, deliveries and the events feed. Every function takes the business first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import BusinessProfile
from core.errors import NotFound
from webhooks.models import Webhook, WebhookAttempt, WebhookDelivery

PAGE = 50
COUNTED = 1000
"""Waiting and failed deliveries are counted up to here."""

State = WebhookDelivery.State


@dataclass(frozen=True)
class Backlog:
    """What lies about at one endpoint; at most COUNTED of each are counted."""

    pending: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Filters:
    """Which deliveries to show. Empty: all."""

    webhook: Webhook | None = None
    state: str = ""
    event_type: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class DeliveryPage:
    """Deliveries, newest first, and the id to go on from (empty at the end)."""

    deliveries: Sequence[WebhookDelivery] = field(default_factory=list)
    older: str = ""


def webhooks_of(business: BusinessProfile) -> QuerySet[Webhook]:
    """The business's endpoints, oldest first."""
    return Webhook.objects.filter(business_profile=business).order_by("created_at", "id")


def get_webhook(business: BusinessProfile, webhook_id: UUID | str) -> Webhook:
    """One of the business's endpoints. Raises NotFound."""
    rows = Webhook.objects.select_related("business_profile", "created_by")
    found = rows.filter(business_profile=business, pk=_uuid(webhook_id)).first()
    if found is None:
        raise NotFound("This webhook")
    return found


def backlogs(business: BusinessProfile, webhooks: Sequence[Webhook]) -> dict[UUID, Backlog]:
    """What waits at each of these endpoints, and what was given up; two short walks of an index each."""
    counts: dict[UUID, Backlog] = {}
    for webhook in webhooks:
        rows = WebhookDelivery.objects.filter(business_profile=business, webhook=webhook)
        counts[webhook.pk] = Backlog(
            pending=rows.filter(state=State.PENDING)[:COUNTED].count(),
            failed=rows.filter(state=State.FAILED)[:COUNTED].count(),
        )
    return counts


def deliveries_page(
    business: BusinessProfile, filters: Filters, before: str = "", limit: int = PAGE
) -> DeliveryPage:
    """At most `limit` deliveries with their endpoints, newest first, older than the one with the id `before`."""
    rows = filtered(business, filters).select_related("webhook")
    if before:
        rows = rows.filter(pk__lt=_uuid(before))
    found = list(rows.order_by("-id")[: limit + 1])
    return DeliveryPage(found[:limit], str(found[limit - 1].pk) if len(found) > limit else "")


def filtered(business: BusinessProfile, filters: Filters) -> QuerySet[WebhookDelivery]:
    """The business's deliveries that the filters let through."""
    rows = WebhookDelivery.objects.filter(business_profile=business)
    if filters.webhook:
        rows = rows.filter(webhook=filters.webhook)
    if filters.state:
        rows = rows.filter(state=filters.state)
    if filters.event_type:
        rows = rows.filter(event_type=filters.event_type)
    if filters.since:
        rows = rows.filter(created_at__gte=filters.since)
    if filters.until:
        rows = rows.filter(created_at__lte=filters.until)
    return rows


def get_delivery(business: BusinessProfile, delivery_id: UUID | str) -> WebhookDelivery:
    """One of the business's deliveries with its endpoint and event. Raises NotFound."""
    rows = WebhookDelivery.objects.select_related("webhook", "event")
    found = rows.filter(business_profile=business, pk=_uuid(delivery_id)).first()
    if found is None:
        raise NotFound("This delivery")
    return found


def attempts_of(delivery: WebhookDelivery) -> Sequence[WebhookAttempt]:
    """Every try of a delivery, the latest first."""
    return list(WebhookAttempt.objects.filter(delivery=delivery).order_by("-at", "-id")[:200])


def _uuid(value: UUID | str) -> UUID:
    """The id; for what is none, an id that no row has."""
    try:
        return value if isinstance(value, UUID) else UUID(value)
    except ValueError:
        return UUID(int=0)

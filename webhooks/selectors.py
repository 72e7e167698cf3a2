"""Queries of endpoints, deliveries and attempts. The business is the first argument."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import BusinessProfile
from core.errors import NotFound
from core.ids import parse_id
from webhooks.models import Webhook, WebhookAttempt, WebhookDelivery

PAGE_SIZE = 50
COUNT_LIMIT = 1000
"""Pending and failed deliveries are counted up to this number."""

State = WebhookDelivery.State


@dataclass(frozen=True)
class Backlog:
    """Number of pending and failed deliveries of one endpoint, each at most COUNT_LIMIT."""

    pending: int = 0
    failed: int = 0


@dataclass(frozen=True)
class Filters:
    """Filters of the delivery log; an empty field does not filter."""

    webhook: Webhook | None = None
    state: str = ""
    event_type: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class DeliveryPage:
    """Page of deliveries, newest first. older: `before` of the next page, empty on the last one."""

    deliveries: Sequence[WebhookDelivery] = field(default_factory=list)
    older: str = ""


def webhooks_of(business: BusinessProfile) -> QuerySet[Webhook]:
    """List the business's endpoints, oldest first."""
    return Webhook.objects.filter(business_profile=business).order_by("created_at", "id")


def get_webhook(business: BusinessProfile, webhook_id: UUID | str) -> Webhook:
    """Get one endpoint with its business and creator. Raises NotFound."""
    rows = Webhook.objects.select_related("business_profile", "created_by")
    webhook = rows.filter(business_profile=business, pk=parse_id(webhook_id, "This webhook")).first()
    if webhook is None:
        raise NotFound("This webhook")
    return webhook


def backlogs(business: BusinessProfile, webhooks: Sequence[Webhook]) -> dict[UUID, Backlog]:
    """Count pending and failed deliveries by endpoint id; two bounded index scans per endpoint."""
    counts: dict[UUID, Backlog] = {}
    for webhook in webhooks:
        rows = WebhookDelivery.objects.filter(business_profile=business, webhook=webhook)
        counts[webhook.pk] = Backlog(
            pending=rows.filter(state=State.PENDING)[:COUNT_LIMIT].count(),
            failed=rows.filter(state=State.FAILED)[:COUNT_LIMIT].count(),
        )
    return counts


def deliveries_page(
    business: BusinessProfile, filters: Filters, before: str = "", limit: int = PAGE_SIZE
) -> DeliveryPage:
    """List at most `limit` deliveries with their endpoints, newest first, older than the id `before`."""
    rows = filtered(business, filters).select_related("webhook")
    if before:
        rows = rows.filter(pk__lt=parse_id(before, "This page"))
    deliveries = list(rows.order_by("-id")[: limit + 1])
    older = str(deliveries[limit - 1].pk) if len(deliveries) > limit else ""
    return DeliveryPage(deliveries[:limit], older)


def filtered(business: BusinessProfile, filters: Filters) -> QuerySet[WebhookDelivery]:
    """Filter the business's deliveries; unordered."""
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
    """Get one delivery with its endpoint and event. Raises NotFound."""
    rows = WebhookDelivery.objects.select_related("webhook", "event")
    delivery = rows.filter(business_profile=business, pk=parse_id(delivery_id, "This delivery")).first()
    if delivery is None:
        raise NotFound("This delivery")
    return delivery


def attempts_of(delivery: WebhookDelivery) -> Sequence[WebhookAttempt]:
    """List the latest 200 attempts of a delivery, newest first."""
    return list(WebhookAttempt.objects.filter(delivery=delivery).order_by("-at", "-id")[:200])

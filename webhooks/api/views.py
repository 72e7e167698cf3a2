"""API of endpoints, deliveries, event types and the event feed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from rest_framework.request import Request

from accounts.api.base import Endpoint
from accounts.api.operations import operation
from accounts.roles import Can
from accounts.scopes import Resource
from core import public_events
from core.api.framework import Page
from webhooks import selectors
from webhooks.api import serializers as shapes
from webhooks.models import Webhook, WebhookDelivery
from webhooks.selectors import Filters
from webhooks.services import endpoints, event_feed, recording

_EXAMPLE = {"url": "https://crm.example.com/whatsflow", "events": ["message.received", "contact.created"]}
MANAGE = Can.MANAGE_CONNECTIONS


class Webhooks(Endpoint):
    """Endpoints to which events are posted."""

    section = "Webhooks"
    resource = Resource.WEBHOOKS
    capability = MANAGE

    def current(self, webhook_id: UUID) -> Webhook:
        return selectors.get_webhook(self.business, webhook_id)

    @operation(
        "List webhooks",
        answer=shapes.WebhookSerializer,
        many=True,
        pages="number",
        ordering={"createdAt": ("created_at", "id")},
        can=MANAGE,
    )
    def list(self, request: Request) -> Any:
        """Oldest first."""
        return selectors.webhooks_of(self.business)

    @operation(
        "Create a webhook",
        body=shapes.WebhookBody,
        answer=shapes.WebhookWithSecret,
        status=201,
        example=_EXAMPLE,
    )
    def create(self, request: Request) -> Any:
        """Create an endpoint for events from now on. The response holds the secret, only this once."""
        return endpoints.create(self.business, self.user, **self.data).webhook

    @operation("Get a webhook", answer=shapes.WebhookSerializer, can=MANAGE)
    def retrieve(self, request: Request, webhook_id: UUID) -> Any:
        """One endpoint with its state: active or not, and failing since when."""
        return self.current(webhook_id)

    @operation(
        "Replace a webhook",
        body=shapes.WebhookBody,
        answer=shapes.WebhookSerializer,
        conditional=True,
        example=_EXAMPLE,
    )
    def update(self, request: Request, webhook_id: UUID) -> Any:
        """Replace the settings; the secret stays.

        `isActive: true` turns the endpoint on again and delivers pending events.
        """
        return endpoints.update(self.business, self.user, self.current(webhook_id), **self.data)

    @operation(
        "Change a webhook",
        body=shapes.WebhookBody,
        answer=shapes.WebhookSerializer,
        conditional=True,
        example={"isActive": False},
    )
    def partial_update(self, request: Request, webhook_id: UUID) -> Any:
        """Only what is sent changes."""
        return endpoints.update(self.business, self.user, self.current(webhook_id), **self.data)

    @operation("Delete a webhook", conditional=True)
    def destroy(self, request: Request, webhook_id: UUID) -> None:
        """Delete the endpoint and its delivery log; pending events are not delivered."""
        endpoints.delete(self.business, self.user, self.current(webhook_id))

    @operation("Rotate the secret", answer=shapes.WebhookWithSecret)
    def rotate(self, request: Request, webhook_id: UUID) -> Any:
        """Create a new secret, which is returned only once. The previous secret also signs for 24 hours."""
        webhook = self.current(webhook_id)
        endpoints.rotate(self.business, self.user, webhook)
        return webhook

    @operation("Send a test event", answer=shapes.DeliverySerializer, status=201)
    def test(self, request: Request, webhook_id: UUID) -> Any:
        """Send `webhook.test` to this endpoint only. Get the delivery to see the response."""
        return endpoints.send_test(self.business, self.user, self.current(webhook_id))

    @operation(
        "Send deliveries again",
        body=shapes.ReplayBody,
        answer=shapes.ReplaySerializer,
        example={"onlyFailed": True, "since": "2026-11-22T00:00:00Z"},
    )
    def replay(self, request: Request, webhook_id: UUID) -> Any:
        """Send the failed deliveries, or all, of a range of times again. Every event keeps its id."""
        count = endpoints.replay_many(self.business, self.user, self.current(webhook_id), **self.data)
        return {"count": count}


class Deliveries(Endpoint):
    """Deliveries of events with their attempts and responses."""

    section = "Webhooks"
    resource = Resource.WEBHOOKS
    capability = MANAGE
    cursor_ordering = ("-id",)

    def current(self, delivery_id: UUID) -> WebhookDelivery:
        return selectors.get_delivery(self.business, delivery_id)

    @operation(
        "List deliveries",
        answer=shapes.DeliverySerializer,
        query=shapes.DeliveryQuery,
        many=True,
        pages="cursor",
        ordering={"createdAt": ("id",)},
        can=MANAGE,
    )
    def list(self, request: Request) -> Any:
        """Newest first; kept for 30 days."""
        query = {name: value for name, value in self.query.items() if name in Filters.__dataclass_fields__}
        key = self.query.get("webhook_id")
        webhook = selectors.get_webhook(self.business, key) if key else None
        return selectors.filtered(self.business, Filters(webhook=webhook, **query))

    @operation("Get a delivery", answer=shapes.DeliveryWithAttempts, can=MANAGE)
    def retrieve(self, request: Request, delivery_id: UUID) -> Any:
        """One delivery with its event and all attempts."""
        return self.current(delivery_id)

    def prepare(self, rows: Any) -> None:
        if self.action == "retrieve":
            for row in rows:
                row.payload = orjson.loads(row.event.payload)
                row.tries_shown = selectors.attempts_of(row)

    @operation("Send a delivery again", answer=shapes.DeliverySerializer)
    def replay(self, request: Request, delivery_id: UUID) -> Any:
        """Send at once, under the same event id."""
        endpoints.replay(self.business, self.user, self.current(delivery_id))
        return self.current(delivery_id)


class EventTypes(Endpoint):
    """Catalogue of event types."""

    section = "Webhooks"
    resource = Resource.WEBHOOKS
    capability = MANAGE

    @operation("List kinds of events", answer=shapes.EventTypeSerializer, many=True)
    def list(self, request: Request) -> Any:
        """All event types with a description and an example payload."""
        return [
            {"name": kind.name, "when": kind.when, "example": recording.example(kind)}
            for kind in public_events.catalogue()
        ]


class Events(Endpoint):
    """All events in order, for programs that cannot receive webhooks."""

    section = "Events"
    resource = Resource.EVENTS
    capability = Can.VIEW

    @operation("Read events", answer=shapes.EventSerializer, query=shapes.EventQuery, many=True)
    def list(self, request: Request) -> Any:
        """List events, oldest first. Continue with `cursor` from `meta.nextCursor`.

        `meta.hasMore` says whether to ask again at once. Recording starts with the first request and continues for
        30 days after the last. Events are kept for 30 days.
        """
        query = self.query
        page = event_feed.read(
            self.business, query.get("cursor", ""), query["limit"], query.get("types") or ()
        )
        return Page(page.events, {"nextCursor": page.cursor, "hasMore": page.has_more})

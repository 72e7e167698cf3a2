"""Create, update, test, replay and delete webhook endpoints, and rotate their secrets."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.db import transaction

from accounts.models import BusinessProfile, User
from accounts.services import audit
from core import http, public_events
from core.clock import now
from core.db import bulk
from core.errors import Conflict, InvalidInput
from core.text import printable
from webhooks.delivery import queue
from webhooks.models import ALL_EVENTS, EventFeed, Webhook, WebhookAttempt, WebhookDelivery
from webhooks.services.recording import Audience

TEST_EVENT = "webhook.test"
MAX_ENDPOINTS = 50
"""Endpoints of one business."""
MAX_URL_LENGTH = 500
MAX_HEADERS = 10
MAX_HEADER_LENGTH = 1000
OVERLAP = timedelta(hours=24)
"""How long the previous secret still signs after a rotation."""
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_RESERVED_HEADERS = frozenset(
    {
        *("host", "user-agent", "accept-encoding", "content-length", "content-type"),
        *("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect"),
        *("webhook-id", "webhook-signature", "webhook-timestamp"),
    }
)
"""Headers set by WhatsFlow or by the HTTP connection."""
_UNSET: Any = object()


@dataclass(frozen=True)
class CreatedWebhook:
    """New endpoint with its secret, which is shown only once."""

    webhook: Webhook
    secret: str


def create(
    business: BusinessProfile,
    actor: User | None,
    *,
    url: str,
    events: Sequence[str],
    description: str = "",
    preset: str = Webhook.Preset.STANDARD,
    headers: Mapping[str, str] | None = None,
    is_active: bool = True,
) -> CreatedWebhook:
    """Create an endpoint; later events are recorded for it.

    Raises Blocked for an address that may not be called, InvalidInput ("no_events", "unknown_event",
    "invalid_header", "unknown_preset", ...), Conflict("too_many_webhooks").
    """
    fields = _validate(url=url, events=events, description=description, preset=preset, headers=headers or {})
    secret = new_secret()
    with transaction.atomic():
        feed, _ = EventFeed.objects.get_or_create(business_profile=business)
        EventFeed.objects.select_for_update().get(pk=feed.pk)
        if Webhook.objects.filter(business_profile=business).count() >= MAX_ENDPOINTS:
            raise Conflict(
                "too_many_webhooks", f"A business has at most {MAX_ENDPOINTS} webhooks. Delete one first."
            )
        webhook = Webhook.objects.create(
            business_profile=business, created_by=actor, secret=secret, **fields, **_switch(is_active)
        )
        audit.record(business, actor, "webhook.created", webhook, host=webhook.host, events=webhook.events)
    return CreatedWebhook(webhook, secret)


def update(
    business: BusinessProfile,
    actor: User | None,
    webhook: Webhook,
    *,
    url: str = _UNSET,
    events: Sequence[str] = _UNSET,
    description: str = _UNSET,
    preset: str = _UNSET,
    headers: Mapping[str, str] = _UNSET,
    is_active: bool = _UNSET,
) -> Webhook:
    """Update the given fields. Activating it delivers its pending events. Raises as `create` does."""
    values = {"url": url, "events": events, "description": description, "preset": preset, "headers": headers}
    fields = _validate(**{name: value for name, value in values.items() if value is not _UNSET})
    if is_active is not _UNSET and is_active != webhook.is_active:
        fields |= _switch(is_active)
    changed = sorted(name for name, value in fields.items() if getattr(webhook, name) != value)
    if not changed:
        return webhook
    for name in changed:
        setattr(webhook, name, fields[name])
    with transaction.atomic():
        webhook.save(update_fields=[*changed, "updated_at"])
        audit.record(business, actor, "webhook.changed", webhook, fields=changed, host=webhook.host)
        if webhook.is_active:
            transaction.on_commit(queue.wake, robust=True)
    return webhook


def rotate(business: BusinessProfile, actor: User | None, webhook: Webhook) -> str:
    """Replace the secret and return the new one. The previous secret signs as well for `OVERLAP`."""
    secret = new_secret()
    webhook.old_secret, webhook.old_secret_until = webhook.secret, now() + OVERLAP
    webhook.secret = secret
    with transaction.atomic():
        webhook.save(update_fields=["secret", "old_secret", "old_secret_until", "updated_at"])
        audit.record(business, actor, "webhook.secret_rotated", webhook)
    return secret


def delete(business: BusinessProfile, actor: User | None, webhook: Webhook) -> None:
    """Delete an endpoint with its deliveries; pending ones are not sent."""
    with transaction.atomic():
        audit.record(business, actor, "webhook.deleted", webhook, host=webhook.host)
        deliveries = WebhookDelivery.objects.filter(webhook=webhook)
        bulk.delete_rows(WebhookAttempt.objects.filter(delivery__in=deliveries))
        bulk.delete_rows(deliveries)  # may be many: do not load them into Python
        webhook.delete()


def test_event_data() -> dict[str, Any]:
    """Build the data of a test event."""
    return {"message": "This is a test event from WhatsFlow."}


def send_test(business: BusinessProfile, actor: User | None, webhook: Webhook) -> WebhookDelivery:
    """Queue a test event, whatever the endpoint subscribes to. Raises Conflict("webhook_off")."""
    _require_active(webhook)
    with transaction.atomic():
        audience = Audience(business.pk, webhooks=((webhook.pk, frozenset({TEST_EVENT})),))
        audience.record([public_events.PublicEvent(TEST_EVENT, test_event_data(), webhook.pk)])
        audit.record(business, actor, "webhook.tested", webhook)
        return WebhookDelivery.objects.filter(webhook=webhook, event_type=TEST_EVENT).latest("id")


def replay(business: BusinessProfile, actor: User | None, delivery: WebhookDelivery) -> None:
    """Requeue one delivery under the same event id. Raises Conflict("webhook_off", "under_way")."""
    _require_active(delivery.webhook)
    with transaction.atomic():
        if not queue.requeue(WebhookDelivery.objects.filter(pk=delivery.pk)):
            raise Conflict("under_way", "This event is being posted just now. Wait for what becomes of it.")
        audit.record(business, actor, "webhook.replayed", delivery.webhook, delivery=str(delivery.pk))


def replay_many(
    business: BusinessProfile,
    actor: User | None,
    webhook: Webhook,
    *,
    only_failed: bool = True,
    since: datetime | None = None,
    until: datetime | None = None,
) -> int:
    """Requeue the failed deliveries, or all, that were created in a range of time. Returns their number.

    Raises Conflict("webhook_off"), InvalidInput("invalid_range").
    """
    _require_active(webhook)
    if since and until and since > until:
        raise InvalidInput("invalid_range", "The end lies before the beginning.", field="until")
    rows = WebhookDelivery.objects.filter(business_profile=business, webhook=webhook)
    if only_failed:
        rows = rows.filter(state=WebhookDelivery.State.FAILED)
    if since:
        rows = rows.filter(created_at__gte=since)
    if until:
        rows = rows.filter(created_at__lte=until)
    with transaction.atomic():
        count = queue.requeue(rows)
        audit.record(business, actor, "webhook.replayed", webhook, count=count, only_failed=only_failed)
    return count


def new_secret() -> str:
    """Generate a secret of 256 bits in the format of Standard Webhooks."""
    return f"whsec_{base64.b64encode(os.urandom(32)).decode()}"


def _require_active(webhook: Webhook) -> None:
    if not webhook.is_active:
        raise Conflict("webhook_off", "This webhook is switched off. Switch it on first.")


def _switch(is_active: bool) -> dict[str, Any]:
    """Build the column values for switching an endpoint on or off. Switching on resets the circuit breaker."""
    state = Webhook.State.ACTIVE if is_active else Webhook.State.PAUSED
    fields: dict[str, Any] = {"is_active": is_active, "state": state, "state_changed_at": now()}
    return fields | ({"failing_since": None, "not_before": None} if is_active else {})


def _validate(**fields: Any) -> dict[str, Any]:
    """Validate fields and return the column values to store. Raises as `create` does."""
    return {name: _CHECKS[name](value) for name, value in fields.items()}


def _url(url: str) -> str:
    url = url.strip()
    if len(url) > MAX_URL_LENGTH:
        raise InvalidInput(
            "url_too_long", f"The address has at most {MAX_URL_LENGTH} characters.", field="url"
        )
    http.check_url(url)
    return url


def _events(names: Sequence[str]) -> list[str]:
    if ALL_EVENTS in names:
        return [ALL_EVENTS]
    if not names:
        raise InvalidInput("no_events", "Choose at least one event.", field="events")
    if unknown := public_events.unknown(names):
        raise InvalidInput("unknown_event", f"There is no event called {unknown[0][:64]}.", field="events")
    return sorted(set(names))


def _description(text: str) -> str:
    text = printable(text)
    if len(text) > 200:
        raise InvalidInput("description_too_long", "Use at most 200 characters.", field="description")
    return text


def _preset(name: str) -> str:
    if name not in Webhook.Preset.values:
        raise InvalidInput("unknown_preset", "There is no such format.", field="preset")
    return name


def _headers(headers: Mapping[str, str]) -> str:
    """Encode headers as JSON, or "" if there are none."""
    if len(headers) > MAX_HEADERS:
        raise InvalidInput("invalid_header", f"At most {MAX_HEADERS} headers can be added.", field="headers")
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise InvalidInput("invalid_header", f"{name[:60]!r} is no name of a header.", field="headers")
        if name.lower() in _RESERVED_HEADERS:
            raise InvalidInput("invalid_header", f"{name} is set by WhatsFlow itself.", field="headers")
        if (
            not isinstance(value, str)
            or not value.isascii()
            or not value.isprintable()
            or len(value) > MAX_HEADER_LENGTH
            or value != value.strip()
        ):
            raise InvalidInput(
                "invalid_header",
                f"The value of {name} must be one line of plain characters, without blanks around it.",
                field="headers",
            )
    return orjson.dumps(dict(headers)).decode() if headers else ""


_CHECKS: dict[str, Any] = {
    "url": _url,
    "events": _events,
    "description": _description,
    "preset": _preset,
    "headers": _headers,
}

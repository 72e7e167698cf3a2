"""What people and programs do with endpoints: add, change, switch, rotate the secret, try, post again, delete."""

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
from core.public_events import PublicEvent as Told
from core.text import printable
from webhooks.models import ALL_EVENTS, EventFeed, Webhook, WebhookAttempt, WebhookDelivery
from webhooks.public_events import TEST, test_data
from webhooks.services import deliveries
from webhooks.services.recording import Audience

MOST = 50
"""Endpoints that a business may have."""
URL_LENGTH = 500
MOST_HEADERS = 10
HEADER_LENGTH = 1000
OVERLAP = timedelta(hours=24)
"""How long the secret before the newest still signs."""
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_OURS = frozenset(
    {
        *("host", "user-agent", "accept-encoding", "content-length", "content-type"),
        *("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "expect"),
        *("webhook-id", "webhook-signature", "webhook-timestamp"),
    }
)
"""Headers that we set, or that are about the connection."""
_UNSET: Any = object()


@dataclass(frozen=True)
class Created:
    """A new endpoint with its secret, which is shown this once."""

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
) -> Created:
    """A new endpoint; from now on events are recorded for it.

    Raises Blocked for an address that may not be called, InvalidInput ("no_events", "unknown_event",
    "invalid_header", "unknown_preset", ...), Conflict("too_many_webhooks").
    """
    fields = _checked(url=url, events=events, description=description, preset=preset, headers=headers or {})
    secret = new_secret()
    with transaction.atomic():
        feed, _ = EventFeed.objects.get_or_create(business_profile=business)
        EventFeed.objects.select_for_update().get(pk=feed.pk)
        if Webhook.objects.filter(business_profile=business).count() >= MOST:
            raise Conflict("too_many_webhooks", f"A business has at most {MOST} webhooks. Delete one first.")
        webhook = Webhook.objects.create(
            business_profile=business, created_by=actor, secret=secret, **fields, **_switched(is_active)
        )
        audit.record(business, actor, "webhook.created", webhook, host=webhook.host, events=webhook.events)
    return Created(webhook, secret)


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
    """Change what is given. Switching it on lets go what has waited. Raises as `create` does."""
    given = {"url": url, "events": events, "description": description, "preset": preset, "headers": headers}
    fields = _checked(**{name: value for name, value in given.items() if value is not _UNSET})
    if is_active is not _UNSET and is_active != webhook.is_active:
        fields |= _switched(is_active)
    changed = sorted(name for name, value in fields.items() if getattr(webhook, name) != value)
    if not changed:
        return webhook
    for name in changed:
        setattr(webhook, name, fields[name])
    with transaction.atomic():
        webhook.save(update_fields=[*changed, "updated_at"])
        audit.record(business, actor, "webhook.changed", webhook, fields=changed, host=webhook.host)
        if webhook.is_active:
            transaction.on_commit(deliveries.wake, robust=True)
    return webhook


def rotate(business: BusinessProfile, actor: User | None, webhook: Webhook) -> str:
    """Give it a new secret and return it. The one before goes on signing beside it for `OVERLAP`."""
    secret = new_secret()
    webhook.old_secret, webhook.old_secret_until = webhook.secret, now() + OVERLAP
    webhook.secret = secret
    with transaction.atomic():
        webhook.save(update_fields=["secret", "old_secret", "old_secret_until", "updated_at"])
        audit.record(business, actor, "webhook.secret_rotated", webhook)
    return secret


def delete(business: BusinessProfile, actor: User | None, webhook: Webhook) -> None:
    """Remove it with its deliveries: what waits is not sent."""
    with transaction.atomic():
        audit.record(business, actor, "webhook.deleted", webhook, host=webhook.host)
        sent = WebhookDelivery.objects.filter(webhook=webhook)
        bulk.delete_rows(WebhookAttempt.objects.filter(delivery__in=sent))
        bulk.delete_rows(sent)  # there may be very many: not one by one through Python
        webhook.delete()


def send_test(business: BusinessProfile, actor: User | None, webhook: Webhook) -> WebhookDelivery:
    """Send it a test event now, whatever it listens to. Raises Conflict("webhook_off")."""
    _must_be_on(webhook)
    with transaction.atomic():
        audience = Audience(business.pk, webhooks=((webhook.pk, frozenset({TEST})),))
        audience.record([Told(TEST, test_data(), webhook.pk)])
        audit.record(business, actor, "webhook.tested", webhook)
        return WebhookDelivery.objects.filter(webhook=webhook, event_type=TEST).latest("id")


def replay(business: BusinessProfile, actor: User | None, delivery: WebhookDelivery) -> None:
    """Post one event again, under the same id. Raises Conflict("webhook_off", "under_way")."""
    _must_be_on(delivery.webhook)
    with transaction.atomic():
        if not deliveries.again(WebhookDelivery.objects.filter(pk=delivery.pk)):
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
    """Post again what was given up, or everything, of a range of times; one statement. Returns how many.

    Raises Conflict("webhook_off"), InvalidInput("invalid_range").
    """
    _must_be_on(webhook)
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
        count = deliveries.again(rows)
        audit.record(business, actor, "webhook.replayed", webhook, count=count, only_failed=only_failed)
    return count


def new_secret() -> str:
    """256 bits, as Standard Webhooks writes them."""
    return f"whsec_{base64.b64encode(os.urandom(32)).decode()}"


def _must_be_on(webhook: Webhook) -> None:
    if not webhook.is_active:
        raise Conflict("webhook_off", "This webhook is switched off. Switch it on first.")


def _switched(is_active: bool) -> dict[str, Any]:
    """The columns that say that a person switched it on or off. On, its past failures are forgotten."""
    state = Webhook.State.ACTIVE if is_active else Webhook.State.PAUSED
    fields: dict[str, Any] = {"is_active": is_active, "state": state, "state_changed_at": now()}
    return fields | ({"failing_since": None, "not_before": None} if is_active else {})


def _checked(**fields: Any) -> dict[str, Any]:
    """The columns that were given, as they are stored. Raises what `create` says."""
    return {name: _CHECKS[name](value) for name, value in fields.items()}


def _url(url: str) -> str:
    url = url.strip()
    if len(url) > URL_LENGTH:
        raise InvalidInput("url_too_long", f"The address has at most {URL_LENGTH} characters.", field="url")
    http.check_url(url)
    return url


def _events(names: Sequence[str]) -> list[str]:
    if ALL_EVENTS in names:
        return [ALL_EVENTS]
    if not names:
        raise InvalidInput("no_events", "Choose at least one event.", field="events")
    if wrong := public_events.unknown(names):
        raise InvalidInput("unknown_event", f"There is no event called {wrong[0][:64]}.", field="events")
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
    """JSON, or "" for none."""
    if len(headers) > MOST_HEADERS:
        raise InvalidInput("invalid_header", f"At most {MOST_HEADERS} headers can be added.", field="headers")
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise InvalidInput("invalid_header", f"{name[:60]!r} is no name of a header.", field="headers")
        if name.lower() in _OURS:
            raise InvalidInput("invalid_header", f"{name} is set by WhatsFlow itself.", field="headers")
        if (
            not isinstance(value, str)
            or not value.isascii()
            or not value.isprintable()
            or len(value) > HEADER_LENGTH
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

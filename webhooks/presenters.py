"""Presenters of the webhook pages."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from http import HTTPStatus

import orjson

from accounts.models import BusinessProfile
from core import public_events
from webhooks import selectors
from webhooks.delivery import presets
from webhooks.models import ALL_EVENTS, Webhook, WebhookAttempt, WebhookDelivery
from webhooks.selectors import COUNT_LIMIT, Backlog
from webhooks.services import recording


@dataclass(frozen=True)
class Status:
    """Status of an endpoint: a colour of the theme, an icon, a title and what to do about it."""

    color: str
    icon: str
    title: str
    text: str = ""


@dataclass(frozen=True)
class Card:
    """Endpoint with its status. pending, failed: counts as text."""

    webhook: Webhook
    status: Status
    events: str
    pending: str
    failed: str
    has_failed: bool


@dataclass(frozen=True)
class AttemptRow:
    """Attempt with a description of its result."""

    attempt: WebhookAttempt
    outcome: str


@dataclass(frozen=True)
class DeliveryRow:
    """Delivery in a list. outcome: last result. retry_at: next retry. on_hold: waits for the endpoint's activation."""

    delivery: WebhookDelivery
    outcome: str
    retry_at: datetime | None = None
    on_hold: bool = False

    @property
    def attempts(self) -> str:
        """Number of attempts as text, empty for fewer than two."""
        return f"{self.delivery.attempts} attempts" if self.delivery.attempts > 1 else ""


@dataclass(frozen=True)
class Example:
    """Event type of the catalogue. json: example payload, indented. chat: the example as a chat message."""

    name: str
    when: str
    json: str
    chat: str


def cards(business: BusinessProfile, webhooks: Sequence[Webhook]) -> list[Card]:
    """Build the cards of endpoints; two counts per endpoint."""
    backlogs = selectors.backlogs(business, webhooks)
    return [_card(webhook, backlogs[webhook.pk]) for webhook in webhooks]


def _card(webhook: Webhook, backlog: Backlog) -> Card:
    return Card(
        webhook,
        status(webhook),
        "Every event" if ALL_EVENTS in webhook.events else ", ".join(webhook.events),
        _count(backlog.pending),
        _count(backlog.failed),
        bool(backlog.failed),
    )


def _count(number: int) -> str:
    return f"{number:,}" if number < COUNT_LIMIT else f"{COUNT_LIMIT:,} or more"


def status(webhook: Webhook) -> Status:
    """Describe the status of an endpoint and what to do about it."""
    match webhook.state:
        case Webhook.State.PAUSED:
            return Status(
                "secondary",
                "player-pause",
                "Switched off",
                "Nothing is sent. What had waited goes out later.",
            )
        case Webhook.State.GONE:
            return Status(
                "red",
                "circle-x",
                "Switched off: the receiver wants no more",
                "It answered 410 Gone. Switch it on again when the receiver is back.",
            )
        case Webhook.State.FAILING:
            return Status(
                "red",
                "circle-x",
                "Switched off after five days of failures",
                "Repair the receiver, then switch it on again: what waited goes out.",
            )
    if webhook.failing_since:
        return Status(
            "yellow",
            "alert-triangle",
            "Failing",
            "Nothing gets through just now. It is tried again by itself, for up to three days an event.",
        )
    if webhook.last_success_at:
        return Status("green", "circle-check", "Works")
    return Status("blue", "circle-dashed", "Nothing sent yet", "Send a test event to see whether it arrives.")


def replayed(count: int) -> str:
    """Return the message shown after a replay of `count` deliveries."""
    if count == 1:
        return "One delivery is sent again now."
    return f"{count:,} deliveries are sent again now." if count else "Nothing was to be sent again."


def rows(deliveries: Sequence[WebhookDelivery]) -> list[DeliveryRow]:
    """Build the rows of deliveries, whose endpoints must be loaded."""
    return [_row(delivery) for delivery in deliveries]


def _row(delivery: WebhookDelivery) -> DeliveryRow:
    pending = delivery.state == WebhookDelivery.State.PENDING
    on_hold = pending and not delivery.webhook.is_active
    retries = pending and not on_hold and bool(delivery.attempts) and delivery.claim is None
    outcome = _outcome(delivery.last_status, delivery.last_error)
    return DeliveryRow(delivery, outcome, delivery.next_attempt_at if retries else None, on_hold)


def attempts(delivery: WebhookDelivery) -> list[AttemptRow]:
    """List the attempts of a delivery, newest first."""
    return [
        AttemptRow(attempt, _outcome(attempt.status, attempt.error))
        for attempt in selectors.attempts_of(delivery)
    ]


_ERRORS = {
    "timed_out": "No whole answer in time",
    "unreachable": "Could not be reached, or the connection broke",
    "address_not_public": "The address is not on the public internet",
    "https_required": "Only https:// addresses are called",
    "port_not_allowed": "This port is not for web addresses",
    "invalid_url": "This is no web address",
    "internal_error": "Our mistake; the server's log has it",
}


def _outcome(status: int | None, error: str) -> str:
    return _ERRORS.get(error, error) if status is None else _status_text(status)


def _status_text(status: int) -> str:
    """Format an HTTP status with its reason phrase."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def pretty(payload: str) -> str:
    """Indent JSON."""
    return orjson.dumps(orjson.loads(payload), option=orjson.OPT_INDENT_2).decode()


def sent_body(delivery: WebhookDelivery) -> str:
    """Return the request body if it differs from the event, else an empty string."""
    if delivery.webhook.preset != Webhook.Preset.SLACK:
        return ""
    return pretty(presets.body(delivery.webhook.preset, delivery.event.payload).decode())


@lru_cache(maxsize=1)
def catalogue() -> list[tuple[str, list[Example]]]:
    """Group the event types with examples as (group, examples)."""
    groups: dict[str, list[Example]] = defaultdict(list)
    for event_type in public_events.catalogue():
        body = recording.example(event_type)
        text = orjson.dumps(body, option=orjson.OPT_INDENT_2).decode()
        example = Example(event_type.name, event_type.when, text, presets.chat_text(body))
        groups[event_type.group].append(example)
    return list(groups.items())

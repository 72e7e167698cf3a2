"""Words and looks for pages of endpoints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from http import HTTPStatus

import orjson

from accounts.models import BusinessProfile
from core import public_events as told
from webhooks import selectors
from webhooks.delivery import presets
from webhooks.models import ALL_EVENTS, Webhook, WebhookAttempt, WebhookDelivery
from webhooks.selectors import COUNTED, Backlog
from webhooks.services import recording


@dataclass(frozen=True)
class Look:
    """How something does: a colour of the theme, an icon, and words."""

    color: str
    icon: str
    title: str
    text: str = ""


@dataclass(frozen=True)
class Card:
    """An endpoint as the list shows it. pending, failed: counts as text."""

    webhook: Webhook
    look: Look
    events: str
    pending: str
    failed: str
    has_failed: bool


@dataclass(frozen=True)
class Try:
    """An attempt with the words for it."""

    attempt: WebhookAttempt
    words: str


@dataclass(frozen=True)
class Row:
    """A delivery as lists show it. said: what the receiver answered last. again: when it is tried once more."""

    delivery: WebhookDelivery
    said: str
    again: datetime | None = None
    waits: bool = False

    @property
    def tries(self) -> str:
        """How often it was tried, where that says something."""
        return f"{self.delivery.attempts} attempts" if self.delivery.attempts > 1 else ""


@dataclass(frozen=True)
class Example:
    """An event of the catalogue. json: what arrives, written for people."""

    name: str
    when: str
    json: str
    chat: str


def cards(business: BusinessProfile, webhooks: Sequence[Webhook]) -> list[Card]:
    """The endpoints with how they do; two counts each."""
    backlogs = selectors.backlogs(business, webhooks)
    return [_card(webhook, backlogs[webhook.pk]) for webhook in webhooks]


def _card(webhook: Webhook, backlog: Backlog) -> Card:
    return Card(
        webhook,
        look(webhook),
        "Every event" if ALL_EVENTS in webhook.events else ", ".join(webhook.events),
        _count(backlog.pending),
        _count(backlog.failed),
        bool(backlog.failed),
    )


def _count(number: int) -> str:
    return f"{number:,}" if number < COUNTED else f"{COUNTED:,} or more"


def look(webhook: Webhook) -> Look:
    """How the endpoint does, and what to do about it."""
    match webhook.state:
        case Webhook.State.PAUSED:
            return Look(
                "secondary",
                "player-pause",
                "Switched off",
                "Nothing is sent. What had waited goes out later.",
            )
        case Webhook.State.GONE:
            return Look(
                "red",
                "circle-x",
                "Switched off: the receiver wants no more",
                "It answered 410 Gone. Switch it on again when the receiver is back.",
            )
        case Webhook.State.FAILING:
            return Look(
                "red",
                "circle-x",
                "Switched off after five days of failures",
                "Repair the receiver, then switch it on again: what waited goes out.",
            )
    if webhook.failing_since:
        return Look(
            "yellow",
            "alert-triangle",
            "Failing",
            "Nothing gets through just now. It is tried again by itself, for up to three days an event.",
        )
    if webhook.last_success_at:
        return Look("green", "circle-check", "Works")
    return Look("blue", "circle-dashed", "Nothing sent yet", "Send a test event to see whether it arrives.")


def replayed(count: int) -> str:
    """What to say after many were sent again."""
    if count == 1:
        return "One delivery is sent again now."
    return f"{count:,} deliveries are sent again now." if count else "Nothing was to be sent again."


def rows(deliveries: Sequence[WebhookDelivery]) -> list[Row]:
    """Deliveries (with their endpoints) for a list. waits: nothing is tried until the endpoint is switched on."""
    return [_row(one) for one in deliveries]


def _row(delivery: WebhookDelivery) -> Row:
    pending = delivery.state == WebhookDelivery.State.PENDING
    waits = pending and not delivery.webhook.is_active
    tried = pending and not waits and bool(delivery.attempts) and delivery.claim is None
    said = _outcome(delivery.last_status, delivery.last_error)
    return Row(delivery, said, delivery.next_attempt_at if tried else None, waits)


def attempts(delivery: WebhookDelivery) -> list[Try]:
    """Every attempt, the latest first."""
    return [Try(attempt, outcome(attempt)) for attempt in selectors.attempts_of(delivery)]


_ERRORS = {
    "timed_out": "No whole answer in time",
    "unreachable": "Could not be reached, or the connection broke",
    "address_not_public": "The address is not on the public internet",
    "https_required": "Only https:// addresses are called",
    "port_not_allowed": "This port is not for web addresses",
    "invalid_url": "This is no web address",
    "internal_error": "Our mistake; the server's log has it",
}


def outcome(attempt: WebhookAttempt) -> str:
    """What came of an attempt, in words."""
    return _outcome(attempt.status, attempt.error)


def _outcome(status: int | None, error: str) -> str:
    return _ERRORS.get(error, error) if status is None else status_words(status)


def status_words(status: int) -> str:
    """An HTTP status with its name."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def pretty(payload: str) -> str:
    """JSON for people's eyes."""
    return orjson.dumps(orjson.loads(payload), option=orjson.OPT_INDENT_2).decode()


def sent_body(delivery: WebhookDelivery) -> str:
    """What is posted where that is not the event itself; else empty."""
    if delivery.webhook.preset != Webhook.Preset.SLACK:
        return ""
    return pretty(presets.body(delivery.webhook.preset, delivery.event.payload).decode())


@lru_cache(maxsize=1)
def catalogue() -> list[tuple[str, list[Example]]]:
    """(group, its events with examples); made once a process."""
    groups: dict[str, list[Example]] = defaultdict(list)
    for one in told.catalogue():
        shown = recording.example(one)
        text = orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode()
        groups[one.group].append(Example(one.name, one.when, text, presets.chat_text(shown)))
    return list(groups.items())

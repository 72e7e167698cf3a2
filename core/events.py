"""What happened, by name: the only way upwards through the house.

An event is a frozen dataclass with a `name` (also the webhook's name) and the business it happened in. A service calls
`publish()` inside the transaction that made the change.

- *inside* subscribers run at once, in the same transaction, and only touch the database: what they write is as safe as
  the change itself. If one raises, the change is rolled back.
- *after* subscribers run when the transaction has committed (live push, wake-up, Celery). What one loses, a sweeper or
  the next page load makes up for; an error in one is logged and stops nobody else.

Both receive batches: a list of events of the subscribed class, in the order in which they were published.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import structlog
from django.db import transaction

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened in a business. `name` is public and stable."""

    name: ClassVar[str] = "event"
    business_id: UUID


E = TypeVar("E", bound=Event)
Subscriber = Callable[[list[Any]], None]

_inside: dict[type[Event], list[Subscriber]] = defaultdict(list)
_after: dict[type[Event], list[Subscriber]] = defaultdict(list)


def inside(event_type: type[E], subscriber: Callable[[list[E]], None]) -> None:
    """Call `subscriber` with each batch of `event_type`, within the publishing transaction. Register in ready()."""
    _register(_inside, event_type, subscriber)


def after(event_type: type[E], subscriber: Callable[[list[E]], None]) -> None:
    """Call `subscriber` with each batch of `event_type` once the publishing transaction has committed."""
    _register(_after, event_type, subscriber)


def _register(
    table: dict[type[Event], list[Subscriber]], event_type: type[Event], subscriber: Subscriber
) -> None:
    if subscriber not in table[event_type]:
        table[event_type].append(subscriber)


def publish(*events: Event) -> None:
    """Tell everybody who subscribed. Must be called inside `transaction.atomic()`."""
    if not events:
        return
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("publish() must be called inside the transaction that made the change")
    for event_type, batch in _by_type(events).items():
        for subscriber in tuple(_inside[event_type]):
            subscriber(batch)
    transaction.on_commit(partial(_announce, events), robust=True)


def _announce(events: Sequence[Event]) -> None:
    for event_type, batch in _by_type(events).items():
        for subscriber in tuple(_after[event_type]):
            try:
                subscriber(batch)
            except Exception:
                log.exception(
                    "event_subscriber_failed", event_name=event_type.name, subscriber=repr(subscriber)
                )


def _by_type(events: Sequence[Event]) -> dict[type[Event], list[Any]]:
    batches: dict[type[Event], list[Any]] = defaultdict(list)
    for event in events:
        batches[type(event)].append(event)
    return batches

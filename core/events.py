"""Domain events: the only way for an app to call the apps above it.

An event is a frozen dataclass with a `name` (also the webhook's name) and the id of its business. A service calls
`publish()` inside the transaction of the change.

- *inside* subscribers run at once, in the same transaction, and write to the database only, so that their rows are
  committed with the change. If one raises, the change is rolled back.
- *after* subscribers run after the commit (live updates, wake-ups, Celery). A lost call is made up for by a sweeper or
  the next page load; an error is logged and does not stop the other subscribers.

Both receive batches: a list of events of the subscribed class, in the order of publication.
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
    """Base class of domain events. `name` is public and stable."""

    name: ClassVar[str] = "event"
    business_id: UUID


E = TypeVar("E", bound=Event)
Subscriber = Callable[[list[Any]], None]

_inside: dict[type[Event], list[Subscriber]] = defaultdict(list)
_after: dict[type[Event], list[Subscriber]] = defaultdict(list)


def inside(event_type: type[E], subscriber: Callable[[list[E]], None]) -> None:
    """Call `subscriber` with each batch of `event_type`, within the publishing transaction.

    To be called in an app's ready(), like `after`.
    """
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
    """Call the subscribers of `events`. Raises RuntimeError outside of `transaction.atomic()`."""
    if not events:
        return
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("publish() must be called inside the transaction that made the change")
    for event_type, batch in _by_type(events).items():
        for subscriber in tuple(_inside[event_type]):
            subscriber(batch)
    transaction.on_commit(partial(_notify_after, events), robust=True)


def _notify_after(events: Sequence[Event]) -> None:
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

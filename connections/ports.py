"""Functions that numbers need from messaging, which registers them in ready()."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from accounts.models import BusinessProfile
from connections.drivers.base import Event


@dataclass(frozen=True)
class Traffic:
    """Message counts of a number.

    sent_today: since midnight in the business's time zone.
    """

    queued: int = 0
    sent_today: int = 0


@dataclass(frozen=True, kw_only=True)
class Messaging:
    """Functions of the app that stores the messages.

    traffic: counts of some of a business's numbers, in a fixed number of queries. waiting_numbers: ids of all numbers
    of this installation with queued messages. receive_again: store events that were set aside, with or without a
    runner; raises the reason why they cannot be stored.
    """

    traffic: Callable[[BusinessProfile, Sequence[UUID]], dict[UUID, Traffic]]
    waiting_numbers: Callable[[], set[UUID]]
    receive_again: Callable[[UUID, Sequence[Event]], None]


_messaging: Messaging | None = None


def register_messaging(functions: Messaging) -> None:
    """Set the implementation. Called once, in messaging's ready()."""
    global _messaging
    _messaging = functions


def messaging() -> Messaging:
    """Return the registered implementation. Raises RuntimeError if there is none."""
    if _messaging is None:
        raise RuntimeError("Nothing is registered: is the messaging app installed?")
    return _messaging


def traffic_of(business: BusinessProfile, connection_ids: Sequence[UUID]) -> dict[UUID, Traffic]:
    """Return the traffic of each of these numbers of the business."""
    counted = messaging().traffic(business, connection_ids) if connection_ids else {}
    return {id_: counted.get(id_, Traffic()) for id_ in connection_ids}

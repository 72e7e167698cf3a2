"""What other systems hear about messages. A message's events are numbered within its conversation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar
from uuid import UUID

from core import events, public_events
from core.public_events import EventType, PublicEvent
from messaging.events import MessageAdded, MessageReceived, MessageStatusChanged, MessageUpdated
from messaging.inbox import selectors
from messaging.models import Message
from messaging.payloads import example_message, message_data

E = TypeVar("E", MessageAdded, MessageReceived, MessageStatusChanged, MessageUpdated)
Status = Message.Status

_STATUSES: dict[str, str] = {
    Status.SENT: "A message of yours reached WhatsApp, or was typed on the phone.",
    Status.DELIVERED: "A message of yours reached the recipient's phone.",
    Status.READ: "The recipient has read a message of yours.",
    Status.PLAYED: "The recipient has played a voice message or video of yours.",
    Status.FAILED: "A message of yours was refused; errorCode says why. It is not sent again by itself.",
    Status.UNKNOWN: "A message of yours may have left or not; a person decides whether it is sent again.",
    Status.CANCELLED: "A waiting message was taken back before it left.",
    Status.EXPIRED: "A waiting message was not sent in time and will not leave any more.",
}
_LATER: dict[str, dict[str, None]] = {
    Status.SENT: {"deliveredAt": None, "readAt": None},
    Status.DELIVERED: {"readAt": None},
}
"""What a message that has only come so far does not have yet."""


def register() -> None:
    """Declare and subscribe; called once, in ready()."""
    public_events.declare(
        EventType("message.received", "A customer's message was stored.", _received),
        EventType(
            "message.updated",
            "A message was edited or deleted, got or lost a reaction, or the state of its file has changed.",
            _received,
        ),
        *(EventType(f"message.{status}", when, _sent(status)) for status, when in _STATUSES.items()),
    )
    events.inside(MessageReceived, tell_received)
    events.inside(MessageUpdated, tell_updated)
    events.inside(MessageAdded, tell_added)
    events.inside(MessageStatusChanged, tell_statuses)


def tell_received(batch: Sequence[MessageReceived]) -> None:
    """Customers' messages; one that was late says so (`backfilled`)."""
    _tell(batch, lambda event: "message.received")


def tell_updated(batch: Sequence[MessageUpdated]) -> None:
    """Messages whose content or file has changed."""
    _tell(batch, lambda event: "message.updated")


def tell_added(batch: Sequence[MessageAdded]) -> None:
    """What was typed on the phone is sent already; what was queued here is told when it has left."""
    _tell([event for event in batch if event.origin == Message.Origin.PHONE], lambda event: "message.sent")


def tell_statuses(batch: Sequence[MessageStatusChanged]) -> None:
    """Statuses that mean something outside: waiting and being sent do not.

    A message that rose by several steps at once tells each: what arrives does not depend on how receipts came together.
    """
    steps = [replace(event, status=status) for event in batch for status in (*event.passed, event.status)]
    _tell([step for step in steps if step.status in _STATUSES], lambda event: f"message.{event.status}")


def _tell(batch: Sequence[E], name_of: Callable[[E], str]) -> None:
    """Record each event under its public name, with its message as it is now; one read a business."""
    groups: dict[UUID, list[E]] = defaultdict(list)
    for event in batch:
        groups[event.business_id].append(event)
    for business_id, group in groups.items():
        audience = public_events.audience(business_id)
        if not audience.wants(*{name_of(event) for event in group}):
            continue
        found = selectors.messages_with_contacts(business_id, {event.message_id for event in group})
        audience.record(
            [
                PublicEvent(name_of(event), _data(found[event.message_id], event), event.conversation_id)
                for event in group
                if event.message_id in found
            ]
        )


def _data(message: Message, event: E) -> dict[str, Any]:
    """The message; of several statuses in one batch each event carries its own, and knows of no later one."""
    data = message_data(message)
    match event:
        case MessageStatusChanged():
            return data | {"status": event.status} | _LATER.get(event.status, {})
        case MessageAdded():
            return data | {"status": Status.SENT} | _LATER[Status.SENT]
    return data


def _received() -> dict[str, Any]:
    return message_data(example_message())


def _sent(status: str) -> Callable[[], dict[str, Any]]:
    def example() -> dict[str, Any]:
        failed = {"error_code": "not_on_whatsapp", "error_message": "This number is not on WhatsApp."}
        moment = example_message().created_at
        return message_data(
            example_message(
                direction=Message.Direction.OUTBOUND,
                origin=Message.Origin.INBOX,
                content="It is! Shall we put it aside for you?",
                status=status,
                sent_at=moment
                if status in (Status.SENT, Status.DELIVERED, Status.READ, Status.PLAYED)
                else None,
                **(failed if status == Status.FAILED else {}),
            )
        )

    return example

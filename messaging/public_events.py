"""Public events of messages, ordered within a conversation."""

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
_NOT_YET_SET: dict[str, dict[str, None]] = {
    Status.SENT: {"deliveredAt": None, "readAt": None},
    Status.DELIVERED: {"readAt": None},
}
"""Fields to clear in the event of a status that a later one in the batch has passed."""


def register() -> None:
    """Declare the event types and subscribe. Called once, in ready()."""
    public_events.declare(
        EventType("message.received", "A customer's message was stored.", _inbound_example),
        EventType(
            "message.updated",
            "A message was edited or deleted, got or lost a reaction, or the state of its file has changed.",
            _inbound_example,
        ),
        *(
            EventType(f"message.{status}", when, _outbound_example(status))
            for status, when in _STATUSES.items()
        ),
    )
    events.inside(MessageReceived, record_received)
    events.inside(MessageUpdated, record_updated)
    events.inside(MessageAdded, record_added)
    events.inside(MessageStatusChanged, record_statuses)


def record_received(batch: Sequence[MessageReceived]) -> None:
    """Record received messages, including backfilled ones."""
    _record(batch, lambda event: "message.received")


def record_updated(batch: Sequence[MessageUpdated]) -> None:
    """Record messages whose content or file has changed."""
    _record(batch, lambda event: "message.updated")


def record_added(batch: Sequence[MessageAdded]) -> None:
    """Record messages typed on the phone as sent. Queued ones are recorded by their status changes."""
    _record([event for event in batch if event.origin == Message.Origin.PHONE], lambda event: "message.sent")


def record_statuses(batch: Sequence[MessageStatusChanged]) -> None:
    """Record status changes, except for the internal statuses queued and sending.

    A change over several steps is recorded as one event each, so that the events do not depend on batching.
    """
    steps = [replace(event, status=status) for event in batch for status in (*event.passed, event.status)]
    _record([step for step in steps if step.status in _STATUSES], lambda event: f"message.{event.status}")


def _record(batch: Sequence[E], name_of: Callable[[E], str]) -> None:
    """Record each event under its public name, with the present message. One query per business."""
    groups: dict[UUID, list[E]] = defaultdict(list)
    for event in batch:
        groups[event.business_id].append(event)
    for business_id, group in groups.items():
        audience = public_events.audience(business_id)
        if not audience.wants(*{name_of(event) for event in group}):
            continue
        messages = selectors.messages_with_contacts(business_id, {event.message_id for event in group})
        audience.record(
            [
                PublicEvent(name_of(event), _data(messages[event.message_id], event), event.conversation_id)
                for event in group
                if event.message_id in messages
            ]
        )


def _data(message: Message, event: E) -> dict[str, Any]:
    """Return the message's data with the status of this event, without fields that a later event sets."""
    data = message_data(message)
    match event:
        case MessageStatusChanged():
            return data | {"status": event.status} | _NOT_YET_SET.get(event.status, {})
        case MessageAdded():
            return data | {"status": Status.SENT} | _NOT_YET_SET[Status.SENT]
    return data


def _inbound_example() -> dict[str, Any]:
    return message_data(example_message())


def _outbound_example(status: str) -> Callable[[], dict[str, Any]]:
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

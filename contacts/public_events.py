"""Publish events of contacts to webhooks and the event feed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from contacts import selectors
from contacts.events import (
    ContactBlocked,
    ContactCreated,
    ContactDeleted,
    ContactOptedIn,
    ContactOptedOut,
    ContactsMerged,
    ContactUpdated,
)
from contacts.payloads import contact_data, example_contact
from core import events, public_events
from core.events import Event
from core.public_events import EventType, PublicEvent

Happened = (
    ContactCreated
    | ContactUpdated
    | ContactDeleted
    | ContactsMerged
    | ContactOptedOut
    | ContactOptedIn
    | ContactBlocked
)
_WHEN: dict[type[Event], str] = {
    ContactCreated: "A contact was added, by hand, by an import or by a first message.",
    ContactUpdated: "A contact's own fields or tags changed.",
    ContactDeleted: "A contact was deleted; the event shows it as it was.",
    ContactsMerged: "Two contacts turned out to be one person; lostContactId names the one that is gone.",
    ContactOptedOut: "A contact wants no more campaigns; how says where that came from.",
    ContactOptedIn: "A contact who had opted out may be written to again.",
    ContactBlocked: "A contact was blocked or let in again; blockedAt says which.",
}


def register() -> None:
    """Declare the event types and subscribe; called once, in ready()."""
    for kind, when in _WHEN.items():
        public_events.declare(EventType(kind.name, when, partial(_example, kind)))
        events.inside(kind, record_events)


def record_events(batch: Sequence[Any]) -> None:
    """Record each event (one of `Happened`) with the current state of its contact."""
    groups: dict[UUID, list[Happened]] = defaultdict(list)
    for event in batch:
        groups[event.business_id].append(event)
    for business_id, group in groups.items():
        audience = public_events.audience(business_id)
        if not audience.wants(*{event.name for event in group}):
            continue
        contacts = selectors.contacts_by_id(business_id, {event.contact_id for event in group})
        audience.record(
            [
                PublicEvent(
                    event.name,
                    contact_data(contacts[event.contact_id]) | _extra_fields(event),
                    event.contact_id,
                )
                for event in group
                if event.contact_id in contacts
            ]
        )


def _extra_fields(event: Happened) -> dict[str, Any]:
    """Return the fields of an event besides its contact."""
    match event:
        case ContactsMerged():
            return {"lostContactId": event.lost_id}
        case ContactOptedOut() | ContactOptedIn():
            return {"how": event.how}
    return {}


def _example(kind: type[Event]) -> dict[str, Any]:
    data = contact_data(example_contact())
    if kind in (ContactOptedOut, ContactOptedIn):
        return data | {"how": "keyword", "optedOutAt": data["updatedAt"] if kind is ContactOptedOut else None}
    return data | (
        {"lostContactId": "0199f0a0-0000-7000-8000-0000000001d0"} if kind is ContactsMerged else {}
    )

"""What other systems hear about contacts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from contacts import selectors
from contacts.events import ContactCreated, ContactOptedIn, ContactOptedOut, ContactUpdated
from contacts.shapes import contact_data, example_contact
from whatsflow.core import events, public_events
from whatsflow.core.public_events import EventType, PublicEvent

Told = ContactCreated | ContactUpdated | ContactOptedOut | ContactOptedIn


def register() -> None:
    """Declare and subscribe; called once, in ready()."""
    public_events.declare(
        EventType("contact.created", "A contact was added, by hand or by a first message.", _example),
        EventType("contact.updated", "A contact's own fields changed.", _example),
        EventType("contact.opted_out", "A contact wants no more campaigns.", _example),
        EventType("contact.opted_in", "A contact who had opted out may be written to again.", _example),
    )
    events.inside(ContactCreated, tell)
    events.inside(ContactUpdated, tell)
    events.inside(ContactOptedOut, tell)
    events.inside(ContactOptedIn, tell)


def tell(batch: Sequence[Told]) -> None:
    """Record each event with its contact as it is now."""
    groups: dict[UUID, list[Told]] = defaultdict(list)
    for event in batch:
        groups[event.business_id].append(event)
    for business_id, group in groups.items():
        audience = public_events.audience(business_id)
        if not audience.wants(*{event.name for event in group}):
            continue
        found = selectors.contacts_by_id(business_id, {event.contact_id for event in group})
        audience.record(
            [
                PublicEvent(event.name, contact_data(found[event.contact_id]), event.contact_id)
                for event in group
                if event.contact_id in found
            ]
        )


def _example() -> dict[str, Any]:
    return contact_data(example_contact())

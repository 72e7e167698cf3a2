"""Event subscriptions of messaging. Those of public events are in `public_events`."""

from __future__ import annotations

from accounts.events import MembershipChanged, SessionsEnded
from connections.events import LeaseTaken, NumberReleased
from contacts.events import ContactBlocked, ContactDeleted, ContactsMerged, ContactUpdated
from core import events
from messaging.events import (
    ConversationChanged,
    CustomerTyping,
    MessageAdded,
    MessageReceived,
    MessageStatusChanged,
    MessageUpdated,
)
from messaging.inbound import automation
from messaging.inbox import live_updates
from messaging.outbox import dispatch, holds
from messaging.services import merging, privacy


def register() -> None:
    """Subscribe to events; called once, in ready()."""
    events.inside(ContactsMerged, merging.on_contacts_merged)
    events.inside(ContactBlocked, automation.on_blocked)
    events.inside(ContactDeleted, privacy.on_deleted)
    events.inside(MessageReceived, automation.on_received)
    events.inside(LeaseTaken, dispatch.free_dead_claims)
    events.inside(NumberReleased, holds.on_released)
    events.after(MessageReceived, live_updates.push_received)
    events.after(MessageAdded, live_updates.push_messages)
    events.after(MessageUpdated, live_updates.push_messages)
    events.after(MessageStatusChanged, live_updates.push_statuses)
    events.after(ConversationChanged, live_updates.push_conversations)
    events.after(ContactUpdated, live_updates.push_contacts)
    events.after(CustomerTyping, live_updates.push_typing)
    events.after(MembershipChanged, live_updates.close_sockets)
    events.after(SessionsEnded, live_updates.recheck_sockets)

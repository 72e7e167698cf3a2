"""What the open pages are told: one push a business and batch, with everything rendered once.

A small batch is rendered, so that pages need not ask. A large one (a gap that heals, a campaign's receipts) only names
the conversations: drawing hundreds of bubbles that nobody looks at would cost more than storing them. What is lost here
is made up for by the page, which fetches again when its connection comes back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar
from uuid import UUID

from accounts.events import MembershipChanged, SessionsEnded
from contacts.events import ContactUpdated
from core import events
from core.realtime import hub
from messaging.events import (
    ConversationChanged,
    CustomerTyping,
    MessageAdded,
    MessageReceived,
    MessageStatusChanged,
    MessageUpdated,
)
from messaging.inbox import chat, fragments, selectors
from messaging.inbox.read_models import InboxRow, Said

Frame = dict[str, Any]
E = TypeVar("E", bound=events.Event)

RENDERED = 20
"""Changes in one batch that are sent ready to show; of more, pages are told which conversations to fetch again."""
FRAMES_A_PUSH = 100
"""Frames that travel in one text; a socket's queue and the layer take many small texts better than one of megabytes."""


def register() -> None:
    """Subscribe; called once, in ready()."""
    events.after(MessageReceived, tell_received)
    events.after(MessageAdded, tell_messages)
    events.after(MessageUpdated, tell_messages)
    events.after(MessageStatusChanged, tell_statuses)
    events.after(ConversationChanged, tell_conversations)
    events.after(ContactUpdated, tell_contacts)
    events.after(CustomerTyping, tell_typing)
    events.after(MembershipChanged, close_sockets)
    events.after(SessionsEnded, recheck_sockets)


def tell_received(batch: Sequence[MessageReceived]) -> None:
    """Customers' messages, with the rows that they move to the top."""
    fresh = {event.message_id for event in batch if not event.backfilled}
    tell_messages(batch, fresh)


def tell_messages(
    batch: Sequence[MessageReceived | MessageAdded | MessageUpdated], fresh: Iterable[UUID] = ()
) -> None:
    """Messages that are new or have changed. fresh: those that a customer has just sent."""
    fresh = set(fresh)
    for business_id, group in _by_business(batch).items():
        if len(group) > RENDERED:
            _refresh(business_id, group)
            continue
        messages = chat.messages_by_id(business_id, [event.message_id for event in group])
        rows = _rows(business_id, [event.conversation_id for event in group])
        quoted = chat.quoted_by(business_id, messages)
        unread = selectors.unread_total(business_id)
        drawn = {key: fragments.row(row) for key, row in rows.items()}
        frames = [
            _message_frame(message, rows[message.conversation_id], quoted)
            | {"row": drawn[message.conversation_id], "fresh": message.id in fresh, "unread_total": unread}
            for message in messages
            if message.conversation_id in rows
        ]
        shown = {message.conversation_id for message in messages}
        frames += [_row_frame(row, unread) for key, row in rows.items() if key not in shown]
        _push(business_id, frames)


def _message_frame(message: Said, row: InboxRow, quoted: Any) -> Frame:
    original = quoted.get(message.reply_to_wa_id)
    return {
        "type": "message",
        "conversation": str(message.conversation_id),
        "message": str(message.id),
        "direction": message.direction,
        "html": fragments.message(message, original, row.name),
    }


def tell_statuses(batch: Sequence[MessageStatusChanged]) -> None:
    """New ticks. Read from the database, so that of two changes the later one is told, in whatever order they come."""
    for business_id, group in _by_business(batch).items():
        if len(group) > RENDERED:
            _refresh(business_id, group)
            continue
        messages = chat.messages_by_id(business_id, [event.message_id for event in group])
        _push(business_id, [_status_frame(message) for message in messages])


def _status_frame(message: Said) -> Frame:
    return {
        "type": "status",
        "conversation": str(message.conversation_id),
        "message": str(message.id),
        "status": message.status,
        "html": fragments.ticks(message),
        "note": fragments.note(message),
    }


def _refresh(
    business_id: UUID, group: Sequence[MessageReceived | MessageAdded | MessageUpdated | MessageStatusChanged]
) -> None:
    """Name the conversations in which much has happened: a page fetches its list, and its chat if that is one of them.

    They come from the events, so an event that names another business's conversation tells an id and nothing else.
    """
    conversations = sorted({str(event.conversation_id) for event in group})
    unread = selectors.unread_total(business_id)
    _push(business_id, [{"type": "refresh", "conversations": conversations, "unread_total": unread}])


def tell_conversations(batch: Sequence[ConversationChanged]) -> None:
    """Rows whose unread count, assignee or state changed."""
    for business_id, group in _by_business(batch).items():
        rows = _rows(business_id, [event.conversation_id for event in group])
        unread = selectors.unread_total(business_id)
        _push(business_id, [_row_frame(row, unread) for row in rows.values()])


def tell_contacts(batch: Sequence[ContactUpdated]) -> None:
    """The rows of people whose name or number changed."""
    for business_id, group in _by_business(batch).items():
        rows = selectors.rows_with_contacts(business_id, [event.contact_id for event in group])
        unread = selectors.unread_total(business_id) if rows else 0
        _push(business_id, [_row_frame(row, unread) for row in rows])


def _row_frame(row: InboxRow, unread: int) -> Frame:
    return {
        "type": "conversation",
        "conversation": str(row.id),
        "row": fragments.row(row),
        "state": row.state,
        "assigned": str(row.assigned_to_id or ""),
        "name": row.name,
        "unread": row.unread_count,
        "unread_total": unread,
    }


def tell_typing(batch: Sequence[CustomerTyping]) -> None:
    """Who is typing; only the last word about each conversation."""
    for business_id, group in _by_business(batch).items():
        latest = {event.conversation_id: event.active for event in group}
        _push(
            business_id,
            [
                {"type": "typing", "conversation": str(key), "active": active}
                for key, active in latest.items()
            ],
        )


def close_sockets(batch: Sequence[MembershipChanged]) -> None:
    """Who is no longer a member gets nothing more."""
    for event in batch:
        if event.role is None:
            hub.push(hub.business_group(event.business_id), {"type": "close", "user": str(event.user_id)})


def recheck_sockets(batch: Sequence[SessionsEnded]) -> None:
    """Have the user's pages connect anew: those of living sessions go on, the others learn that they are signed out."""
    for event in batch:
        frame = {"type": "close", "user": str(event.user_id), "code": hub.TRY_AGAIN}
        hub.push(hub.business_group(event.business_id), frame)


def _rows(business_id: UUID, conversation_ids: Iterable[UUID]) -> dict[UUID, InboxRow]:
    return {row.id: row for row in selectors.rows_of(business_id, conversation_ids)}


def _by_business(batch: Sequence[E]) -> dict[UUID, list[E]]:
    groups: dict[UUID, list[E]] = defaultdict(list)
    for event in batch:
        groups[event.business_id].append(event)
    return groups


def _push(business_id: UUID, frames: list[Frame]) -> None:
    group = hub.business_group(business_id)
    for start in range(0, len(frames), FRAMES_A_PUSH):
        hub.push(group, *frames[start : start + FRAMES_A_PUSH])

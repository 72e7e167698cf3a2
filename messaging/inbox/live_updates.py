"""Live updates of open inbox pages: one push per business and batch, rendered once for all members.

A small batch is rendered, so that pages need no request. A large one (gap recovery, receipts of a campaign) only names
the conversations, because rendering hundreds of messages would cost more than storing them. Lost frames are harmless:
a page reloads its content when its connection is back.
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
from messaging.inbox.read_models import ChatMessage, InboxRow

Frame = dict[str, Any]
E = TypeVar("E", bound=events.Event)

RENDERED = 20
"""Maximum changes of a batch that are rendered; for more, pages get the ids of conversations to reload."""
FRAMES_A_PUSH = 100
"""Frames per message of the channel layer, which handles many small messages better than one of megabytes."""


def push_received(batch: Sequence[MessageReceived]) -> None:
    """Push received messages. Backfilled ones do not count as fresh."""
    fresh = {event.message_id for event in batch if not event.backfilled}
    push_messages(batch, fresh)


def push_messages(
    batch: Sequence[MessageReceived | MessageAdded | MessageUpdated], fresh: Iterable[UUID] = ()
) -> None:
    """Push new or changed messages with their list rows. fresh: ids of messages that a customer has just sent."""
    fresh = set(fresh)
    for business_id, group in _by_business(batch).items():
        if len(group) > RENDERED:
            _refresh(business_id, group)
            continue
        messages = chat.messages_by_id(business_id, [event.message_id for event in group])
        rows = _rows(business_id, [event.conversation_id for event in group])
        quoted = chat.quoted_by(business_id, messages)
        unread = selectors.unread_total(business_id)
        row_html = {key: fragments.row(row) for key, row in rows.items()}
        frames = [
            _message_frame(message, rows[message.conversation_id], quoted)
            | {"row": row_html[message.conversation_id], "fresh": message.id in fresh, "unread_total": unread}
            for message in messages
            if message.conversation_id in rows
        ]
        sent = {message.conversation_id for message in messages}
        frames += [_row_frame(row, unread) for key, row in rows.items() if key not in sent]
        _push(business_id, frames)


def _message_frame(message: ChatMessage, row: InboxRow, quoted: Any) -> Frame:
    original = quoted.get(message.reply_to_wa_id)
    return {
        "type": "message",
        "conversation": str(message.conversation_id),
        "message": str(message.id),
        "direction": message.direction,
        "html": fragments.message(message, original, row.name),
    }


def push_statuses(batch: Sequence[MessageStatusChanged]) -> None:
    """Push status changes. Reads the current status, so that the order of events does not matter."""
    for business_id, group in _by_business(batch).items():
        if len(group) > RENDERED:
            _refresh(business_id, group)
            continue
        messages = chat.messages_by_id(business_id, [event.message_id for event in group])
        _push(business_id, [_status_frame(message) for message in messages])


def _status_frame(message: ChatMessage) -> Frame:
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
    """Push the ids of changed conversations: pages reload their list, and their chat if it is one of them.

    The ids come from the events, so that an event with a foreign conversation discloses an id at most.
    """
    conversations = sorted({str(event.conversation_id) for event in group})
    unread = selectors.unread_total(business_id)
    _push(business_id, [{"type": "refresh", "conversations": conversations, "unread_total": unread}])


def push_conversations(batch: Sequence[ConversationChanged]) -> None:
    """Push list rows whose unread count, assignee or state changed."""
    for business_id, group in _by_business(batch).items():
        rows = _rows(business_id, [event.conversation_id for event in group])
        unread = selectors.unread_total(business_id)
        _push(business_id, [_row_frame(row, unread) for row in rows.values()])


def push_contacts(batch: Sequence[ContactUpdated]) -> None:
    """Push list rows of contacts whose name or number changed."""
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


def push_typing(batch: Sequence[CustomerTyping]) -> None:
    """Push typing indicators, the latest of each conversation."""
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
    """Close the live sockets of removed members."""
    for event in batch:
        if event.role is None:
            hub.push(hub.business_group(event.business_id), {"type": "close", "user": str(event.user_id)})


def recheck_sockets(batch: Sequence[SessionsEnded]) -> None:
    """Make the user's pages reconnect; pages of ended sessions are then signed out."""
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

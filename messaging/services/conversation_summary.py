"""Summary columns of conversations: last message, its status, unread count."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from uuid import UUID

from core.db import bulk
from core.text import clip
from messaging.inbox import keyset
from messaging.models import REACTIONS, REVOKED, Conversation, Message

LENGTH = 160
WAITING = "Waiting for this message…"
DELETED = "This message was deleted"
LOOKED_BACK = 50
"""Reactions after the last message that are searched for one that still stands."""


def line(text: str) -> str:
    """Return `text` as one line that fits the column."""
    return clip(" ".join(text[: LENGTH * 4].split()), LENGTH)


def line_of(message: Message, target: Message | None = None) -> str:
    """Return the preview of `message`.

    target: the message of a reaction, None if it is unknown.
    """
    if message.message_type == Message.Type.REACTION:
        what = f"“{target.content}”" if target and target.content else "a message"
        return line(f"Reacted {message.content} to {what}")
    if message.body_pending:
        return WAITING
    return DELETED if message.metadata and message.metadata.get(REVOKED) else line(message.content)


def kind_of(message: Message) -> str:
    """Return the type whose icon stands beside the preview.

    A deleted message counts as text.
    """
    deleted = message.metadata and message.metadata.get(REVOKED)
    return Message.Type.TEXT if deleted else message.message_type


COLUMNS = {
    "key": "uuid",
    "at": "timestamptz",
    "message_id": "uuid",
    "preview": "text",
    "kind": "text",
    "direction": "text",
    "status": "text",
    "unread": "integer",
    "answered": "boolean",
    "reopen": "boolean",
}


def row_for(message: Message, *, unread: int, answered: bool, reopen: bool) -> tuple[object, ...]:
    """Build the row of COLUMNS for a conversation whose newest message is `message`."""
    return (
        message.conversation_id,
        message.created_at,
        message.pk,
        line_of(message),
        kind_of(message),
        message.direction,
        message.status,
        unread,
        answered,
        reopen,
    )


def update(message: Message) -> None:
    """Make `message` the last one of its conversation, unless there is a later one."""
    update_all([row_for(message, unread=0, answered=False, reopen=False)])


def update_previews(messages: Iterable[Message]) -> None:
    """Update previews of conversations whose last message has changed content."""
    rows = sorted((row.conversation_id, row.pk, line_of(row), kind_of(row)) for row in messages)
    bulk.update_each(
        {"key": "uuid", "message_id": "uuid", "preview": "text", "kind": "text"},
        rows,
        "UPDATE conversations AS c SET preview = v.preview, preview_type = v.kind FROM v "
        "WHERE c.id = v.key AND c.last_message_id = v.message_id",
    )


_NEWER = "(c.last_message_id IS NULL OR (v.at, v.message_id) >= (c.last_message_at, c.last_message_id))"
_UPDATE = f"""
UPDATE conversations AS c SET
    last_message_at = CASE WHEN {_NEWER} THEN v.at ELSE c.last_message_at END,
    last_message_id = CASE WHEN {_NEWER} THEN v.message_id ELSE c.last_message_id END,
    preview = CASE WHEN {_NEWER} THEN v.preview ELSE c.preview END,
    preview_type = CASE WHEN {_NEWER} THEN v.kind ELSE c.preview_type END,
    preview_direction = CASE WHEN {_NEWER} THEN v.direction ELSE c.preview_direction END,
    preview_status = CASE WHEN {_NEWER} THEN v.status ELSE c.preview_status END,
    unread_count = v.unread + CASE WHEN v.answered AND {_NEWER} THEN 0 ELSE c.unread_count END,
    state = CASE WHEN v.reopen THEN 'open' ELSE c.state END
FROM v WHERE c.id = v.key
"""  # noqa: S608 - put together from the constants above


def update_all(rows: Iterable[tuple[object, ...]]) -> None:
    """Update conversations with new messages, in one statement. rows: COLUMNS.

    unread: number of inbound messages to add. answered: the last message is outbound, so nothing older is unread.
    reopen: the customer wrote.
    """
    bulk.update_each(COLUMNS, sorted(rows, key=lambda row: str(row[0])), _UPDATE)


def update_statuses(changes: Iterable[tuple[UUID, UUID, str]]) -> None:
    """Update preview statuses where the message is the last.

    changes: (conversation, message, status).
    """
    rows = sorted(changes)
    if len(rows) == 1:
        conversation_id, message_id, status = rows[0]
        Conversation.objects.filter(pk=conversation_id, last_message_id=message_id).update(
            preview_status=status
        )
        return
    bulk.update_each(
        {"key": "uuid", "message_id": "uuid", "status": "text"},
        rows,
        "UPDATE conversations AS c SET preview_status = v.status FROM v "
        "WHERE c.id = v.key AND c.last_message_id = v.message_id",
    )


def refresh(reacted: Collection[UUID], changed: Collection[UUID] = ()) -> None:
    """Recompute the last message or standing reaction. Locks the rows in order.

    reacted: conversations in which reactions were added or removed. changed: those with a changed message; it matters
    where the summary shows a reaction to it.
    """
    ids = {*reacted, *changed}
    if not ids:
        return
    rows = Conversation.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    for row in rows:
        if row.pk not in reacted and row.preview_type != Message.Type.REACTION:
            continue
        last = _last(row.pk)
        if last is None:
            continue
        message, preview = last
        row.last_message_at, row.last_message_id = message.created_at, message.pk
        row.preview, row.preview_type = preview, kind_of(message)
        row.preview_direction, row.preview_status = message.direction, message.status
        row.save(update_fields=[*_SUMMARY, "updated_at"])


_SUMMARY = (
    *("last_message_at", "last_message_id", "preview", "preview_type"),
    *("preview_direction", "preview_status"),
)


def _last(conversation_id: UUID) -> tuple[Message, str] | None:
    """Return the newest message or standing reaction, with its preview."""
    rows = Message.objects.filter(conversation=conversation_id)
    reactions = rows.filter(message_type=Message.Type.REACTION)
    message = keyset.newest_first(rows.exclude(message_type=Message.Type.REACTION), "created_at").first()
    if message is not None:
        reactions = reactions.filter(created_at__gt=message.created_at)
    newest = list(keyset.newest_first(reactions, "created_at")[:LOOKED_BACK])
    targets = {
        target.whatsapp_message_id: target
        for target in Message.objects.filter(
            connection__in={one.connection_id for one in newest},
            whatsapp_message_id__in={one.reply_to_wa_id for one in newest},
        )
    }
    for reaction in newest:
        target = targets.get(reaction.reply_to_wa_id)
        if target and _stands(reaction, target):
            return reaction, line_of(reaction, target)
    if message is not None:
        return message, line_of(message)
    return (newest[0], line_of(newest[0])) if newest else None


def _stands(reaction: Message, target: Message) -> bool:
    """Return whether `reaction` is still its author's current reaction to `target`."""
    mine = (target.metadata.get(REACTIONS) or {}).get(reaction.direction) if target.metadata else None
    return bool(mine and mine["id"] == reaction.whatsapp_message_id)

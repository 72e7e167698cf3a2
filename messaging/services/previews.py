"""What the list shows of a conversation's last message: one line, and how far it has got."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from messaging.models import Conversation, Message
from whatsflow.core import bulk

LENGTH = 160
WAITING = "Waiting for this message…"


def line(text: str, body_pending: bool = False) -> str:
    """`text` as one line that fits the column."""
    if body_pending:
        return WAITING
    single = " ".join(text[: LENGTH * 4].split())
    return single if len(single) <= LENGTH else single[: LENGTH - 1] + "…"


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


def columns(message: Message, *, unread: int, answered: bool, reopen: bool) -> tuple[object, ...]:
    """The row of COLUMNS for a conversation whose newest message is `message`."""
    return (
        message.conversation_id,
        message.created_at,
        message.pk,
        line(message.content, message.body_pending),
        message.message_type,
        message.direction,
        message.status,
        unread,
        answered,
        reopen,
    )


def show(message: Message) -> None:
    """Make `message` the last one of its conversation, unless a later one is there already."""
    show_all([columns(message, unread=0, answered=False, reopen=False)])


def rewrite(messages: Iterable[Message]) -> None:
    """Messages got their content: the list follows where one of them is the last."""
    rows = sorted(
        (row.conversation_id, row.pk, line(row.content, row.body_pending), row.message_type)
        for row in messages
    )
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


def show_all(rows: Iterable[tuple[object, ...]]) -> None:
    """Bring conversations up to date with new messages, one row of COLUMNS each, in one statement.

    unread: inbound messages to add. answered: we wrote last, which leaves nothing older unread. reopen: the customer
    wrote.
    """
    bulk.update_each(COLUMNS, sorted(rows, key=lambda row: str(row[0])), _UPDATE)


def show_statuses(changes: Iterable[tuple[UUID, UUID, str]]) -> None:
    """(conversation, message, status): the list follows where that message is the last one."""
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

"""Queries for pages of a chat, as read models with only the columns needed to render."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db.models import CharField, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf

from accounts.models import BusinessProfile
from core.db.compiled_queries import Prepared
from core.errors import NotFound
from core.ids import parse_id
from messaging.inbox import keyset
from messaging.inbox.keyset import Cursor
from messaging.inbox.read_models import ChatMessage, MediaRow, MessagesPage
from messaging.models import Conversation, Message

Values = tuple[Any, ...]
PAGE = 50
"""Messages of a page."""
OPENING = 30
"""Messages loaded when a chat is opened: more than a screen. The page loads older ones on scrolling."""

_MEDIA = tuple(f"media__{name}" for name in MediaRow._fields)
_COLUMNS = (*(name for name in ChatMessage._fields if name != "media"), *_MEDIA)
_MESSAGE_FIELDS = len(ChatMessage._fields) - 1


def messages_page(
    business: BusinessProfile,
    conversation: Conversation,
    *,
    before: str | None = None,
    after: str | None = None,
    around: UUID | str | None = None,
    limit: int | None = None,
) -> MessagesPage:
    """Return a page of a chat: the newest messages, those before or after a cursor, or around a message id.

    limit: default OPENING for the newest, PAGE otherwise. Raises NotFound for a message of another conversation,
    InvalidInput for an invalid cursor.
    """
    if not (around or after or before or limit):
        newest = [_chat_message(values) for values in _newest.rows(business.pk, conversation.pk)]
        return _page(business, newest[:OPENING][::-1], has_older=len(newest) > OPENING, has_newer=False)
    limit = limit or PAGE
    rows = _display_rows(Message.objects.filter(business_profile=business, conversation=conversation))
    if around:
        middle = rows.filter(id=parse_id(around, "This message")).first()
        if middle is None:
            raise NotFound("This message")
        message = _chat_message(middle)
        cursor = Cursor(message.created_at, message.id)
        older, has_older = _older(rows, cursor, limit // 2)
        newer, has_newer = _newer(rows, cursor, limit - limit // 2)
        return _page(business, [*older, message, *newer], has_older, has_newer)
    if after:
        later, more = _newer(rows, Cursor.parse(after), limit)
        return _page(business, later, has_older=bool(later), has_newer=more)
    earlier, more = _older(rows, Cursor.parse(before) if before else None, limit)
    return _page(business, earlier, has_older=more, has_newer=bool(before and earlier))


def messages_by_id(business_id: UUID, message_ids: Iterable[UUID]) -> list[ChatMessage]:
    """Return messages by id, in chat order. One query."""
    rows = _display_rows(Message.objects.filter(business_profile_id=business_id, id__in=set(message_ids)))
    return [_chat_message(values) for values in rows.order_by("created_at", "id")]


def quoted_by(business_id: UUID, messages: Sequence[ChatMessage]) -> dict[str, ChatMessage]:
    """Return the messages quoted by `messages`, by WhatsApp id. No query if none quotes."""
    quoted_ids = {message.reply_to_wa_id for message in messages if message.reply_to_wa_id}
    if not quoted_ids:
        return {}
    rows = _display_rows(
        Message.objects.filter(
            business_profile_id=business_id,
            connection_id__in={message.connection_id for message in messages},
            whatsapp_message_id__in=quoted_ids,
        )
    )
    return {str(message.whatsapp_message_id): message for message in map(_chat_message, rows)}


def _display_rows(messages: QuerySet[Message]) -> QuerySet[Message, Values]:
    """Restrict to the columns needed to render, with media and sender. Excludes reactions.

    Reactions are rendered on the message to which they belong.
    """
    sender_name = Coalesce(
        NullIf("sender__full_name", Value("")), "sender__email", Value(""), output_field=CharField()
    )
    rows = messages.exclude(message_type=Message.Type.REACTION)
    return rows.annotate(sender_name=sender_name).values_list(*_COLUMNS)


def _chat_message(values: Values) -> ChatMessage:
    own, media = values[:_MESSAGE_FIELDS], values[_MESSAGE_FIELDS:]
    row = ChatMessage._make((*own, MediaRow._make(media) if media[0] else None))
    return row if row.metadata else row._replace(metadata=None)


_newest = Prepared[Values](
    lambda business, conversation: keyset.newest_first(
        _display_rows(Message.objects.filter(business_profile=business, conversation=conversation)),
        "created_at",
    )[: OPENING + 1]
)


def _older(
    rows: QuerySet[Message, Values], cursor: Cursor | None, limit: int
) -> tuple[list[ChatMessage], bool]:
    """Return at most `limit` messages before `cursor`, oldest first, and whether there are more."""
    if cursor:
        rows = rows.filter(keyset.before("created_at", cursor))
    messages = [_chat_message(values) for values in keyset.newest_first(rows, "created_at")[: limit + 1]]
    return messages[:limit][::-1], len(messages) > limit


def _newer(rows: QuerySet[Message, Values], cursor: Cursor, limit: int) -> tuple[list[ChatMessage], bool]:
    later = rows.filter(keyset.after("created_at", cursor)).order_by("created_at", "id")
    messages = [_chat_message(values) for values in later[: limit + 1]]
    return messages[:limit], len(messages) > limit


def _page(
    business: BusinessProfile, messages: list[ChatMessage], has_older: bool, has_newer: bool
) -> MessagesPage:
    return MessagesPage(
        messages,
        older=_cursor_of(messages[0]) if messages and has_older else None,
        newer=_cursor_of(messages[-1]) if messages and has_newer else None,
        quoted=quoted_by(business.pk, messages),
    )


def _cursor_of(message: ChatMessage) -> str:
    return str(Cursor(message.created_at, message.id))

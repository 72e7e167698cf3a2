"""Reads of one chat: stretches of it as light rows, which is all that bubbles need."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db.models import CharField, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf

from accounts.models import BusinessProfile
from core.db.compiled_queries import Prepared
from core.errors import NotFound
from messaging.inbox import keyset
from messaging.inbox.keyset import Cursor
from messaging.inbox.read_models import MediaRow, MessagesPage, Said
from messaging.models import Conversation, Message

Values = tuple[Any, ...]
PAGE = 50
"""Messages on one page."""
OPENING = 30
"""Messages of a chat that opens: more than a screen; the page fetches what stands above by itself."""

_MEDIA = tuple(f"media__{name}" for name in MediaRow._fields)
_COLUMNS = (*(name for name in Said._fields if name != "media"), *_MEDIA)
_OWN = len(Said._fields) - 1


def messages_page(
    business: BusinessProfile,
    conversation: Conversation,
    *,
    before: str | None = None,
    after: str | None = None,
    around: UUID | str | None = None,
    limit: int | None = None,
) -> MessagesPage:
    """A stretch of the chat: the newest messages, those before or after a cursor, or those around a message's id.

    limit: OPENING for the newest, PAGE for others. Raises NotFound for a message that is not in this conversation,
    InvalidInput for a bad cursor.
    """
    if not (around or after or before or limit):
        newest = [_said(values) for values in _newest.rows(business.pk, conversation.pk)]
        return _page(business, newest[:OPENING][::-1], has_older=len(newest) > OPENING, has_newer=False)
    limit = limit or PAGE
    rows = _shown(Message.objects.filter(business_profile=business, conversation=conversation))
    if around:
        middle = rows.filter(id=_key(around)).first()
        if middle is None:
            raise NotFound("This message")
        found = _said(middle)
        place = Cursor(found.created_at, found.id)
        older, has_older = _older(rows, place, limit // 2)
        newer, has_newer = _newer(rows, place, limit - limit // 2)
        return _page(business, [*older, found, *newer], has_older, has_newer)
    if after:
        later, more = _newer(rows, Cursor.parse(after), limit)
        return _page(business, later, has_older=bool(later), has_newer=more)
    earlier, more = _older(rows, Cursor.parse(before) if before else None, limit)
    return _page(business, earlier, has_older=more, has_newer=bool(before and earlier))


def messages_by_id(business_id: UUID, message_ids: Iterable[UUID]) -> list[Said]:
    """Messages for live updates, in their order in the chat; one query."""
    rows = _shown(Message.objects.filter(business_profile_id=business_id, id__in=set(message_ids)))
    return [_said(values) for values in rows.order_by("created_at", "id")]


def quoted_by(business_id: UUID, messages: Sequence[Said]) -> dict[str, Said]:
    """The messages that `messages` answer, by WhatsApp id. No query when none is an answer."""
    wanted = {message.reply_to_wa_id for message in messages if message.reply_to_wa_id}
    if not wanted:
        return {}
    rows = _shown(
        Message.objects.filter(
            business_profile_id=business_id,
            connection_id__in={message.connection_id for message in messages},
            whatsapp_message_id__in=wanted,
        )
    )
    return {str(one.whatsapp_message_id): one for one in map(_said, rows)}


def _shown(messages: QuerySet[Message]) -> QuerySet[Message, Values]:
    """What bubbles show, with media and sender: half of a message's columns belong to the outbox.

    Reactions are shown on the message that they are on, never as one of their own.
    """
    name = Coalesce(
        NullIf("sender__full_name", Value("")), "sender__email", Value(""), output_field=CharField()
    )
    shown = messages.exclude(message_type=Message.Type.REACTION)
    return shown.annotate(sender_name=name).values_list(*_COLUMNS)


def _said(values: Values) -> Said:
    own, media = values[:_OWN], values[_OWN:]
    row = Said._make((*own, MediaRow._make(media) if media[0] else None))
    return row if row.metadata else row._replace(metadata=None)


_newest = Prepared[Values](
    lambda business, conversation: keyset.newest_first(
        _shown(Message.objects.filter(business_profile=business, conversation=conversation)), "created_at"
    )[: OPENING + 1]
)


def _older(rows: QuerySet[Message, Values], cursor: Cursor | None, limit: int) -> tuple[list[Said], bool]:
    """At most `limit` messages before `cursor`, oldest first, and whether there are more."""
    if cursor:
        rows = rows.filter(keyset.before("created_at", cursor))
    found = [_said(values) for values in keyset.newest_first(rows, "created_at")[: limit + 1]]
    return found[:limit][::-1], len(found) > limit


def _newer(rows: QuerySet[Message, Values], cursor: Cursor, limit: int) -> tuple[list[Said], bool]:
    later = rows.filter(keyset.after("created_at", cursor)).order_by("created_at", "id")
    found = [_said(values) for values in later[: limit + 1]]
    return found[:limit], len(found) > limit


def _page(business: BusinessProfile, messages: list[Said], has_older: bool, has_newer: bool) -> MessagesPage:
    return MessagesPage(
        messages,
        older=_cursor_of(messages[0]) if messages and has_older else None,
        newer=_cursor_of(messages[-1]) if messages and has_newer else None,
        quoted=quoted_by(business.pk, messages),
    )


def _cursor_of(message: Said) -> str:
    return str(Cursor(message.created_at, message.id))


def _key(text: UUID | str) -> UUID:
    """An id from an address. Raises NotFound for what is none: no row has it."""
    try:
        return text if isinstance(text, UUID) else UUID(text)
    except ValueError:
        raise NotFound("This message") from None

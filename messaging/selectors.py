"""Reads of the inbox. Every function takes the business first; another business's ids are NotFound."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db.models import CharField, F, QuerySet, Value
from django.db.models.functions import Coalesce, NullIf

from accounts.models import BusinessProfile, User
from messaging import keyset
from messaging import search as finder
from messaging.keyset import Cursor
from messaging.models import Conversation, Draft, MediaFile, Message
from messaging.rows import InboxPage, InboxRow, MessagesPage
from whatsflow.core.errors import InvalidInput, NotFound
from whatsflow.core.text import printable

TABS = ("unread", "mine", "open", "all", "closed")

_COLUMNS: dict[str, Any] = {
    "contact_name": F("contact__name"),
    "contact_push_name": F("contact__push_name"),
    "contact_phone": F("contact__phone_number"),
    "connection_name": F("connection__name"),
    "connection_phone": F("connection__phone_number"),
    "assigned_to_name": Coalesce(
        NullIf("assigned_to__full_name", Value("")), "assigned_to__email", Value(""), output_field=CharField()
    ),
}
_OWN = (
    "id",
    "contact_id",
    "connection_id",
    "state",
    "assigned_to_id",
    "last_message_at",
    "last_message_id",
    "preview",
    "preview_type",
    "preview_direction",
    "preview_status",
    "unread_count",
)


def inbox_page(
    business: BusinessProfile,
    user: User,
    *,
    tab: str = "open",
    search: str = "",
    before: str | None = None,
    limit: int = 50,
) -> InboxPage:
    """One page of the list, in one query whatever its length.

    tab: one of TABS. search: names, digits of numbers and message texts in every tab, contacts first, then one row for
    each message found (with hit_message_id to open it at); it has one page.
    Raises InvalidInput for an unknown tab or cursor.
    """
    if search.strip():
        return InboxPage(search_rows(business, search, limit))
    rows = _tab(business, user, tab)
    if before:
        rows = rows.filter(keyset.before("last_message_at", Cursor.parse(before)))
    found = _rows(keyset.newest_first(rows, "last_message_at")[: limit + 1])
    if len(found) <= limit:
        return InboxPage(found)
    last = found[limit - 1]
    return InboxPage(found[:limit], str(Cursor(last.last_message_at, last.id)))


def _tab(business: BusinessProfile, user: User, tab: str) -> QuerySet[Conversation]:
    rows = Conversation.objects.filter(business_profile=business)
    match tab:
        case "all":
            return rows
        case "unread":
            return rows.filter(unread_count__gt=0)
        case "mine":
            return rows.filter(assigned_to=user, state=Conversation.State.OPEN)
        case "open" | "closed":
            return rows.filter(state=tab)
    raise InvalidInput("unknown_tab", f"There is no list called {tab[:20]!r}.")


def _rows(conversations: QuerySet[Conversation]) -> list[InboxRow]:
    return [InboxRow(**row) for row in conversations.values(*_OWN, **_COLUMNS)]


def rows_of(business_id: UUID, conversation_ids: Iterable[UUID]) -> list[InboxRow]:
    """The list's rows of some conversations, for live updates; one query, those that are gone are left out."""
    return _rows(Conversation.objects.filter(business_profile_id=business_id, id__in=set(conversation_ids)))


def rows_with_contacts(business_id: UUID, contact_ids: Iterable[UUID]) -> list[InboxRow]:
    """The list's rows of every conversation with these contacts, latest first."""
    rows = Conversation.objects.filter(business_profile_id=business_id, contact_id__in=set(contact_ids))
    return _rows(keyset.newest_first(rows, "last_message_at"))


def search_rows(business: BusinessProfile, text: str, limit: int = 50) -> list[InboxRow]:
    """Conversations whose contact matches, most recent first, then one row per message whose text matches."""
    text = printable(text[: finder.MAX_QUERY])
    contacts = _rows(finder.conversations_by_contact(business, text)[:limit])
    hits = finder.messages_by_text(business, text, limit)
    by_id = {row.id: row for row in rows_of(business.pk, {hit.conversation_id for hit in hits})}
    return contacts + [
        finder.with_hit(by_id[hit.conversation_id], hit) for hit in hits if hit.conversation_id in by_id
    ]


UNREAD_SHOWN = 100
"""The badge says "99+" from here on: what is counted for every page and frame must not grow with the inbox."""


def unread_total(business: BusinessProfile | UUID, most: int = UNREAD_SHOWN) -> int:
    """How many conversations have something unread; `most` stands for that many or more."""
    key = business.pk if isinstance(business, BusinessProfile) else business
    unread = Conversation.objects.filter(business_profile_id=key, unread_count__gt=0)
    return unread.order_by()[:most].count()


def get_conversation(business: BusinessProfile, conversation_id: UUID | str) -> Conversation:
    """With its contact, number and assignee. Raises NotFound."""
    rows = Conversation.objects.select_related("contact", "connection", "assigned_to")
    found = rows.filter(business_profile=business, id=_key(conversation_id, "This conversation")).first()
    if found is None:
        raise NotFound("This conversation")
    return found


def get_message(business: BusinessProfile, message_id: UUID | str) -> Message:
    """With its media, sender and conversation. Raises NotFound."""
    rows = Message.objects.select_related("media", "sender", "conversation")
    found = rows.filter(business_profile=business, id=_key(message_id, "This message")).first()
    if found is None:
        raise NotFound("This message")
    return found


def get_media(business: BusinessProfile, media_id: UUID | str) -> MediaFile:
    """Raises NotFound."""
    found = MediaFile.objects.filter(business_profile=business, id=_key(media_id, "This file")).first()
    if found is None:
        raise NotFound("This file")
    return found


def messages_page(
    business: BusinessProfile,
    conversation: Conversation,
    *,
    before: str | None = None,
    after: str | None = None,
    around: UUID | str | None = None,
    limit: int = 50,
) -> MessagesPage:
    """A stretch of the chat: the newest messages, those before or after a cursor, or those around a message's id.

    Raises NotFound for a message that is not in this conversation, InvalidInput for a bad cursor.
    """
    rows = Message.objects.filter(business_profile=business, conversation=conversation)
    rows = rows.select_related("media", "sender")
    if around:
        middle = rows.filter(id=_key(around, "This message")).first()
        if middle is None:
            raise NotFound("This message")
        place = Cursor(middle.created_at, middle.id)
        older, has_older = _older(rows, place, limit // 2)
        newer, has_newer = _newer(rows, place, limit - limit // 2)
        return _page(business, [*older, middle, *newer], has_older, has_newer)
    if after:
        found, more = _newer(rows, Cursor.parse(after), limit)
        return _page(business, found, has_older=bool(found), has_newer=more)
    found, more = _older(rows, Cursor.parse(before) if before else None, limit)
    return _page(business, found, has_older=more, has_newer=bool(before and found))


def _older(rows: QuerySet[Message], cursor: Cursor | None, limit: int) -> tuple[list[Message], bool]:
    """At most `limit` messages before `cursor`, oldest first, and whether there are more."""
    if cursor:
        rows = rows.filter(keyset.before("created_at", cursor))
    found = list(keyset.newest_first(rows, "created_at")[: limit + 1])
    return found[:limit][::-1], len(found) > limit


def _newer(rows: QuerySet[Message], cursor: Cursor, limit: int) -> tuple[list[Message], bool]:
    found = list(rows.filter(keyset.after("created_at", cursor)).order_by("created_at", "id")[: limit + 1])
    return found[:limit], len(found) > limit


def _page(
    business: BusinessProfile, messages: list[Message], has_older: bool, has_newer: bool
) -> MessagesPage:
    return MessagesPage(
        messages,
        older=_cursor_of(messages[0]) if messages and has_older else None,
        newer=_cursor_of(messages[-1]) if messages and has_newer else None,
        quoted=quoted_by(business.pk, messages),
    )


def _cursor_of(message: Message) -> str:
    return str(Cursor(message.created_at, message.id))


def quoted_by(business_id: UUID, messages: Sequence[Message]) -> dict[str, Message]:
    """The messages that `messages` answer, by WhatsApp id. No query when none is an answer."""
    wanted = {message.reply_to_wa_id for message in messages if message.reply_to_wa_id}
    if not wanted:
        return {}
    rows = Message.objects.filter(
        business_profile_id=business_id,
        connection_id__in={message.connection_id for message in messages},
        whatsapp_message_id__in=wanted,
    )
    return {str(row.whatsapp_message_id): row for row in rows.select_related("media", "sender")}


def messages_by_id(business_id: UUID, message_ids: Iterable[UUID]) -> list[Message]:
    """Messages with media and sender, for live updates, in their order in the chat; one query."""
    rows = Message.objects.filter(business_profile_id=business_id, id__in=set(message_ids))
    return list(rows.select_related("media", "sender").order_by("created_at", "id"))


def draft_of(business: BusinessProfile, conversation: Conversation, user: User) -> str:
    """What `user` has typed in this conversation and not sent."""
    rows = Draft.objects.filter(conversation=conversation, conversation__business_profile=business, user=user)
    return rows.values_list("text", flat=True).first() or ""


def _key(text: UUID | str, what: str) -> UUID:
    """An id from an address. Raises NotFound for what is none: no row has it."""
    try:
        return text if isinstance(text, UUID) else UUID(text)
    except ValueError:
        raise NotFound(what) from None

"""Queries of the inbox. Ids of another business raise NotFound."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any
from uuid import UUID

from django.db.models import CharField, Exists, F, IntegerField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, NullIf

from accounts.models import BusinessProfile, User
from contacts import selectors as contact_selectors
from contacts.models import ContactTag
from core.db import bulk
from core.db.compiled_queries import Prepared
from core.errors import InvalidInput, NotFound
from core.ids import parse_id
from core.text import printable
from messaging.inbox import keyset
from messaging.inbox import search as search_queries
from messaging.inbox.keyset import Cursor
from messaging.inbox.read_models import InboxPage, InboxRow, ShownTag
from messaging.models import Conversation, Draft, Message

Values = tuple[Any, ...]
TABS = ("unread", "mine", "open", "all", "closed")

_ANNOTATIONS: dict[str, Any] = {
    "contact_name": F("contact__name"),
    "contact_push_name": F("contact__push_name"),
    "contact_phone": F("contact__phone_number"),
    "profile_pic_url": F("contact__profile_pic_url"),
    "connection_name": F("connection__name"),
    "connection_phone": F("connection__phone_number"),
    "assigned_to_name": Coalesce(
        NullIf("assigned_to__full_name", Value("")), "assigned_to__email", Value(""), output_field=CharField()
    ),
}
_ROW_COLUMNS = tuple(name for name in InboxRow._fields if not name.startswith("hit_") and name != "tags")
PAGE = 50
"""Rows of a list page."""


def inbox_page(
    business: BusinessProfile,
    user: User,
    *,
    tab: str = "open",
    search: str = "",
    before: str | None = None,
    tag: UUID | None = None,
    limit: int = PAGE,
) -> InboxPage:
    """Return a page of the list, in two queries (rows and tags).

    tab: one of TABS. search: searches names, numbers and message texts of all tabs and returns a single page: contacts,
    then a row for each matching message (with hit_message_id). tag: only conversations whose contact has this tag.
    Raises InvalidInput for an unknown tab or cursor.
    """
    if search.strip():
        return _tagged(business, _search_page(business, search, limit))
    if tab not in TABS:
        raise InvalidInput("unknown_tab", f"There is no list called {tab[:20]!r}.")
    cursor = Cursor.parse(before) if before else None
    position = (cursor.at, cursor.id) if cursor else ()
    mine = (user.pk,) if tab == "mine" else ()
    if tag:
        rows = _inbox_rows(_columns(_of_tag(business.pk, tab, tag, cursor, *mine)[: limit + 1]))
    else:
        rows = _inbox_rows(_page_query(tab, limit, bool(cursor)).rows(business.pk, *mine, *position))
    if len(rows) <= limit:
        return _tagged(business, InboxPage(rows))
    last = rows[limit - 1]
    return _tagged(business, InboxPage(rows[:limit], str(Cursor(last.last_message_at, last.id))))


def _of_tag(
    business: UUID, tab: str, tag: UUID, cursor: Cursor | None, user: UUID | None = None
) -> QuerySet[Conversation]:
    tagged = ContactTag.objects.filter(tag_id=tag, contact_id=OuterRef("contact_id"))
    rows = _tab(business, tab, user).filter(Exists(tagged))
    if cursor:
        rows = rows.filter(keyset.before("last_message_at", cursor))
    return keyset.newest_first(rows, "last_message_at")


def _tagged(business: BusinessProfile, page: InboxPage) -> InboxPage:
    """Add the tags of each row and all tags of the business. One query."""
    tags, tags_by_contact = _tags_of(business.pk, page.rows)
    return replace(page, rows=_with_tags(page.rows, tags_by_contact), tags=tags)


def _with_tags(rows: list[InboxRow], tags_by_contact: Mapping[UUID, list[ShownTag]]) -> list[InboxRow]:
    return [
        row._replace(tags=tuple(tags_by_contact[row.contact_id]))
        if row.contact_id in tags_by_contact
        else row
        for row in rows
    ]


def _tags_of(
    business_id: UUID, rows: Sequence[InboxRow]
) -> tuple[tuple[ShownTag, ...], dict[UUID, list[ShownTag]]]:
    """Return all tags by name, and the tags of each row's contact."""
    tag_rows = contact_selectors.tags_on(business_id, {row.contact_id for row in rows})
    tags: dict[UUID, ShownTag] = {}
    tags_by_contact: dict[UUID, list[ShownTag]] = defaultdict(list)
    for key, name, color, contact_id in tag_rows:
        tag = tags.setdefault(key, ShownTag(key, name, color))
        if contact_id is not None:
            tags_by_contact[contact_id].append(tag)
    return tuple(tags.values()), tags_by_contact


@cache
def _page_query(tab: str, limit: int, deeper: bool) -> Prepared[Values]:
    """Prepare the query of a page of a tab, plus one row.

    Parameters: the business, for "mine" the user, and for a deeper page its cursor.
    """

    def build(business: UUID, *params: Any) -> QuerySet[Conversation, Values]:
        rows = _tab(business, tab, *params[: 1 if tab == "mine" else 0])
        if deeper:
            rows = rows.filter(keyset.before("last_message_at", Cursor(*params[-2:])))
        return _columns(keyset.newest_first(rows, "last_message_at")[: limit + 1])

    return Prepared(build)


def _tab(business: UUID, tab: str, user: UUID | None = None) -> QuerySet[Conversation]:
    rows = Conversation.objects.filter(business_profile=business)
    match tab:
        case "all":
            return rows
        case "unread":
            return rows.filter(unread_count__gt=0)
        case "mine":
            return rows.filter(assigned_to=user, state=Conversation.State.OPEN)
    return rows.filter(state=tab)


def _rows(conversations: QuerySet[Conversation]) -> list[InboxRow]:
    return _inbox_rows(_columns(conversations))


def _columns(conversations: QuerySet[Conversation]) -> QuerySet[Conversation, Values]:
    return conversations.annotate(**_ANNOTATIONS).values_list(*_ROW_COLUMNS)


def _inbox_rows(rows: Iterable[Values]) -> list[InboxRow]:
    return [InboxRow(*row) for row in rows]


def rows_of(business_id: UUID, conversation_ids: Iterable[UUID]) -> list[InboxRow]:
    """Return the list rows of existing conversations by id, for live updates. Two queries."""
    rows = _rows(Conversation.objects.filter(business_profile_id=business_id, id__in=set(conversation_ids)))
    return _with_tags(rows, _tags_of(business_id, rows)[1])


def rows_with_contacts(business_id: UUID, contact_ids: Iterable[UUID]) -> list[InboxRow]:
    """Return the list rows of all conversations with these contacts, latest first."""
    conversations = Conversation.objects.filter(
        business_profile_id=business_id, contact_id__in=set(contact_ids)
    )
    rows = _rows(keyset.newest_first(conversations, "last_message_at"))
    return _with_tags(rows, _tags_of(business_id, rows)[1])


def other_conversations(business_id: UUID, contact_id: UUID, than: UUID) -> list[InboxRow]:
    """Return the rows of the contact's other conversations, latest first."""
    return [
        row for row in _inbox_rows(_conversations_of_contact.rows(business_id, contact_id)) if row.id != than
    ]


_conversations_of_contact = Prepared[Values](
    lambda business, contact: _columns(
        keyset.newest_first(
            Conversation.objects.filter(business_profile=business, contact=contact), "last_message_at"
        )
    )
)


def _search_page(business: BusinessProfile, text: str, limit: int) -> InboxPage:
    """Return conversations whose contact matches, most recent first, then a row per matching message."""
    text = text[: search_queries.MAX_QUERY]
    contacts = _rows(
        search_queries.conversations_by_contact(business, printable(text), limit)
    )  # as names are stored
    hits = search_queries.messages_by_text(business, text, limit)
    by_id = {row.id: row for row in rows_of(business.pk, {hit.conversation_id for hit in hits.messages})}
    messages = [
        search_queries.with_hit(by_id[hit.conversation_id], hit)
        for hit in hits.messages
        if hit.conversation_id in by_id
    ]
    return InboxPage(contacts + messages, cut_short=hits.cut_short)


UNREAD_SHOWN = 100
"""Bound of the unread count, from which the badge says "99+", so that its cost does not grow with the inbox."""


def unread_total(business: BusinessProfile | UUID, most: int = UNREAD_SHOWN) -> int:
    """Count the unread conversations, up to `most`."""
    key = business.pk if isinstance(business, BusinessProfile) else business
    if most == UNREAD_SHOWN:
        return len(_some_unread.rows(key))
    return _unread(key)[:most].count()


def numbers_and_unread(business: BusinessProfile) -> tuple[list[UUID], int]:
    """Return the ids of the business's numbers and `unread_total`. One query."""
    rows = bulk.fetch(_NUMBERS_AND_UNREAD, [business.pk, UNREAD_SHOWN, business.pk])
    return [bulk.as_uuid(key) for key, _ in rows], rows[0][1] if rows else 0


_NUMBERS_AND_UNREAD = """
SELECT id, (
    SELECT count(*) FROM (
        SELECT 1 FROM conversations WHERE business_profile_id = %s AND unread_count > 0 LIMIT %s
    ) AS unread
)
FROM whatsapp_connections WHERE business_profile_id = %s
"""
"""Without a number there is no conversation, so no row means nothing unread."""


def _unread(business: UUID) -> QuerySet[Conversation]:
    return Conversation.objects.filter(business_profile=business, unread_count__gt=0).order_by()


_some_unread = Prepared[int](
    lambda business: (
        _unread(business)
        .annotate(one=Value(1, output_field=IntegerField()))
        .values_list("one", flat=True)[:UNREAD_SHOWN]
    )
)


def get_conversation(business: BusinessProfile, conversation_id: UUID | str) -> Conversation:
    """Return a conversation with contact, number and assignee. Raises NotFound."""
    return _or_not_found(_conversation.first(business.pk, parse_id(conversation_id, "This conversation")))


def open_conversation(
    business: BusinessProfile, conversation_id: UUID | str, user: User
) -> tuple[Conversation, str]:
    """Return a conversation as `get_conversation`, and the user's draft. One query. Raises NotFound."""
    key = parse_id(conversation_id, "This conversation")
    conversation: Any = _or_not_found(_conversation_with_draft.first(business.pk, key, user.pk))
    return conversation, conversation.draft or ""


def _or_not_found(conversation: Conversation | None) -> Conversation:
    if conversation is None:
        raise NotFound("This conversation")
    return conversation


def _with_people(business: UUID, conversation: UUID) -> QuerySet[Conversation]:
    rows = Conversation.objects.select_related("contact", "connection", "assigned_to")
    rows = rows.defer("connection__session_data", "connection__qr_code", "connection__pairing_code")
    return rows.filter(business_profile=business, id=conversation)


_conversation = Prepared(_with_people, by_key=True)
_conversation_with_draft = Prepared[Conversation](
    lambda business, conversation, user: _with_people(business, conversation).annotate(
        draft=Subquery(Draft.objects.filter(conversation=OuterRef("pk"), user=user).values("text")[:1])
    ),
    by_key=True,
)


def get_message(business: BusinessProfile, message_id: UUID | str) -> Message:
    """Return a message with media, sender and conversation. Raises NotFound."""
    rows = Message.objects.select_related("media", "sender", "conversation", "contact")
    message = rows.filter(business_profile=business, id=parse_id(message_id, "This message")).first()
    if message is None:
        raise NotFound("This message")
    return message


def latest_connection(business: BusinessProfile, contact_id: UUID) -> UUID | None:
    """Return the id of the number of the contact's latest conversation, or None."""
    rows = Conversation.objects.filter(business_profile=business, contact_id=contact_id)
    return keyset.newest_first(rows, "last_message_at").values_list("connection_id", flat=True).first()


def messages_with_contacts(business_id: UUID, message_ids: Collection[UUID]) -> dict[UUID, Message]:
    """Return messages by id, with contact and media. One query."""
    rows = Message.objects.filter(business_profile_id=business_id, id__in=message_ids)
    return {row.pk: row for row in rows.select_related("contact", "media")}

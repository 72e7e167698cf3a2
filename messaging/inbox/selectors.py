"""Reads of the inbox. Every function takes the business first; another business's ids are NotFound."""

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
from core.text import printable
from messaging.inbox import keyset
from messaging.inbox import search as finder
from messaging.inbox.keyset import Cursor
from messaging.inbox.read_models import InboxPage, InboxRow, ShownTag
from messaging.models import Conversation, Draft, MediaFile, Message

Values = tuple[Any, ...]
TABS = ("unread", "mine", "open", "all", "closed")

_COLUMNS: dict[str, Any] = {
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
_SHOWN = tuple(name for name in InboxRow._fields if not name.startswith("hit_") and name != "tags")
PAGE = 50
"""Rows of the list on one page."""


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
    """One page of the list, in two queries whatever its length: its rows, and the tags on them.

    tab: one of TABS. search: names, digits of numbers and message texts in every tab, contacts first, then one row for
    each message found (with hit_message_id to open it at); it has one page.
    tag: only conversations with contacts who carry it. Raises InvalidInput for an unknown tab or cursor.
    """
    if search.strip():
        return _tagged(business, _search_page(business, search, limit))
    if tab not in TABS:
        raise InvalidInput("unknown_tab", f"There is no list called {tab[:20]!r}.")
    cursor = Cursor.parse(before) if before else None
    place = (cursor.at, cursor.id) if cursor else ()
    mine = (user.pk,) if tab == "mine" else ()
    if tag:
        found = _made(_columns(_of_tag(business.pk, tab, tag, cursor, *mine)[: limit + 1]))
    else:
        found = _made(_page_query(tab, limit, bool(cursor)).rows(business.pk, *mine, *place))
    if len(found) <= limit:
        return _tagged(business, InboxPage(found))
    last = found[limit - 1]
    return _tagged(business, InboxPage(found[:limit], str(Cursor(last.last_message_at, last.id))))


def _of_tag(
    business: UUID, tab: str, tag: UUID, cursor: Cursor | None, user: UUID | None = None
) -> QuerySet[Conversation]:
    carried = ContactTag.objects.filter(tag_id=tag, contact_id=OuterRef("contact_id"))
    rows = _tab(business, tab, user).filter(Exists(carried))
    if cursor:
        rows = rows.filter(keyset.before("last_message_at", cursor))
    return keyset.newest_first(rows, "last_message_at")


def _tagged(business: BusinessProfile, page: InboxPage) -> InboxPage:
    """The page with the tags on its rows and all that there are; one query."""
    tags, carried = _carried(business.pk, page.rows)
    return replace(page, rows=_with_tags(page.rows, carried), tags=tags)


def _with_tags(rows: list[InboxRow], carried: Mapping[UUID, list[ShownTag]]) -> list[InboxRow]:
    return [
        row._replace(tags=tuple(carried[row.contact_id])) if row.contact_id in carried else row
        for row in rows
    ]


def _carried(
    business_id: UUID, rows: Sequence[InboxRow]
) -> tuple[tuple[ShownTag, ...], dict[UUID, list[ShownTag]]]:
    """All tags by name, and those of each row's contact."""
    found = contact_selectors.tags_on(business_id, {row.contact_id for row in rows})
    tags: dict[UUID, ShownTag] = {}
    carried: dict[UUID, list[ShownTag]] = defaultdict(list)
    for key, name, color, contact_id in found:
        tag = tags.setdefault(key, ShownTag(key, name, color))
        if contact_id is not None:
            carried[contact_id].append(tag)
    return tuple(tags.values()), carried


@cache
def _page_query(tab: str, limit: int, deeper: bool) -> Prepared[Values]:
    """A page of a tab and one row more. Takes the business, for "mine" the user, and for a deeper page its cursor."""

    def build(business: UUID, *given: Any) -> QuerySet[Conversation, Values]:
        rows = _tab(business, tab, *given[: 1 if tab == "mine" else 0])
        if deeper:
            rows = rows.filter(keyset.before("last_message_at", Cursor(*given[-2:])))
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
    return _made(_columns(conversations))


def _columns(conversations: QuerySet[Conversation]) -> QuerySet[Conversation, Values]:
    return conversations.annotate(**_COLUMNS).values_list(*_SHOWN)


def _made(rows: Iterable[Values]) -> list[InboxRow]:
    return [InboxRow(*row) for row in rows]


def rows_of(business_id: UUID, conversation_ids: Iterable[UUID]) -> list[InboxRow]:
    """The list's rows of some conversations, for live updates; two queries, those that are gone are left out."""
    rows = _rows(Conversation.objects.filter(business_profile_id=business_id, id__in=set(conversation_ids)))
    return _with_tags(rows, _carried(business_id, rows)[1])


def rows_with_contacts(business_id: UUID, contact_ids: Iterable[UUID]) -> list[InboxRow]:
    """The list's rows of every conversation with these contacts, latest first."""
    rows = Conversation.objects.filter(business_profile_id=business_id, contact_id__in=set(contact_ids))
    found = _rows(keyset.newest_first(rows, "last_message_at"))
    return _with_tags(found, _carried(business_id, found)[1])


def other_conversations(business_id: UUID, contact_id: UUID, than: UUID) -> list[InboxRow]:
    """The rows of the contact's conversations with other numbers, latest first."""
    return [row for row in _made(_of_contact.rows(business_id, contact_id)) if row.id != than]


_of_contact = Prepared[Values](
    lambda business, contact: _columns(
        keyset.newest_first(
            Conversation.objects.filter(business_profile=business, contact=contact), "last_message_at"
        )
    )
)


def _search_page(business: BusinessProfile, text: str, limit: int) -> InboxPage:
    """Conversations whose contact matches, most recent first, then one row per message whose text matches."""
    text = text[: finder.MAX_QUERY]
    contacts = _rows(finder.conversations_by_contact(business, printable(text), limit))  # as names are kept
    hits = finder.messages_by_text(business, text, limit)
    by_id = {row.id: row for row in rows_of(business.pk, {hit.conversation_id for hit in hits.found})}
    said = [
        finder.with_hit(by_id[hit.conversation_id], hit) for hit in hits.found if hit.conversation_id in by_id
    ]
    return InboxPage(contacts + said, cut_short=hits.cut_short)


UNREAD_SHOWN = 100
"""The badge says "99+" from here on: what is counted for every page and frame must not grow with the inbox."""


def unread_total(business: BusinessProfile | UUID, most: int = UNREAD_SHOWN) -> int:
    """How many conversations have something unread; `most` stands for that many or more."""
    key = business.pk if isinstance(business, BusinessProfile) else business
    if most == UNREAD_SHOWN:
        return len(_some_unread.rows(key))
    return _unread(key)[:most].count()


def numbers_and_unread(business: BusinessProfile) -> tuple[list[UUID], int]:
    """The ids of the business's numbers and `unread_total`, in one query: what surrounds every page of the inbox."""
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
"""Without a number there is no conversation, so no row means none unread."""


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
    """With its contact, number and assignee. Raises NotFound."""
    return _found(_conversation.first(business.pk, _key(conversation_id, "This conversation")))


def open_conversation(
    business: BusinessProfile, conversation_id: UUID | str, user: User
) -> tuple[Conversation, str]:
    """The same and what `user` has typed there and not sent, in one query. Raises NotFound."""
    key = _key(conversation_id, "This conversation")
    found: Any = _found(_opened.first(business.pk, key, user.pk))
    return found, found.draft or ""


def _found(conversation: Conversation | None) -> Conversation:
    if conversation is None:
        raise NotFound("This conversation")
    return conversation


def _with_people(business: UUID, conversation: UUID) -> QuerySet[Conversation]:
    rows = Conversation.objects.select_related("contact", "connection", "assigned_to")
    rows = rows.defer("connection__session_data", "connection__qr_code", "connection__pairing_code")
    return rows.filter(business_profile=business, id=conversation)


_conversation = Prepared(_with_people, by_key=True)
_opened = Prepared[Conversation](
    lambda business, conversation, user: _with_people(business, conversation).annotate(
        draft=Subquery(Draft.objects.filter(conversation=OuterRef("pk"), user=user).values("text")[:1])
    ),
    by_key=True,
)


def get_message(business: BusinessProfile, message_id: UUID | str) -> Message:
    """With its media, sender and conversation. Raises NotFound."""
    rows = Message.objects.select_related("media", "sender", "conversation", "contact")
    found = rows.filter(business_profile=business, id=_key(message_id, "This message")).first()
    if found is None:
        raise NotFound("This message")
    return found


def latest_connection(business: BusinessProfile, contact_id: UUID) -> UUID | None:
    """The number with which this contact talked last, if there is one."""
    rows = Conversation.objects.filter(business_profile=business, contact_id=contact_id)
    return keyset.newest_first(rows, "last_message_at").values_list("connection_id", flat=True).first()


def get_media(business: BusinessProfile, media_id: UUID | str) -> MediaFile:
    """Raises NotFound."""
    found = MediaFile.objects.filter(business_profile=business, id=_key(media_id, "This file")).first()
    if found is None:
        raise NotFound("This file")
    return found


def messages_with_contacts(business_id: UUID, message_ids: Collection[UUID]) -> dict[UUID, Message]:
    """Messages with contact and media, as other systems are told of them; one query."""
    rows = Message.objects.filter(business_profile_id=business_id, id__in=message_ids)
    return {row.pk: row for row in rows.select_related("contact", "media")}


def _key(text: UUID | str, what: str) -> UUID:
    """An id from an address. Raises NotFound for what is none: no row has it."""
    try:
        return text if isinstance(text, UUID) else UUID(text)
    except ValueError:
        raise NotFound(what) from None

"""Search conversations by contact and messages by text, using the terms of core.db.search_text.

The index is fast for rare words, but returns every hit of a common one. A common word occurs in the latest
conversations and messages, so these are scanned first, and the index is used only if they do not suffice.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

import structlog
from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet

from accounts.models import BusinessProfile
from contacts import selectors as contact_selectors
from core.db import bulk
from core.db.models import is_postgres
from core.db.search import Contains, Found, contains_sql
from core.db.search_text import Phrase, matches, phrases
from core.text import boundary
from messaging.inbox.read_models import InboxRow
from messaging.models import Conversation, Message

log = structlog.get_logger(__name__)

Words = tuple[Phrase, ...]

LATEST = 5000
"""Latest messages scanned to tell common words from rare ones."""
COMMON = 10
"""Hits among the latest messages from which a search is common: a scan from the newest soon fills a page.

Of two million messages the index would have to return and sort more than 4,000.
"""
PEOPLE = 300
"""Latest conversations scanned before the index of names is used."""
PEOPLE_WIDE = 3000
"""Latest conversations scanned for a common name."""
FREQUENT = 8
"""Hits among PEOPLE conversations from which a name is common, so that PEOPLE_WIDE likely fill a page."""
TIMEOUT_MS = 1000
"""PostgreSQL: a slower search returns only hits among the latest messages."""
SNIPPET = 120
VISIBLE = 36
"""Characters visible even in a narrow list. A snippet starts with the text if its word ends within them."""
LEAD = 12
"""Characters of a snippet before a word further back."""
MAX_QUERY = 200


@dataclass(frozen=True)
class Hit:
    """A message that matches a search."""

    message_id: UUID
    conversation_id: UUID
    text: str
    at: datetime


def conversations_by_contact(business: BusinessProfile, text: str, limit: int) -> QuerySet[Conversation]:
    """Return at most `limit` conversations whose contact's name or number matches, most recent first."""
    rows = Conversation.objects.filter(business_profile=business).order_by("-last_message_at", "-id")
    if is_postgres():
        conversation_ids = _latest_conversations(business, text, limit, PEOPLE)
        if FREQUENT <= len(conversation_ids) < limit:
            conversation_ids = _latest_conversations(business, text, limit, PEOPLE_WIDE)
        if len(conversation_ids) >= limit:
            return rows.filter(pk__in=conversation_ids)
    return rows.filter(contact_id__in=contact_selectors.ids_matching(business, text))[:limit]


def _latest_conversations(business: BusinessProfile, text: str, limit: int, window: int) -> list[UUID]:
    """Return at most `limit` hits among the latest conversations.

    The condition is a scalar subquery per row, so that no plan scans all contacts.
    """
    condition, patterns = contact_selectors.match_sql(text)
    rows = bulk.fetch(
        f"""
        SELECT id FROM (
            SELECT id, contact_id FROM conversations WHERE business_profile_id = %s
            ORDER BY last_message_at DESC, id DESC LIMIT %s
        ) AS latest
        WHERE (SELECT {condition} FROM contacts AS k WHERE k.id = latest.contact_id) LIMIT %s
        """,  # noqa: S608 - the condition is made of constants
        [business.pk, window, *patterns, limit],
    )
    return [key for (key,) in rows]


@dataclass(frozen=True)
class Hits:
    """Result of a text search, newest first. cut_short: the search timed out, so the result is incomplete."""

    messages: list[Hit]
    cut_short: bool = False


def messages_by_text(business: BusinessProfile, text: str, limit: int) -> Hits:
    """Return the newest messages that contain every word of `text`; no hits for a text without words."""
    words = _words(text)
    if not words:
        return Hits([])
    rows = Message.objects.filter(business_profile=business).exclude(message_type=Message.Type.REACTION)
    try:
        with _statement_timeout():
            return Hits(_hits(rows.filter(_condition(business, words)), words, limit))
    except OperationalError:
        log.warning("search_cut_short", business_id=str(business.pk))
    return Hits(_hits(rows.filter(pk__in=_latest(business, words, limit)), words, limit), cut_short=True)


def narrow(rows: QuerySet[Message], business: BusinessProfile, text: str) -> QuerySet[Message]:
    """Filter messages of the business by containing every word of `text`."""
    words = _words(text)
    if not words:
        return rows.none()
    return rows.filter(_condition(business, words))


def _words(text: str) -> Words:
    """Parse a search. Only the last word may be a prefix, because prefixes are much slower on the index."""
    words = phrases(text)
    return (*(replace(word, open=False) for word in words[:-1]), *words[-1:])


def _condition(business: BusinessProfile, words: Words) -> Contains:
    """Choose between a scan of the messages (common words) and the index."""
    common = len(_latest(business, words, COMMON)) == COMMON
    return Contains(Message, words) if common else Found(Message, business.pk, words)


def _latest(business: BusinessProfile, words: Words, limit: int) -> list[UUID]:
    """Return the ids of at most `limit` hits among the LATEST messages."""
    contained, needles = contains_sql(connection.vendor, "latest", words)
    rows = bulk.fetch(
        f"""
        SELECT id FROM (
            SELECT id, search_text FROM messages WHERE business_profile_id = %s ORDER BY created_at DESC LIMIT %s
        ) AS latest
        WHERE {contained} LIMIT %s
        """,  # noqa: S608 - only placeholders are inserted
        [business.pk, LATEST, *needles, limit],
    )
    return [bulk.as_uuid(key) for (key,) in rows]


@contextmanager
def _statement_timeout() -> Iterator[None]:
    """On PostgreSQL, raise OperationalError for a statement that takes longer than TIMEOUT_MS."""
    if not is_postgres():
        yield
        return
    with transaction.atomic():
        bulk.fetch("SELECT set_config('statement_timeout', %s, true)", [str(TIMEOUT_MS)])
        yield
        bulk.fetch("SET LOCAL statement_timeout TO DEFAULT", [])


def _hits(rows: QuerySet[Message], words: Words, limit: int) -> list[Hit]:
    newest = rows.order_by("-created_at", "-id")
    columns = ("id", "conversation_id", "content", "created_at")
    return [
        Hit(key, conversation, snippet(content, words), at)
        for key, conversation, content, at in newest.values_list(*columns)[:limit]
    ]


def with_hit(row: InboxRow, hit: Hit) -> InboxRow:
    """Return the row with a hit, so that it opens the conversation at that message."""
    return row._replace(hit_message_id=hit.message_id, hit_text=hit.text, hit_at=hit.at)


def snippet(text: str, words: Words) -> str:
    """Return one line of about SNIPPET characters around the first matching word."""
    line = " ".join(text.split())
    start, end = next(iter(matches(line, words)), (0, 0))
    start = 0 if end <= VISIBLE else boundary(line, max(start - LEAD, 0))
    end = boundary(line, min(start + SNIPPET, len(line)))
    return ("…" if start else "") + line[start:end] + ("…" if end < len(line) else "")

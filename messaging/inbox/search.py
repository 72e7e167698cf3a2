"""Finding conversations by who and messages by what is in them, on the terms that core.db.search_text makes.

The index answers for rare words at once, but of a common one it can only hand out every hit. Such a word is in the
latest conversations and messages anyway: these are read first, and the index is asked when that was in vain.
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
from core.db.search_text import Phrase, phrases, places
from core.text import boundary
from messaging.inbox.read_models import InboxRow
from messaging.models import Conversation, Message

log = structlog.get_logger(__name__)

Words = tuple[Phrase, ...]

LATEST = 5000
"""Messages that are looked through to tell common words from rare ones."""
COMMON = 10
"""Hits among the latest that make a search common: a page is soon full when all messages are read, newest first. Of two
million messages the index would have to hand out and sort more than 4,000.
"""
PEOPLE = 300
"""Conversations that are looked through before the index of names is asked."""
PEOPLE_WIDE = 3000
"""The same for a name that is common among those."""
FREQUENT = 8
"""Hits among PEOPLE conversations that make it so: a page of them is likely to be found among PEOPLE_WIDE."""
PATIENCE_MS = 1000
"""PostgreSQL: a search that takes longer answers with what it found among the latest messages."""
SNIPPET = 120
VISIBLE = 36
"""Characters that surely show in a narrow list. A word that ends within them needs no cut before it."""
LEAD = 12
"""Characters before a word that stands further back."""
MAX_QUERY = 200


@dataclass(frozen=True)
class Hit:
    """A message whose text matches."""

    message_id: UUID
    conversation_id: UUID
    text: str
    at: datetime


def conversations_by_contact(business: BusinessProfile, text: str, limit: int) -> QuerySet[Conversation]:
    """At most `limit` conversations whose contact's name or number matches, most recent first."""
    rows = Conversation.objects.filter(business_profile=business).order_by("-last_message_at", "-id")
    if is_postgres():
        found = _latest_conversations(business, text, limit, PEOPLE)
        if FREQUENT <= len(found) < limit:
            found = _latest_conversations(business, text, limit, PEOPLE_WIDE)
        if len(found) >= limit:
            return rows.filter(pk__in=found)
    return rows.filter(contact_id__in=contact_selectors.ids_matching(business, text))[:limit]


def _latest_conversations(business: BusinessProfile, text: str, limit: int, window: int) -> list[UUID]:
    """Hits among the latest conversations; stops at `limit`. A value per row, so that no plan reads all contacts."""
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
    """What a search for words has found, newest first. cut_short: it was given up before all had been looked at."""

    found: list[Hit]
    cut_short: bool = False


def messages_by_text(business: BusinessProfile, text: str, limit: int) -> Hits:
    """The newest messages that contain every word of `text`. None when there is nothing to look for."""
    words = _words(text)
    if not words:
        return Hits([])
    rows = Message.objects.filter(business_profile=business).exclude(message_type=Message.Type.REACTION)
    try:
        with _patience():
            return Hits(_hits(rows.filter(_condition(business, words)), words, limit))
    except OperationalError:
        log.warning("search_cut_short", business_id=str(business.pk))
    return Hits(_hits(rows.filter(pk__in=_latest(business, words, limit)), words, limit), cut_short=True)


def narrow(rows: QuerySet[Message], business: BusinessProfile, text: str) -> QuerySet[Message]:
    """Those of `rows`, which are the business's, that contain every word of `text`."""
    words = _words(text)
    if not words:
        return rows.none()
    return rows.filter(_condition(business, words))


def _words(text: str) -> Words:
    """What to look for. Only the last word may be unfinished: beginnings cost the index many times what words cost."""
    words = phrases(text)
    return (*(replace(word, open=False) for word in words[:-1]), *words[-1:])


def _condition(business: BusinessProfile, words: Words) -> Contains:
    """How to look for the words: in the messages themselves, or by the index."""
    common = len(_latest(business, words, COMMON)) == COMMON
    return Contains(Message, words) if common else Found(Message, business.pk, words)


def _latest(business: BusinessProfile, words: Words, limit: int) -> list[UUID]:
    """At most `limit` hits among the LATEST messages."""
    contained, needles = contains_sql(connection.vendor, "latest", words)
    rows = bulk.fetch(
        f"""
        SELECT id FROM (
            SELECT id, search_text FROM messages WHERE business_profile_id = %s ORDER BY created_at DESC LIMIT %s
        ) AS latest
        WHERE {contained} LIMIT %s
        """,  # noqa: S608 - nothing but places for parameters
        [business.pk, LATEST, *needles, limit],
    )
    return [bulk.as_uuid(key) for (key,) in rows]


@contextmanager
def _patience() -> Iterator[None]:
    """End what PostgreSQL takes longer than PATIENCE_MS for, with OperationalError."""
    if not is_postgres():
        yield
        return
    with transaction.atomic():
        bulk.fetch("SELECT set_config('statement_timeout', %s, true)", [str(PATIENCE_MS)])
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
    """The list's row of a conversation, opening at the message found in it."""
    return row._replace(hit_message_id=hit.message_id, hit_text=hit.text, hit_at=hit.at)


def snippet(text: str, words: Words) -> str:
    """About SNIPPET characters of `text` around the first of the words in it, on one line."""
    line = " ".join(text.split())
    start, end = next(iter(places(line, words)), (0, 0))
    start = 0 if end <= VISIBLE else boundary(line, max(start - LEAD, 0))
    end = boundary(line, min(start + SNIPPET, len(line)))
    return ("…" if start else "") + line[start:end] + ("…" if end < len(line) else "")

"""Finding conversations by who and messages by what: PostgreSQL's text search and trigrams, SQLite's FTS5 trigrams.

The indexes are made in migrations (contacts 0002, messaging 0003). They answer for rare words at once, but of a common
one they can only hand out every hit. Such a word is in the latest conversations and messages anyway, so PostgreSQL
looks there first, and asks the index when that was in vain. A search of fewer than three characters has no trigram: it
looks at the beginnings of words, in the latest rows only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet

from accounts.models import BusinessProfile
from contacts import selectors as contact_selectors
from messaging.models import Conversation, Message
from messaging.rows import InboxRow
from whatsflow.core import bulk
from whatsflow.core.text import boundary

log = structlog.get_logger(__name__)

SCANNED = 1000
"""Hits that a search on SQLite looks at before it sorts; bounds the work of a word that is in every message."""
LATEST = 10_000
"""Messages that are looked through before the index is asked."""
LATE = 40_000
"""Messages that are looked through for a word that is common among the latest, though not enough to fill a page."""
PEOPLE = 300
"""Conversations that are looked through before the index of names is asked."""
PEOPLE_WIDE = 3000
"""The same for a text that is too short for that index, or that is common among those."""
FREQUENT = 8
"""Hits among PEOPLE conversations that make it so: a page of them is likely to be found among PEOPLE_WIDE."""
COMMON = 20
"""Hits among the latest that make a word so common that the page is likely to fill up soon. Of two million messages it
is in more than HANDED_OUT then."""
HANDED_OUT = 4000
"""Hits that the index hands out, in no order, before they are sorted."""
PATIENCE_MS = 1000
"""The net under the index: a search that takes longer answers with what it found among the latest messages."""
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
    if connection.vendor == "postgresql" and text.strip():
        short = len(text.strip()) < contact_selectors.TRIGRAM
        found = _latest_conversations(business, text, limit, PEOPLE_WIDE if short else PEOPLE)
        if not short and FREQUENT <= len(found) < limit:
            found = _latest_conversations(business, text, limit, PEOPLE_WIDE)
        if short or len(found) >= limit:
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
    """The newest messages in which every word of `text` occurs. None when there is nothing to look for."""
    words = re.findall(r"\w+", text)
    if not words:
        return Hits([])
    if connection.vendor == "postgresql":
        found, cut_short = _postgres(business, text, limit)
    else:
        found, cut_short = {bulk.as_uuid(key) for (key,) in _sqlite(business, words, limit)}, False
    rows = Message.objects.filter(business_profile=business, id__in=found)
    rows = rows.exclude(message_type=Message.Type.REACTION)
    hits = [
        Hit(key, conversation, _snippet(content, words[0]), at)
        for key, conversation, content, at in rows.values_list(
            "id", "conversation_id", "content", "created_at"
        )
    ]
    hits.sort(key=lambda hit: (hit.at, hit.message_id), reverse=True)
    return Hits(hits[:limit], cut_short)


def _postgres(business: BusinessProfile, text: str, limit: int) -> tuple[set[UUID], bool]:
    """Every word is one of the text's; the last one, which may not be finished, is the beginning of one.

    True with it: the index took too long, and only the latest messages were looked at.
    """
    words = [word for (word,) in bulk.fetch(_WORDS, [text])]
    if not words:
        return set(), False
    found = _latest_messages(business, words, limit, (0, LATEST))
    if COMMON <= len(found) < limit:
        found |= _latest_messages(business, words, limit - len(found), (LATEST, LATE))
    if len(found) >= limit:
        return found, False
    more = _by_index(business, _tsquery(words), limit)
    return found | (more or set()), more is None


_WORDS = """
SELECT lower(token) FROM ts_parse('default', %s)
WHERE tokid NOT IN (SELECT tokid FROM ts_token_type('default')
    WHERE alias IN ('blank', 'tag', 'protocol', 'entity', 'numhword', 'asciihword', 'hword'))
"""
"""The words of a text as to_tsvector('simple', ...) takes them apart, compounds by parts: "CC-1" is "cc" and "-1"."""


def _tsquery(words: list[str]) -> str:
    return f"{' & '.join(map(_quoted, words))}:*"


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


def _latest_messages(
    business: BusinessProfile, words: list[str], limit: int, window: tuple[int, int]
) -> set[UUID]:
    """Hits among the messages from window[0] to window[1], newest first; stops at `limit`.

    Most texts do not even contain the letters, which is found out in a fifth of the time that their words take.
    """
    start, end = window
    contained = " AND ".join(["position(%s in lower(content)) > 0"] * len(words))
    rows = bulk.fetch(
        f"""
        SELECT id FROM (
            SELECT id, content FROM messages WHERE business_profile_id = %s
            ORDER BY created_at DESC LIMIT %s OFFSET %s
        ) AS latest
        WHERE {contained} AND to_tsvector('simple', content) @@ %s::tsquery LIMIT %s
        """,  # noqa: S608 - nothing but places for parameters
        [business.pk, end - start, start, *words, _tsquery(words), limit],
    )
    return {key for (key,) in rows}


def _by_index(business: BusinessProfile, query: str, limit: int) -> set[UUID] | None:
    """The newest of HANDED_OUT hits. None when that takes longer than PATIENCE_MS: the latest are told then."""
    try:
        with transaction.atomic():
            bulk.fetch("SELECT set_config('statement_timeout', %s, true)", [str(PATIENCE_MS)])
            rows = bulk.fetch(_INDEXED, [f"'{business.pk}' & {query}", business.pk, HANDED_OUT, limit])
            bulk.fetch("SET LOCAL statement_timeout TO DEFAULT", [])
    except OperationalError:
        log.warning("search_cut_short", business_id=str(business.pk))
        return None
    return {key for (key,) in rows}


_INDEXED = """
WITH hits AS MATERIALIZED (
    SELECT id, created_at FROM messages
    WHERE to_tsvector('simple', coalesce(content, '')) || array_to_tsvector(ARRAY[business_profile_id::text])
          @@ %s::tsquery AND business_profile_id = %s
    LIMIT %s
)
SELECT id FROM hits ORDER BY created_at DESC, id DESC LIMIT %s
"""


def _sqlite(business: BusinessProfile, words: list[str], limit: int) -> list[tuple[Any, ...]]:
    """Every word is somewhere in the text."""
    indexed = [word for word in words if len(word) >= 3]
    if not indexed:
        return _newest_by_prefix(business, words, limit)
    return bulk.fetch(
        """
        WITH hits AS MATERIALIZED (
            SELECT messages.id, messages.created_at
            FROM messages_fts
            JOIN messages_fts_map ON messages_fts_map.id = messages_fts.rowid
            JOIN messages ON messages.id = messages_fts_map.message_id
            WHERE messages_fts MATCH %s AND messages.business_profile_id = %s
            ORDER BY messages_fts.rowid DESC LIMIT %s
        )
        SELECT id FROM hits ORDER BY created_at DESC, id DESC LIMIT %s
        """,
        [" AND ".join(f'"{word}"' for word in indexed), business.pk, SCANNED, limit],
    )


def _newest_by_prefix(business: BusinessProfile, words: list[str], limit: int) -> list[tuple[Any, ...]]:
    """Too short for the index: the newest messages whose words begin so, among the latest few thousand."""
    return bulk.fetch(
        """
        SELECT id FROM (
            SELECT id, created_at, ' ' || content AS content FROM messages
            WHERE business_profile_id = %s ORDER BY created_at DESC LIMIT %s
        ) AS latest
        WHERE content LIKE %s ORDER BY created_at DESC, id DESC LIMIT %s
        """,
        [business.pk, 5 * SCANNED, f"% {words[0]}%", limit],
    )


def with_hit(row: InboxRow, hit: Hit) -> InboxRow:
    """The list's row of a conversation, opening at the message found in it."""
    return row._replace(hit_message_id=hit.message_id, hit_text=hit.text, hit_at=hit.at)


def _snippet(text: str, word: str) -> str:
    """About SNIPPET characters of `text` around `word`, on one line."""
    line = " ".join(text.split())
    place = max(line.lower().find(word.lower()), 0)
    start = 0 if place + len(word) <= VISIBLE else max(place - LEAD, 0)
    start, end = boundary(line, start), boundary(line, start + SNIPPET)
    return ("…" if start else "") + line[start:end] + ("…" if end < len(line) else "")

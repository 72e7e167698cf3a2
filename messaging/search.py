"""Finding conversations by who and messages by what: PostgreSQL's text search and trigrams, SQLite's FTS5 trigrams.

The indexes are made in migrations (0002_search of both apps). A search of fewer than three characters has no trigram:
it looks at the beginnings of words, on SQLite in the latest messages only.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from accounts.models import BusinessProfile
from contacts import selectors as contact_selectors
from messaging.models import Conversation, Message
from messaging.rows import InboxRow
from whatsflow.core import bulk

SCANNED = 1000
"""Hits that a search looks at before it sorts; bounds the work of a word that is in every message."""
SNIPPET = 120
MAX_QUERY = 200


@dataclass(frozen=True)
class Hit:
    """A message whose text matches."""

    message_id: UUID
    conversation_id: UUID
    text: str
    at: datetime


def conversations_by_contact(business: BusinessProfile, text: str) -> QuerySet[Conversation]:
    """Conversations whose contact's name or number matches, most recent first."""
    matching = contact_selectors.ids_matching(business, text)
    rows = Conversation.objects.filter(business_profile=business, contact_id__in=matching)
    return rows.order_by("-last_message_at", "-id")


def messages_by_text(business: BusinessProfile, text: str, limit: int) -> list[Hit]:
    """The newest messages in which every word of `text` occurs. Empty when there is nothing to look for."""
    words = re.findall(r"\w+", text)
    if not words:
        return []
    search = _postgres if connection.vendor == "postgresql" else _sqlite
    found = [bulk.as_uuid(key) for (key,) in search(business, words, limit)]
    rows = Message.objects.filter(business_profile=business, id__in=found)
    hits = [
        Hit(key, conversation, _snippet(content, words[0]), at)
        for key, conversation, content, at in rows.values_list(
            "id", "conversation_id", "content", "created_at"
        )
    ]
    return sorted(hits, key=lambda hit: (hit.at, hit.message_id), reverse=True)


def _postgres(business: BusinessProfile, words: list[str], limit: int) -> list[tuple[Any, ...]]:
    """Every word is the beginning of one in the text."""
    return bulk.fetch(
        """
        WITH hits AS MATERIALIZED (
            SELECT id, created_at FROM messages
            WHERE to_tsvector('simple', coalesce(content, '')) @@ to_tsquery('simple', %s)
              AND business_profile_id = %s
            LIMIT %s
        )
        SELECT id FROM hits ORDER BY created_at DESC, id DESC LIMIT %s
        """,
        [" & ".join(f"'{word}':*" for word in words), business.pk, SCANNED, limit],
    )


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
    start = max(place - SNIPPET // 3, 0)
    cut = line[start : start + SNIPPET]
    return ("…" if start else "") + cut + ("…" if start + SNIPPET < len(line) else "")

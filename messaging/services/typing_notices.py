"""Typing notices for customers: who of the team is typing.

Kept in the cache for seconds; no row is written. One entry per number holds its chats. Two people who type at the same
moment may overwrite each other; the next notice, a few seconds later, corrects it.
"""

from __future__ import annotations

import time
from uuid import UUID

from django.core.cache import cache

from accounts.models import BusinessProfile
from connections.drivers.base import Chat
from connections.services import numbers
from contacts import selectors as contact_selectors
from messaging.models import Conversation

LASTS_SECONDS = 8.0
"""Lifetime of a notice. A page repeats it every few seconds while somebody types (inbox-composer.js)."""

Entry = dict[str, tuple[str | None, str | None, float]]


def report(business: BusinessProfile, conversation: Conversation, active: bool) -> None:
    """Store that a team member is typing in the conversation, or has stopped.

    The caller has checked the conversation and loaded its contact.
    """
    entry = _entry(conversation.connection_id)
    key = conversation.pk.hex
    known = entry.pop(key, None)
    if active:
        lid = (
            known[1]
            if known
            else contact_selectors.lids_of({conversation.contact_id}).get(conversation.contact_id)
        )
        entry[key] = (conversation.contact.phone_number, lid, time.time() + LASTS_SECONDS)
    cache.set(_key(conversation.connection_id), entry, LASTS_SECONDS)
    if active != (known is not None):
        numbers.wake_runner(conversation.connection_id)


def chats(connection_id: UUID) -> list[Chat]:
    """Return the chats of a number in which a team member is typing."""
    return [Chat(phone=phone, lid=lid) for phone, lid, _ in _entry(connection_id).values() if phone or lid]


def _entry(connection_id: UUID) -> Entry:
    stored: Entry = cache.get(_key(connection_id)) or {}
    moment = time.time()
    return {key: one for key, one in stored.items() if one[2] > moment}


def _key(connection_id: UUID) -> str:
    return f"typing.{connection_id.hex}"

"""Who of the team is typing, told to the customers. Known for moments only, in the cache: no row is written for a key.

One entry a number holds its chats. Two people who type at the very same moment may overwrite one another; the next
key, a few seconds later, puts it right.
"""

from __future__ import annotations

import time
from uuid import UUID

from django.core.cache import cache

from accounts.models import BusinessProfile
from connections.drivers.base import Chat
from contacts import selectors as contact_selectors
from core.realtime import wakeup
from messaging.models import Conversation

LASTS_SECONDS = 8.0
"""A page that is typed in says so every few seconds (inbox-composer.js); silent for so long, it is over."""

Entry = dict[str, tuple[str | None, str | None, float]]


def tell(business: BusinessProfile, conversation: Conversation, active: bool) -> None:
    """Somebody types an answer, or has stopped. The conversation is one of the business's, its contact loaded."""
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
        wakeup.notify(wakeup.connection_topic(conversation.connection_id))


def of(connection_id: UUID) -> list[Chat]:
    """The chats of a number for which somebody is typing now."""
    return [Chat(phone=phone, lid=lid) for phone, lid, _ in _entry(connection_id).values() if phone or lid]


def _entry(connection_id: UUID) -> Entry:
    found: Entry = cache.get(_key(connection_id)) or {}
    moment = time.time()
    return {key: one for key, one in found.items() if one[2] > moment}


def _key(connection_id: UUID) -> str:
    return f"typing.{connection_id.hex}"

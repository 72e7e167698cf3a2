"""Generator of rows of contacts, conversations and messages, for `Table`."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.urls import reverse

from accounts.models import BusinessProfile, User
from connections.models import WhatsAppConnection
from contacts.models import Contact, ContactIdentity
from contacts.search_text import searchable_texts
from core.db.search_text import search_text
from core.ids import uuid7
from core.phone import phone
from messaging.models import Conversation, ConversationEvent, MediaFile, Message
from messaging.services import conversation_summary
from whatsflow.demo import sorting
from whatsflow.demo.history import History, Utterance
from whatsflow.demo.people import person
from whatsflow.demo.tables import Table

FRESH = timedelta(hours=30)
"""Age up to which inbound messages may be unread. The newest one always is."""
NEW_TOPIC_AFTER = timedelta(hours=6)
"""Gap after which an inbound message begins a new topic."""
CLOSED_AFTER = timedelta(minutes=12)


@dataclass(frozen=True)
class Shop:
    """Owner of the rows. team: members who answer, the owner first. pictures: in order of their numbers."""

    business: BusinessProfile
    connection: WhatsAppConnection
    team: list[User]
    pictures: list[MediaFile]


class Summary:
    """Aggregate of a contact's messages. begun_at: of the last topic. trailing: inbound ones since the last reply."""

    __slots__ = ("begun_at", "first_at", "last", "total", "trailing")

    def __init__(self, message: Utterance) -> None:
        self.first_at = self.begun_at = message.at
        self.last = message
        self.total = self.trailing = 0
        self.add(message)

    def add(self, message: Utterance) -> None:
        """Add the next message."""
        if self.total and not message.ours and message.at - self.last.at > NEW_TOPIC_AFTER.total_seconds():
            self.begun_at = message.at
        self.last = message
        self.total += 1
        self.trailing = 0 if message.ours else self.trailing + 1


def summarize(history: History) -> dict[int, Summary]:
    """Aggregate the messages by contact index."""
    summaries: dict[int, Summary] = {}
    for message in history:
        summary = summaries.get(message.person)
        if summary is None:
            summaries[message.person] = Summary(message)
        else:
            summary.add(message)
    return summaries


class Rows:
    """Generator of the rows of one history. Contacts and conversations have fixed ids, by contact index."""

    def __init__(self, shop: Shop, history: History) -> None:
        self.shop = shop
        self.history = history
        self.contact_ids = [uuid7() for _ in range(history.people)]
        self.conversation_ids = [uuid7() for _ in range(history.people)]
        self.summaries = summarize(history)
        self._closed: list[tuple[int, Summary]] = []
        self._urls = [reverse("messaging:media", args=[picture.pk]) for picture in shop.pictures]

    def contacts(self) -> Iterator[tuple[Any, ...]]:
        """Generate the rows of `contacts()`."""
        created_at = self.history.until - timedelta(days=31)
        for index, key in enumerate(self.contact_ids):
            contact, summary = person(index), self.summaries.get(index)
            first = _datetime(summary.first_at) if summary else None
            last = _datetime(summary.last.at) if summary else None
            total = summary.total if summary else 0
            email, country, metadata, out = sorting.profile(index, self.history.until)
            row = (key, self._business, contact.number, contact.name, contact.push_name, first, last, total)
            terms = search_text(
                *searchable_texts(contact.name, contact.push_name, contact.number, email, metadata)
            )
            yield (
                *row,
                first or created_at,
                last or created_at,
                email,
                country,
                json.dumps(metadata),
                out,
                terms,
            )

    def identities(self) -> Iterator[tuple[Any, ...]]:
        """Generate the rows of `identities()`."""
        now = self.history.until
        for index, key in enumerate(self.contact_ids):
            contact = person(index)
            named = ("phone", phone.canonical(contact.number)) if contact.number else ("lid", contact.lid)
            yield (uuid7(), self._business, key, *named, now, now)

    def conversations(self) -> Iterator[tuple[Any, ...]]:
        """Generate the rows of `conversations()`, one for each contact with messages."""
        chance = random.Random(self.history.seed)  # noqa: S311 (scenery, not secrets)
        fresh = (self.history.until - FRESH).timestamp()
        newest = max(
            (summary.last.at for summary in self.summaries.values() if summary.trailing), default=fresh
        )
        connection = self.shop.connection.pk
        for index, summary in sorted(self.summaries.items()):
            last = summary.last
            may_be_unread = last.at == newest or (last.at > fresh and chance.random() < 0.7)
            unread = summary.trailing if may_be_unread else 0
            closed = not unread and chance.random() < 0.4
            if closed:
                self._closed.append((index, summary))
            assigned = chance.choice(self.shop.team).pk if chance.random() < 0.5 else None
            yield (
                *(self.conversation_ids[index], self._business, self.contact_ids[index], connection),
                *("closed" if closed else "open", assigned, _datetime(last.at), last.id),
                *(conversation_summary.line(last.text), "image" if last.picture >= 0 else "text"),
                *("outbound" if last.ours else "inbound", last.status, unread),
                *(None if unread else _datetime(last.at), _datetime(summary.first_at), _datetime(last.at)),
            )

    def closings(self) -> Iterator[tuple[Any, ...]]:
        """Generate the rows of `closings()`, for the closed rows that `conversations` has generated before."""
        latest = self.history.until.timestamp()
        for index, summary in self._closed:
            actor = self.shop.team[summary.last.sender].pk
            at = min(summary.last.at + CLOSED_AFTER.total_seconds(), latest)
            yield (
                *(uuid7(), self._business, self.conversation_ids[index], "closed", actor),
                *(_datetime(summary.begun_at), _datetime(at)),
            )

    def messages(self) -> Iterator[tuple[Any, ...]]:
        """Generate the rows of `messages()`, in order of time."""
        business, connection = self._business, self.shop.connection.pk
        team = [user.pk for user in self.shop.team]
        for message in self.history:
            at = _datetime(message.at)
            keys = (
                message.id,
                business,
                self.contact_ids[message.person],
                self.conversation_ids[message.person],
                connection,
            )
            yield (*keys, *self._content(message), at, at, *_delivery_columns(message, at, team))

    def _content(self, message: Utterance) -> tuple[Any, ...]:
        terms = search_text(message.text)
        wa_id = ("3EB0" if message.ours else "3A") + message.id.hex.upper()[:18] + message.id.hex.upper()[-6:]
        direction = "outbound" if message.ours else "inbound"
        if message.picture < 0 or not self.shop.pictures:
            return (wa_id, direction, "text", message.text, terms, None, "")
        return (
            wa_id,
            direction,
            "image",
            message.text,
            terms,
            self.shop.pictures[message.picture].pk,
            self._urls[message.picture],
        )

    @property
    def _business(self) -> UUID:
        return self.shop.business.pk


def _delivery_columns(message: Utterance, at: datetime, team: list[UUID]) -> tuple[Any, ...]:
    """Return status, origin, sender, attempts, times of status changes, and the error of a failure."""
    if not message.ours:
        return ("received", "customer", None, 0, None, None, None, "", "")
    sender = team[message.sender]
    if message.status == "failed":
        reason = "The simulated WhatsApp refused this message."
        return ("failed", "inbox", sender, 1, None, None, None, "refused", reason)
    sent = at + timedelta(seconds=1)
    delivered = at + timedelta(seconds=3) if message.status != "sent" else None
    read = max(_datetime(message.read_at), at + timedelta(seconds=3)) if message.read_at is not None else None
    return (message.status, "inbox", sender, 1, sent, delivered, read, "", "")


def _datetime(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _table(model: Any, columns: Iterable[str]) -> Table:
    return Table(model, [column for part in columns for column in part.split()])


def contacts() -> Table:
    names = "first_message_at last_message_at total_messages created_at updated_at"
    more = "email country metadata opted_out_at search_text"
    return _table(Contact, ["id business_profile_id phone_number name push_name", names, more])


def identities() -> Table:
    return _table(ContactIdentity, ["id business_profile_id contact_id kind value created_at updated_at"])


def conversations() -> Table:
    return _table(
        Conversation,
        [
            "id business_profile_id contact_id connection_id state assigned_to_id last_message_at last_message_id",
            "preview preview_type preview_direction preview_status unread_count last_read_at created_at updated_at",
        ],
    )


def closings() -> Table:
    return _table(
        ConversationEvent, ["id business_profile_id conversation_id kind actor_id begun_at created_at"]
    )


def messages() -> Table:
    return _table(
        Message,
        [
            "id business_profile_id contact_id conversation_id connection_id whatsapp_message_id direction",
            "message_type content search_text media_id media_url created_at updated_at status origin sender_id",
            "attempts sent_at delivered_at read_at error_code error_message",
        ],
    )

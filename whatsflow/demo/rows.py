"""The rows of the demo's contacts, conversations and messages, as `Table` writes them."""

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
from whatsflow.demo.history import History, Said
from whatsflow.demo.people import person
from whatsflow.demo.tables import Table

FRESH = timedelta(hours=30)
"""What customers wrote within this time may still be unread; the newest is, also after a quiet weekend."""
ANOTHER_MATTER = timedelta(hours=6)
"""Who writes after so long has something new to say."""
CLOSED_AFTER = timedelta(minutes=12)


@dataclass(frozen=True)
class Shop:
    """Whose rows they are. team: who answers; the first owns the business. pictures: in the order of their numbers."""

    business: BusinessProfile
    connection: WhatsAppConnection
    team: list[User]
    pictures: list[MediaFile]


class Tail:
    """What a contact and their conversation tell of their messages. begun_at: of what was talked about last."""

    __slots__ = ("begun_at", "first_at", "last", "total", "trailing")

    def __init__(self, said: Said) -> None:
        self.first_at = self.begun_at = said.at
        self.last = said
        self.total = self.trailing = 0
        self.follow(said)

    def follow(self, said: Said) -> None:
        """One message more. trailing: how many the customer has written since we last did."""
        if self.total and not said.ours and said.at - self.last.at > ANOTHER_MATTER.total_seconds():
            self.begun_at = said.at
        self.last = said
        self.total += 1
        self.trailing = 0 if said.ours else self.trailing + 1


def tails(history: History) -> dict[int, Tail]:
    """The end of each person's history."""
    ends: dict[int, Tail] = {}
    for said in history:
        end = ends.get(said.person)
        if end is None:
            ends[said.person] = Tail(said)
        else:
            end.follow(said)
    return ends


class Rows:
    """Makes the rows of one history. Keys of contacts and conversations are made once, in the order of people."""

    def __init__(self, shop: Shop, history: History) -> None:
        self.shop = shop
        self.history = history
        self.contact_ids = [uuid7() for _ in range(history.people)]
        self.conversation_ids = [uuid7() for _ in range(history.people)]
        self.ends = tails(history)
        self._closed: list[tuple[int, Tail]] = []
        self._urls = [reverse("messaging:media", args=[picture.pk]) for picture in shop.pictures]

    def contacts(self) -> Iterator[tuple[Any, ...]]:
        """One row of CONTACTS for each person."""
        made = self.history.until - timedelta(days=31)
        for index, key in enumerate(self.contact_ids):
            who, end = person(index), self.ends.get(index)
            first = _moment(end.first_at) if end else None
            last = _moment(end.last.at) if end else None
            total = end.total if end else 0
            email, country, metadata, out = sorting.profile(index, self.history.until)
            row = (key, self._business, who.number, who.name, who.push_name, first, last, total)
            terms = search_text(*searchable_texts(who.name, who.push_name, who.number, email, metadata))
            yield (*row, first or made, last or made, email, country, json.dumps(metadata), out, terms)

    def identities(self) -> Iterator[tuple[Any, ...]]:
        """One row of IDENTITIES for each person."""
        now = self.history.until
        for index, key in enumerate(self.contact_ids):
            who = person(index)
            named = ("phone", phone.canonical(who.number)) if who.number else ("lid", who.lid)
            yield (uuid7(), self._business, key, *named, now, now)

    def conversations(self) -> Iterator[tuple[Any, ...]]:
        """One row of CONVERSATIONS for each person who said something."""
        chance = random.Random(self.history.seed)  # noqa: S311 (scenery, not secrets)
        fresh = (self.history.until - FRESH).timestamp()
        newest = max((end.last.at for end in self.ends.values() if end.trailing), default=fresh)
        connection = self.shop.connection.pk
        for index, end in sorted(self.ends.items()):
            last = end.last
            waits = last.at == newest or (last.at > fresh and chance.random() < 0.7)
            unread = end.trailing if waits else 0
            closed = not unread and chance.random() < 0.4
            if closed:
                self._closed.append((index, end))
            assigned = chance.choice(self.shop.team).pk if chance.random() < 0.5 else None
            yield (
                *(self.conversation_ids[index], self._business, self.contact_ids[index], connection),
                *("closed" if closed else "open", assigned, _moment(last.at), last.id),
                *(conversation_summary.line(last.text), "image" if last.picture >= 0 else "text"),
                *("outbound" if last.ours else "inbound", last.status, unread),
                *(None if unread else _moment(last.at), _moment(end.first_at), _moment(last.at)),
            )

    def closings(self) -> Iterator[tuple[Any, ...]]:
        """One row of CLOSINGS for each conversation that `conversations` has made a closed one."""
        latest = self.history.until.timestamp()
        for index, end in self._closed:
            actor = self.shop.team[end.last.sender].pk
            at = min(end.last.at + CLOSED_AFTER.total_seconds(), latest)
            yield (
                *(uuid7(), self._business, self.conversation_ids[index], "closed", actor),
                *(_moment(end.begun_at), _moment(at)),
            )

    def messages(self) -> Iterator[tuple[Any, ...]]:
        """One row of MESSAGES for each message, in the order of time."""
        business, connection = self._business, self.shop.connection.pk
        team = [user.pk for user in self.shop.team]
        for said in self.history:
            at = _moment(said.at)
            keys = (
                said.id,
                business,
                self.contact_ids[said.person],
                self.conversation_ids[said.person],
                connection,
            )
            yield (*keys, *self._content(said), at, at, *_course(said, at, team))

    def _content(self, said: Said) -> tuple[Any, ...]:
        terms = search_text(said.text)
        wa_id = ("3EB0" if said.ours else "3A") + said.id.hex.upper()[:18] + said.id.hex.upper()[-6:]
        direction = "outbound" if said.ours else "inbound"
        if said.picture < 0 or not self.shop.pictures:
            return (wa_id, direction, "text", said.text, terms, None, "")
        return (
            wa_id,
            direction,
            "image",
            said.text,
            terms,
            self.shop.pictures[said.picture].pk,
            self._urls[said.picture],
        )

    @property
    def _business(self) -> UUID:
        return self.shop.business.pk


def _course(said: Said, at: datetime, team: list[UUID]) -> tuple[Any, ...]:
    """Status, origin, sender, the times of what happened to it, and the reason of a failure."""
    if not said.ours:
        return ("received", "customer", None, 0, None, None, None, "", "")
    sender = team[said.sender]
    if said.status == "failed":
        reason = "The simulated WhatsApp refused this message."
        return ("failed", "inbox", sender, 1, None, None, None, "refused", reason)
    sent = at + timedelta(seconds=1)
    delivered = at + timedelta(seconds=3) if said.status != "sent" else None
    read = max(_moment(said.read_at), at + timedelta(seconds=3)) if said.read_at is not None else None
    return (said.status, "inbox", sender, 1, sent, delivered, read, "", "")


def _moment(seconds: float) -> datetime:
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

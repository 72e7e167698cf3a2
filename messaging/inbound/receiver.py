"""Store a batch of driver events: one transaction and a handful of statements, whatever its size.

An event that comes twice changes nothing; one that first came without its content is filled in; what was typed on the
phone appears as a message of ours. Order of work: numbers' and people's names, then known messages, then new ones, then
receipts, then what lists and contacts show.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.dateparse import parse_datetime

from connections import leases
from connections.drivers.base import (
    Ack,
    Chat,
    Edited,
    Event,
    Identified,
    InboundMessage,
    MessageKind,
    Revoked,
    Skipped,
    Typing,
)
from connections.drivers.event_serialization import unstorable_reason
from connections.models import WhatsAppConnection
from connections.ports import Lease
from connections.services import unstored_events
from contacts.services import contacts, identities
from contacts.services.identities import Person
from core.clock import now
from core.db import bulk
from core.db.models import is_postgres
from core.events import Event as DomainEvent
from core.events import publish
from messaging.events import CustomerTyping, MessageAdded, MessageReceived, MessageStatusChanged
from messaging.inbound import changes, media_jobs
from messaging.media import media_files
from messaging.models import Conversation, MediaFile, Message
from messaging.outbox import acks, new_chat_limit, states
from messaging.services import conversation_summary

LIVE = timedelta(seconds=60)
"""A message whose WhatsApp time is this close to our clock arrived live and takes its place at the end of the chat."""
CURSOR = "newest_at"
"""Key in the number's inbound_cursor: WhatsApp's time of the newest message stored."""


def receive(lease: Lease, events: Sequence[Event]) -> int:
    """Store a batch. Returns how many messages are new. Raises LeaseLost and what the database says of itself.

    An event that cannot be stored, even alone, is set aside; the others are stored.
    """
    flawed = [(event, flaw) for event in events if (flaw := unstorable_reason(event))]
    if flawed:
        unstored_events.set_aside(lease, flawed)
        events = [event for event in events if not unstorable_reason(event)]
    return _receive(lease, events) if events else 0


def receive_again(connection_id: UUID, events: Sequence[Event]) -> None:
    """Store events that were set aside, with or without a runner. Raises what keeps them from being stored."""
    with transaction.atomic():
        _store_batch(leases.hold(connection_id), events)


def _receive(lease: Lease, events: Sequence[Event], *, alone: bool = False) -> int:
    """Store events in one transaction; halve them if that fails because of one, until it stands alone.

    alone: the event has failed before; when it fails again it is set aside.
    """
    try:
        with transaction.atomic():
            return _store_batch(leases.guard(lease), events)
    except Exception as error:
        if not unstored_events.is_verdict(error):
            raise
        if alone:
            unstored_events.set_aside(lease, [(events[0], type(error).__name__)])
            return 0
    middle = len(events) // 2
    halves = [half for half in (events[:middle], events[middle:]) if half]
    return sum(_receive(lease, half, alone=len(half) == 1) for half in halves)


def _store_batch(connection: WhatsAppConnection, events: Sequence[Event]) -> int:
    """Store events, inside the transaction that holds the number's row. Returns how many messages are new."""
    batch = _Batch.of(connection, events)
    people = batch.people()
    who = identities.resolve(connection.business_profile_id, people) if people else {}
    fresh = _store(batch, who) if batch.messages else []
    acks.apply(connection, batch.acks, {wa_id: row.id for wa_id, row in batch.known.items()})
    changes.apply(connection, batch.changes)
    _typing(connection, batch.typing)
    _count(connection, batch)
    return len(fresh)


@dataclass(frozen=True)
class _Known:
    """What we have of a message already."""

    id: UUID
    body_pending: bool


@dataclass
class _Batch:
    """Events by kind, each message once."""

    connection: WhatsAppConnection
    messages: dict[str, InboundMessage] = field(default_factory=dict)
    acks: list[Ack] = field(default_factory=list)
    identified: list[Identified] = field(default_factory=list)
    changes: list[changes.Change] = field(default_factory=list)
    typing: dict[Chat, bool] = field(default_factory=dict)
    skipped: int = 0
    known: dict[str, _Known] = field(default_factory=dict)

    @classmethod
    def of(cls, connection: WhatsAppConnection, events: Sequence[Event]) -> _Batch:
        """Sort the events and look up, in one query, which messages we have."""
        batch = cls(connection)
        for event in events:
            match event:
                case InboundMessage(kind=MessageKind.REACTION):
                    batch.react(event)
                case InboundMessage():
                    known = batch.messages.get(event.wa_id)
                    batch.messages[event.wa_id] = _together(known, event) if known else event
                case Ack():
                    batch.acks.append(event)
                case Identified():
                    batch.identified.append(event)
                case Edited() | Revoked():
                    batch.changes.append(changes.Change.of(event))
                case Typing(chat, active):
                    batch.typing[chat] = active
                case Skipped():
                    batch.skipped += 1
        batch.look_up({*batch.messages, *(ack.wa_id for ack in batch.acks)})
        batch.acks += _acks_told_by_messages(batch)
        return batch

    def react(self, event: InboundMessage) -> None:
        """A reaction is a message for the record and changes the one that it is on; taking it back only does that."""
        change = changes.Change.of(event)
        if change.wa_id and event.body is not None:
            self.changes.append(change)
        if change.body:
            self.messages[event.wa_id] = replace(event, body=change.body)

    def look_up(self, wa_ids: set[str]) -> None:
        if wa_ids:
            found = _known_on_postgres if is_postgres() else _known_on_sqlite
            self.known |= {wa_id: _Known(*row) for wa_id, *row in found(self.connection.pk, wa_ids)}

    def people(self) -> list[Person]:
        """Everybody whose contact is needed: writers of new messages, and those whose names WhatsApp connected."""
        writers = {
            _person(message): None for wa_id, message in self.messages.items() if wa_id not in self.known
        }
        return [*writers, *(Person(phone=one.phone, lid=one.lid) for one in self.identified)]


def _known_on_postgres(connection_id: UUID, wa_ids: Collection[str]) -> list[tuple[Any, ...]]:
    """(WhatsApp's id, ours, whether the content is still to come) of those that we have.

    One by one by the index, whatever is known of the table: of a number that is new since it was analysed PostgreSQL
    expects one message, and would read all that it has by now, with every batch.
    """
    return bulk.fetch_prepared(_KNOWN, [list(wa_ids), connection_id])


_KNOWN = """
SELECT w.wa_id, m.id, m.body_pending FROM unnest(%s::text[]) AS w(wa_id)
CROSS JOIN LATERAL (
    SELECT id, body_pending FROM messages WHERE connection_id = %s AND whatsapp_message_id = w.wa_id LIMIT 1
) AS m
"""


def _known_on_sqlite(connection_id: UUID, wa_ids: Collection[str]) -> Iterable[tuple[Any, ...]]:
    rows = Message.objects.filter(connection=connection_id, whatsapp_message_id__in=wa_ids)
    return rows.values_list("whatsapp_message_id", "id", "body_pending")


def _together(one: InboundMessage, other: InboundMessage) -> InboundMessage:
    """Two tellings of one message: the one with the content counts, earliest time, highest receipt."""
    fuller, lesser = (one, other) if one.body is not None or other.body is None else (other, one)
    return replace(
        fuller,
        at=min(one.at, other.at),
        media=fuller.media or lesser.media,
        push_name=fuller.push_name or lesser.push_name,
        ack=max((ack for ack in (one.ack, other.ack) if ack is not None), default=None),
        backfilled=one.backfilled and other.backfilled,
    )


def _acks_told_by_messages(batch: _Batch) -> list[Ack]:
    """A message of ours that comes again carries its receipt."""
    return [
        Ack(wa_id, message.ack, message.at)
        for wa_id, message in batch.messages.items()
        if message.from_me and message.ack is not None and wa_id in batch.known
    ]


def _person(message: InboundMessage) -> Person:
    name = "" if message.from_me else message.push_name
    return Person(phone=message.chat.phone, lid=message.chat.lid, push_name=name)


def _store(batch: _Batch, who: dict[Person, UUID]) -> list[Message]:
    """Fill in what was known without content, add what is new; returns the new rows."""
    _fill(batch)
    new = sorted(
        (message for wa_id, message in batch.messages.items() if wa_id not in batch.known),
        key=lambda message: message.at,
    )
    if not new:
        return []
    contact_of = {message.wa_id: who[_person(message)] for message in new}
    conversations = _conversations(batch.connection, set(contact_of.values()))
    early = _early_receipts(batch, new)
    rows = []
    for message in new:
        row = _row(
            batch.connection, message, conversations[contact_of[message.wa_id]], contact_of[message.wa_id]
        )
        _give_status(row, message, early.get(message.wa_id, []))
        rows.append(row)
    reacted = changes.settle(batch.connection, rows)
    files = [row.media for row in rows if row.media]
    if files:
        MediaFile.objects.bulk_create(files)
    bulk.insert(rows)
    new_chat_limit.release(batch.connection, {row.conversation_id for row in rows if not row.is_outbound})
    _show(rows)
    conversation_summary.refresh(reacted)
    publish(*(_event(row) for row in rows if not row.body_pending), *_statuses(rows))
    return rows


def _conversations(connection: WhatsAppConnection, contact_ids: set[UUID]) -> dict[UUID, UUID]:
    """Conversation of each contact, made if missing. A page may make one at the same time: the row decides."""
    rows = Conversation.objects.filter(connection=connection, contact_id__in=contact_ids)
    found = dict(rows.values_list("contact_id", "id"))
    missing = contact_ids - found.keys()
    if missing:
        Conversation.objects.bulk_create(
            [
                Conversation(
                    business_profile_id=connection.business_profile_id, connection=connection, contact_id=key
                )
                for key in sorted(missing)
            ],
            ignore_conflicts=True,
        )
        found = dict(rows.all().values_list("contact_id", "id"))
    return found


def _early_receipts(batch: _Batch, new: Sequence[InboundMessage]) -> dict[str, list[Ack]]:
    """The receipts of each new message of ours: parked earlier, or in this very batch."""
    ours = {message.wa_id for message in new if message.from_me}
    here = [ack for ack in batch.acks if ack.wa_id in ours]
    batch.acks = [ack for ack in batch.acks if ack.wa_id not in ours]
    return acks.by_message([*here, *acks.unpark(batch.connection, sorted(ours))])


def _row(
    connection: WhatsAppConnection, message: InboundMessage, conversation_id: UUID, contact_id: UUID
) -> Message:
    own = message.from_me
    file = (
        media_jobs.wanted(connection.business_profile_id, connection.pk, message) if message.media else None
    )
    return Message(
        business_profile_id=connection.business_profile_id,
        contact_id=contact_id,
        conversation_id=conversation_id,
        connection=connection,
        whatsapp_message_id=message.wa_id,
        direction=Message.Direction.OUTBOUND if own else Message.Direction.INBOUND,
        message_type=message.kind,
        content=message.body or "",
        media=file,
        media_url=media_files.url_of(file) if file else "",
        status=Message.Status.SENT if own else Message.Status.RECEIVED,
        origin=Message.Origin.PHONE if own else Message.Origin.CUSTOMER,
        metadata=message.extra,
        created_at=_place(message.at),
        reply_to_wa_id=message.quoted_wa_id,
        backfilled=message.backfilled,
        body_pending=message.body is None,
        sent_at=message.at if own else None,
    )


def _place(at: datetime) -> datetime:
    """Where a message belongs in its chat: live ones at the end, by our clock; late ones where WhatsApp says."""
    moment = now()
    return moment if abs(moment - at) <= LIVE or at > moment else at


def _give_status(row: Message, message: InboundMessage, told: Sequence[Ack]) -> None:
    """Raise a message of ours, typed on the phone, to the highest receipt known of it."""
    if not message.from_me:
        return
    own = [] if message.ack is None else [Ack(message.wa_id, message.ack, message.at)]
    proven = acks.receipts([*own, *told])
    row.status = max((row.status, *(status for status, _ in proven)), key=lambda status: states.RANK[status])
    times = acks.Times.of(proven)
    row.delivered_at, row.read_at = times.delivered_at, times.read_at


def _event(row: Message) -> DomainEvent:
    common = {
        "business_id": row.business_profile_id,
        "message_id": row.pk,
        "conversation_id": row.conversation_id,
        "contact_id": row.contact_id,
        "connection_id": row.connection_id,
    }
    if row.is_outbound:
        return MessageAdded(**common, origin=row.origin)
    return MessageReceived(**common, backfilled=row.backfilled)


def _statuses(rows: Iterable[Message]) -> Iterator[MessageStatusChanged]:
    """What of ours had got further than sent when we heard of it."""
    for row in rows:
        if row.is_outbound and row.status != Message.Status.SENT:
            yield MessageStatusChanged(
                business_id=row.business_profile_id,
                message_id=row.pk,
                conversation_id=row.conversation_id,
                connection_id=row.connection_id,
                status=row.status,
                passed=states.passed(Message.Status.SENT, row.status),
            )


def _fill(batch: _Batch) -> None:
    """Content that has come at last, for messages known by their id only. They count as received now."""
    full = {
        batch.known[wa_id].id: message
        for wa_id, message in batch.messages.items()
        if wa_id in batch.known and batch.known[wa_id].body_pending and message.body is not None
    }
    if not full:
        return
    rows = list(Message.objects.filter(pk__in=full))
    for row in rows:
        _fill_row(row, full[row.pk])
    reacted = changes.settle(batch.connection, rows)
    MediaFile.objects.bulk_create([row.media for row in rows if row.media])
    columns = ["content", "message_type", "media", "media_url", "reply_to_wa_id", "metadata", "body_pending"]
    Message.objects.bulk_update(rows, columns)
    conversation_summary.rewrite(rows)
    conversation_summary.refresh(reacted)
    publish(*(_event(row) for row in rows))


def _fill_row(row: Message, message: InboundMessage) -> None:
    row.content = message.body or ""
    row.message_type = message.kind
    row.media = (
        media_jobs.wanted(row.business_profile_id, row.connection_id, message) if message.media else None
    )
    row.media_url = media_files.url_of(row.media) if row.media else ""
    row.reply_to_wa_id = message.quoted_wa_id
    row.metadata = message.extra
    row.body_pending = False


def _show(rows: Sequence[Message]) -> None:
    """Lists and contacts' counters, one statement each."""
    by_conversation: dict[UUID, list[Message]] = defaultdict(list)
    by_contact: dict[UUID, list[datetime]] = defaultdict(list)
    for row in rows:
        by_conversation[row.conversation_id].append(row)
        by_contact[row.contact_id].append(row.created_at)
    conversation_summary.show_all(_summary(some) for some in by_conversation.values())
    contacts.count_messages(
        contacts.Talked(key, len(times), min(times), max(times)) for key, times in by_contact.items()
    )


def _summary(rows: Iterable[Message]) -> tuple[object, ...]:
    """What new messages of one conversation change in the list. An answer leaves nothing before it unread."""
    unread, answered, reopen = 0, False, False
    ordered = sorted(rows, key=lambda row: (row.created_at, row.pk))
    for row in ordered:
        if row.is_outbound:
            unread, answered = 0, True
        elif row.message_type != MessageKind.REACTION:
            unread, reopen = unread + 1, True
    return conversation_summary.columns(ordered[-1], unread=unread, answered=answered, reopen=reopen)


def _typing(connection: WhatsAppConnection, typing: dict[Chat, bool]) -> None:
    """Tell who watches. People we do not know may type for themselves."""
    if not typing:
        return
    people = {Person(phone=chat.phone, lid=chat.lid): active for chat, active in typing.items()}
    who = identities.find(connection.business_profile_id, people)
    rows = Conversation.objects.filter(connection=connection, contact_id__in=set(who.values()))
    places = dict(rows.values_list("contact_id", "id"))
    publish(
        *(
            CustomerTyping(
                business_id=connection.business_profile_id,
                conversation_id=places[who[person]],
                active=active,
            )
            for person, active in people.items()
            if person in who and who[person] in places
        )
    )


def _count(connection: WhatsAppConnection, batch: _Batch) -> None:
    """What the number's page shows, and the time from which a gap will be looked for; one statement if it changed."""
    changed = []
    if batch.skipped:
        connection.skipped_count += batch.skipped
        changed.append("skipped_count")
    newest = min(max((message.at for message in batch.messages.values()), default=None) or now(), now())
    known = newest_message_at(connection)
    if batch.messages and (known is None or newest > known):
        connection.inbound_cursor = {**connection.inbound_cursor, CURSOR: newest.isoformat()}
        changed.append("inbound_cursor")
    if changed:
        connection.save(update_fields=changed)


def newest_message_at(connection: WhatsAppConnection) -> datetime | None:
    """WhatsApp's time of the newest message stored for this number."""
    text = connection.inbound_cursor.get(CURSOR)
    return parse_datetime(text) if text else None

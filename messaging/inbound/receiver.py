"""Store a batch of driver events in one transaction and a handful of statements.

Repeated events change nothing; a message that first came without its content is filled in; one typed on the phone is
stored as outbound. Order of work: contacts, known messages, new messages, receipts and changes, then summaries.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils.dateparse import parse_datetime

from connections import leases
from connections.drivers.base import Ack, Chat, Event, InboundMessage, MessageKind
from connections.drivers.event_serialization import unstorable_reason
from connections.leases import Lease
from connections.models import WhatsAppConnection
from connections.services import unstored_events
from contacts.services import contacts, identities
from contacts.services.identities import Person
from core.clock import now
from core.db import bulk
from core.events import Event as DomainEvent
from core.events import publish
from messaging.events import CustomerTyping, MessageAdded, MessageReceived, MessageStatusChanged
from messaging.inbound import changes, media_jobs
from messaging.inbound.batch import Batch, sender_of
from messaging.media import media_files
from messaging.models import Conversation, MediaFile, Message
from messaging.outbox import acks, new_chat_limit, states
from messaging.services import conversation_summary

LIVE = timedelta(seconds=60)
"""A message whose WhatsApp time is this close to our clock is live and goes to the end of its conversation."""
CURSOR = "newest_at"
"""Key in the number's inbound_cursor: WhatsApp's time of the newest message stored."""


def receive(lease: Lease, events: Sequence[Event]) -> int:
    """Store a batch.

    Returns the number of new messages. Raises LeaseLost and errors of the database itself. An event that cannot be
    stored, even alone, is set aside; the others are stored.
    """
    flawed = [(event, flaw) for event in events if (flaw := unstorable_reason(event))]
    if flawed:
        unstored_events.set_aside(lease, flawed)
        events = [event for event in events if not unstorable_reason(event)]
    return _receive(lease, events) if events else 0


def receive_again(connection_id: UUID, events: Sequence[Event]) -> None:
    """Store events that were set aside, with or without a runner.

    Raises the reason why they cannot be stored.
    """
    with transaction.atomic():
        _store_batch(leases.hold(connection_id), events)


def _receive(lease: Lease, events: Sequence[Event], *, alone: bool = False) -> int:
    """Store events in one transaction.

    If one of them makes it fail, retry in halves until it is alone. alone: the event has failed before; if it fails
    again it is set aside.
    """
    try:
        with transaction.atomic():
            return _store_batch(leases.guard(lease), events)
    except Exception as error:
        if not unstored_events.is_event_error(error):
            raise
        if alone:
            unstored_events.set_aside(lease, [(events[0], type(error).__name__)])
            return 0
    middle = len(events) // 2
    halves = [half for half in (events[:middle], events[middle:]) if half]
    return sum(_receive(lease, half, alone=len(half) == 1) for half in halves)


def _store_batch(connection: WhatsAppConnection, events: Sequence[Event]) -> int:
    """Store events inside the transaction that holds the number's row.

    Returns the number of new messages.
    """
    batch = Batch.of(connection, events)
    people = batch.people()
    contact_ids = identities.resolve(connection.business_profile_id, people) if people else {}
    new_rows = _store_messages(batch, contact_ids) if batch.messages else []
    acks.apply(connection, batch.acks, {wa_id: row.id for wa_id, row in batch.known.items()})
    changes.apply(connection, batch.changes)
    _publish_typing(connection, batch.typing)
    _update_cursor(connection, batch)
    return len(new_rows)


def _store_messages(batch: Batch, contact_ids: dict[Person, UUID]) -> list[Message]:
    """Fill in messages stored without content and insert new ones.

    Returns the new rows.
    """
    _fill(batch)
    new = sorted(
        (message for wa_id, message in batch.messages.items() if wa_id not in batch.known),
        key=lambda message: message.at,
    )
    if not new:
        return []
    contact_of = {message.wa_id: contact_ids[sender_of(message)] for message in new}
    conversations = _ensure_conversations(batch.connection, set(contact_of.values()))
    early = _early_receipts(batch, new)
    rows = []
    for message in new:
        contact_id = contact_of[message.wa_id]
        row = _row(batch.connection, message, conversations[contact_id], contact_id)
        _apply_receipts(row, message, early.get(message.wa_id, []))
        rows.append(row)
    reacted = changes.settle(batch.connection, rows)
    files = [row.media for row in rows if row.media]
    if files:
        MediaFile.objects.bulk_create(files)
    bulk.insert(rows)
    new_chat_limit.lift(batch.connection, {row.conversation_id for row in rows if not row.is_outbound})
    _update_summaries(rows)
    conversation_summary.refresh(reacted)
    publish(*(_event(row) for row in rows if not row.body_pending), *_status_events(rows))
    return rows


def _ensure_conversations(connection: WhatsAppConnection, contact_ids: set[UUID]) -> dict[UUID, UUID]:
    """Return the conversation id of each contact, created if missing.

    Safe against a concurrent creation.
    """
    rows = Conversation.objects.filter(connection=connection, contact_id__in=contact_ids)
    conversation_ids = dict(rows.values_list("contact_id", "id"))
    missing = contact_ids - conversation_ids.keys()
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
        conversation_ids = dict(rows.all().values_list("contact_id", "id"))
    return conversation_ids


def _early_receipts(batch: Batch, new: Sequence[InboundMessage]) -> dict[str, list[Ack]]:
    """Take the receipts of new outbound messages out of the batch and those parked."""
    wa_ids = {message.wa_id for message in new if message.from_me}
    here = [ack for ack in batch.acks if ack.wa_id in wa_ids]
    batch.acks = [ack for ack in batch.acks if ack.wa_id not in wa_ids]
    return acks.by_message([*here, *acks.unpark(batch.connection, sorted(wa_ids))])


def _row(
    connection: WhatsAppConnection, message: InboundMessage, conversation_id: UUID, contact_id: UUID
) -> Message:
    own = message.from_me
    file = (
        media_jobs.new_file(connection.business_profile_id, connection.pk, message) if message.media else None
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
        created_at=_time_in_chat(message.at),
        reply_to_wa_id=message.quoted_wa_id,
        backfilled=message.backfilled,
        body_pending=message.body is None,
        sent_at=message.at if own else None,
    )


def _time_in_chat(at: datetime) -> datetime:
    """Return the time that orders a message.

    Our clock for a live one, WhatsApp's for a late one.
    """
    moment = now()
    return moment if abs(moment - at) <= LIVE or at > moment else at


def _apply_receipts(row: Message, message: InboundMessage, early: Sequence[Ack]) -> None:
    """Raise a message typed on the phone to its highest known receipt.

    Changes `row` only.
    """
    if not message.from_me:
        return
    own = [] if message.ack is None else [Ack(message.wa_id, message.ack, message.at)]
    proven = acks.proven_statuses([*own, *early])
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


def _status_events(rows: Iterable[Message]) -> Iterator[MessageStatusChanged]:
    """Yield events for outbound messages stored with a status higher than sent."""
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


def _fill(batch: Batch) -> None:
    """Fill in messages that were stored by id only. Publishes them as received."""
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
    conversation_summary.update_previews(rows)
    conversation_summary.refresh(reacted)
    publish(*(_event(row) for row in rows))


def _fill_row(row: Message, message: InboundMessage) -> None:
    row.content = message.body or ""
    row.message_type = message.kind
    row.media = (
        media_jobs.new_file(row.business_profile_id, row.connection_id, message) if message.media else None
    )
    row.media_url = media_files.url_of(row.media) if row.media else ""
    row.reply_to_wa_id = message.quoted_wa_id
    row.metadata = message.extra
    row.body_pending = False


def _update_summaries(rows: Sequence[Message]) -> None:
    """Update conversations and contacts' counters. One statement each."""
    by_conversation: dict[UUID, list[Message]] = defaultdict(list)
    by_contact: dict[UUID, list[datetime]] = defaultdict(list)
    for row in rows:
        by_conversation[row.conversation_id].append(row)
        by_contact[row.contact_id].append(row.created_at)
    conversation_summary.update_all(_summary(group) for group in by_conversation.values())
    contacts.count_messages(
        contacts.MessageCount(key, len(times), min(times), max(times)) for key, times in by_contact.items()
    )


def _summary(rows: Iterable[Message]) -> tuple[object, ...]:
    """Build the summary row of one conversation.

    An outbound message marks everything before it as read.
    """
    unread, answered, reopen = 0, False, False
    ordered = sorted(rows, key=lambda row: (row.created_at, row.pk))
    for row in ordered:
        if row.is_outbound:
            unread, answered = 0, True
        elif row.message_type != MessageKind.REACTION:
            unread, reopen = unread + 1, True
    return conversation_summary.row_for(ordered[-1], unread=unread, answered=answered, reopen=reopen)


def _publish_typing(connection: WhatsAppConnection, typing: dict[Chat, bool]) -> None:
    """Publish who is typing in conversations that exist."""
    if not typing:
        return
    people = {Person(phone=chat.phone, lid=chat.lid): active for chat, active in typing.items()}
    contact_ids = identities.find(connection.business_profile_id, people)
    rows = Conversation.objects.filter(connection=connection, contact_id__in=set(contact_ids.values()))
    conversation_ids = dict(rows.values_list("contact_id", "id"))
    publish(
        *(
            CustomerTyping(
                business_id=connection.business_profile_id,
                conversation_id=conversation_ids[contact_ids[person]],
                active=active,
            )
            for person, active in people.items()
            if person in contact_ids and contact_ids[person] in conversation_ids
        )
    )


def _update_cursor(connection: WhatsAppConnection, batch: Batch) -> None:
    """Count skipped events and move the number's cursor, from which gaps are searched.

    One statement if changed.
    """
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
    """Return WhatsApp's time of the newest message stored for this number."""
    text = connection.inbound_cursor.get(CURSOR)
    return parse_datetime(text) if text else None

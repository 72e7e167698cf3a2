"""A batch of driver events, sorted by kind and matched with stored messages."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

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
from connections.models import WhatsAppConnection
from contacts.services.identities import Person
from core.db import bulk
from core.db.models import is_postgres
from messaging.inbound.changes import Change
from messaging.models import Message


@dataclass(frozen=True)
class Known:
    """A message that is stored already."""

    id: UUID
    body_pending: bool


@dataclass
class Batch:
    """Events by kind, each message once. known: stored messages by WhatsApp id."""

    connection: WhatsAppConnection
    messages: dict[str, InboundMessage] = field(default_factory=dict)
    acks: list[Ack] = field(default_factory=list)
    identified: list[Identified] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    typing: dict[Chat, bool] = field(default_factory=dict)
    skipped: int = 0
    known: dict[str, Known] = field(default_factory=dict)

    @classmethod
    def of(cls, connection: WhatsAppConnection, events: Sequence[Event]) -> Batch:
        """Sort the events and look up, in one query, which messages are stored."""
        batch = cls(connection)
        for event in events:
            match event:
                case InboundMessage(kind=MessageKind.REACTION):
                    batch._add_reaction(event)
                case InboundMessage():
                    earlier = batch.messages.get(event.wa_id)
                    batch.messages[event.wa_id] = _merged(earlier, event) if earlier else event
                case Ack():
                    batch.acks.append(event)
                case Identified():
                    batch.identified.append(event)
                case Edited() | Revoked():
                    batch.changes.append(Change.of(event))
                case Typing(chat, active):
                    batch.typing[chat] = active
                case Skipped():
                    batch.skipped += 1
        batch._look_up({*batch.messages, *(ack.wa_id for ack in batch.acks)})
        batch.acks += batch._acks_of_repeated_messages()
        return batch

    def people(self) -> list[Person]:
        """Return those who need a contact.

        Senders of new messages, and people whose identities are reported.
        """
        senders = {
            sender_of(message): None for wa_id, message in self.messages.items() if wa_id not in self.known
        }
        return [*senders, *(Person(phone=event.phone, lid=event.lid) for event in self.identified)]

    def _add_reaction(self, event: InboundMessage) -> None:
        """Add a reaction as a change, and as a message unless it is withdrawn."""
        change = Change.of(event)
        if change.wa_id and event.body is not None:
            self.changes.append(change)
        if change.body:
            self.messages[event.wa_id] = replace(event, body=change.body)

    def _look_up(self, wa_ids: set[str]) -> None:
        if wa_ids:
            find = _known_on_postgres if is_postgres() else _known_on_sqlite
            self.known |= {wa_id: Known(*row) for wa_id, *row in find(self.connection.pk, wa_ids)}

    def _acks_of_repeated_messages(self) -> list[Ack]:
        """Return the receipts that outbound messages carry when they are reported again."""
        return [
            Ack(wa_id, message.ack, message.at)
            for wa_id, message in self.messages.items()
            if message.from_me and message.ack is not None and wa_id in self.known
        ]


def sender_of(message: InboundMessage) -> Person:
    """Return the person of the message's chat, named only by a message of their own."""
    name = "" if message.from_me else message.push_name
    return Person(phone=message.chat.phone, lid=message.chat.lid, push_name=name)


def _merged(first: InboundMessage, second: InboundMessage) -> InboundMessage:
    """Merge two events of one message.

    Content from the one that has it, earliest time, highest receipt.
    """
    fuller, lesser = (first, second) if first.body is not None or second.body is None else (second, first)
    return replace(
        fuller,
        at=min(first.at, second.at),
        media=fuller.media or lesser.media,
        push_name=fuller.push_name or lesser.push_name,
        ack=max((ack for ack in (first.ack, second.ack) if ack is not None), default=None),
        backfilled=first.backfilled and second.backfilled,
    )


def _known_on_postgres(connection_id: UUID, wa_ids: Collection[str]) -> list[tuple[Any, ...]]:
    """Return (WhatsApp id, message id, body_pending) of stored messages.

    Looked up one by one by the index. For a number added since the table was analysed, PostgreSQL expects a single
    message; a plain query would read all of the number's messages with every batch.
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

"""What the tests of messaging share: a lease, events as a driver tells them, and outgoing messages."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from connections import leases
from connections.drivers.base import Ack, AckLevel, Chat, InboundMessage, MessageKind, OutgoingMessage
from connections.leases import Lease
from connections.models import WhatsAppConnection
from core.clock import now
from messaging.models import Conversation, Message
from messaging.outbox import dispatch
from messaging.outbox import queue as outbox
from messaging.outbox.types import Claimed

CARLA = Chat(phone="+9992000000001")


def lease_of(connection: WhatsAppConnection, owner: str = "runner") -> Lease:
    lease = leases.acquire(connection.pk, owner)
    assert lease is not None
    return lease


def hello(
    wa_id: str = "IN1", chat: Chat = CARLA, body: str | None = "Hello", **fields: Any
) -> InboundMessage:
    """A customer's message, as a driver tells of it."""
    fields.setdefault("at", now())
    fields.setdefault("kind", MessageKind.TEXT)
    return InboundMessage(wa_id=wa_id, chat=chat, body=body, **fields)


def ack(wa_id: str, level: AckLevel, at: datetime | None = None) -> Ack:
    return Ack(wa_id, level, at or now())


def queue(conversation: Conversation, text: str = "Hi", **fields: Any) -> Message:
    """A message of ours, waiting."""
    return outbox.enqueue(conversation.business_profile, conversation, text=text, **fields)


def begin_one(lease: Lease, claimed: Claimed, wa_id: str) -> OutgoingMessage | None:
    """Begin one claimed message, under `wa_id` unless it has an id. None: it may not leave."""
    begun = dispatch.begin(lease, [replace(claimed, wa_id=claimed.wa_id or wa_id)])
    return begun[0][1] if begun else None


def begin(lease: Lease, wa_id: str = "OUT1", limit: int = 10) -> str:
    """Claim and begin the next message; its WhatsApp id."""
    (claimed, *_) = dispatch.claim(lease, limit)
    message = begin_one(lease, claimed, wa_id)
    assert message is not None
    return message.wa_id


def ago(**span: float) -> datetime:
    return now() - timedelta(**span)

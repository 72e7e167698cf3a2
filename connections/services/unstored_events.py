"""Events that could not be stored.

They are set aside so that the others of their batch are stored, and can be retried.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from uuid import UUID

import structlog
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import F, Q

from connections import leases
from connections.drivers import event_serialization, registry, sanitizing
from connections.drivers.base import Chat, Event, Identified, Unreadable
from connections.drivers.event_serialization import unstorable_reason
from connections.leases import Lease, LeaseLost
from connections.models import UnstoredEvent, WhatsAppConnection
from connections.ports import messaging
from core.clock import now
from core.ids import first_at
from core.phone import phone

log = structlog.get_logger(__name__)

RETENTION = timedelta(days=30)
MAX_CHARACTERS = 1_000_000
"""Length of the JSON; larger events are counted but cannot be retried."""
MAX_EVENTS = 5000
"""Events of one number; beyond that the oldest are deleted."""
_LIMIT_EXCEEDED = "54"
"""SQLSTATE class of PostgreSQL for exceeded limits, such as a text that is too long for its index."""


class NotStored(Exception):
    """An event cannot be stored on retry. code: the reason."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def is_event_error(error: Exception) -> bool:
    """Return whether an error was caused by the event, not by the database or the lease."""
    if isinstance(error, (DataError, IntegrityError)):
        return True
    if isinstance(error, OperationalError):
        return str(getattr(error.__cause__, "sqlstate", "") or "").startswith(_LIMIT_EXCEEDED)
    return not isinstance(error, (LeaseLost, DatabaseError, InterfaceError, OSError, MemoryError))


def set_aside(lease: Lease, events: Sequence[tuple[Event, str]]) -> None:
    """Save events with the reason why each could not be stored, each event once.

    Raises LeaseLost.
    """
    with transaction.atomic():
        connection = leases.guard(lease)
        rows = {(row.kind, row.key): row for row in (_row(connection, event, why) for event, why in events)}
        UnstoredEvent.objects.bulk_create(
            rows.values(),
            update_conflicts=True,
            unique_fields=["connection", "kind", "key"],
            update_fields=["event", "error", "tried_at", "updated_at"],
        )
        newest = UnstoredEvent.objects.filter(connection=connection).order_by("-created_at", "-id")
        surplus = list(newest.values_list("pk", flat=True)[MAX_EVENTS : MAX_EVENTS + 500])
        if surplus:
            UnstoredEvent.objects.filter(pk__in=surplus).delete()
            log.error("unstored_events_dropped", connection_id=str(connection.pk), events=len(surplus))
    reasons = Counter(f"{row.kind}: {row.error}" for row in rows.values())
    log.error("events_set_aside", connection_id=str(connection.pk), reasons=dict(reasons))


def _row(connection: WhatsAppConnection, event: Event, why: str) -> UnstoredEvent:
    chat = _chat_of(event)
    text = event_serialization.dump(event)
    return UnstoredEvent(
        business_profile_id=connection.business_profile_id,
        connection=connection,
        mode=connection.connection_mode,
        kind=event_serialization.kind_of(event),
        key=event_serialization.fingerprint(event),
        event=text if len(text) <= MAX_CHARACTERS else "",
        error=why[:64],
        phone=phone.canonical(chat.phone) if chat and chat.phone and sanitizing.is_phone(chat.phone) else "",
        lid=chat.lid if chat and chat.lid and sanitizing.is_lid(chat.lid) else "",
    )


def _chat_of(event: Event) -> Chat | None:
    if isinstance(event, Identified):
        return Chat(event.phone, event.lid) if event.phone or event.lid else None
    return getattr(event, "chat", None)


def retry(keys: Iterable[UUID]) -> int:
    """Store these events now, each by itself.

    Returns how many were stored; the others record the reason.
    """
    return sum(_retry(key) for key in keys)


def _retry(key: UUID) -> bool:
    row = UnstoredEvent.objects.filter(pk=key).first()
    if row is None:
        return False
    try:
        with transaction.atomic():
            messaging().receive_again(row.connection_id, _events(row))
            row.delete()
    except Exception as error:
        if not is_event_error(error):
            raise
        reason = error.code if isinstance(error, NotStored) else type(error).__name__
        UnstoredEvent.objects.filter(pk=key).update(
            attempts=F("attempts") + 1, tried_at=now(), updated_at=now(), error=reason[:64]
        )
        return False
    return True


def _events(row: UnstoredEvent) -> Sequence[Event]:
    if not row.event:
        raise NotStored("too_large")
    event = event_serialization.load(row.event)
    events = (
        registry.driver_class(row.mode).retranslate(event.data) if isinstance(event, Unreadable) else [event]
    )
    if flaw := next((flaw for one in events if (flaw := unstorable_reason(one))), ""):
        raise NotStored(flaw)
    return events


def forget(business_id: UUID, phones: Collection[str], lids: Collection[str]) -> int:
    """Delete the events of people, by canonical phone numbers and LIDs.

    Returns how many.
    """
    if not phones and not lids:
        return 0
    rows = UnstoredEvent.objects.filter(business_profile=business_id)
    return rows.filter(Q(phone__in=phones) | Q(lid__in=lids)).delete()[0]


def prune() -> int:
    """Delete events older than RETENTION. Returns how many."""
    return UnstoredEvent.objects.filter(pk__lt=first_at(now() - RETENTION)).delete()[0]

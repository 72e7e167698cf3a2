"""Events that cannot be stored: set them aside so that the others of their batch go on, and try them again."""

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

KEPT = timedelta(days=30)
LARGEST = 1_000_000
"""Characters of JSON; what is larger is counted, but not kept to be tried again."""
MOST_KEPT = 5000
"""Events of one number; of more the oldest are dropped."""
_TOO_MUCH = "54"
"""SQLSTATE class of PostgreSQL for what exceeds a limit of its own, like a text that its index cannot take."""


class NotStored(Exception):
    """Raised by a retry for an event that still cannot be stored. code: why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def is_verdict(error: Exception) -> bool:
    """Whether an error tells something about the event that was stored, rather than about the database or the lease."""
    if isinstance(error, (DataError, IntegrityError)):
        return True
    if isinstance(error, OperationalError):
        return str(getattr(error.__cause__, "sqlstate", "") or "").startswith(_TOO_MUCH)
    return not isinstance(error, (LeaseLost, DatabaseError, InterfaceError, OSError, MemoryError))


def set_aside(lease: Lease, events: Sequence[tuple[Event, str]]) -> None:
    """Keep events with why each could not be stored. One that is there already is not kept twice. Raises LeaseLost."""
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
        surplus = list(newest.values_list("pk", flat=True)[MOST_KEPT : MOST_KEPT + 500])
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
        event=text if len(text) <= LARGEST else "",
        error=why[:64],
        phone=phone.canonical(chat.phone) if chat and chat.phone and sanitizing.is_phone(chat.phone) else "",
        lid=chat.lid if chat and chat.lid and sanitizing.is_lid(chat.lid) else "",
    )


def _chat_of(event: Event) -> Chat | None:
    if isinstance(event, Identified):
        return Chat(event.phone, event.lid) if event.phone or event.lid else None
    return getattr(event, "chat", None)


def retry(keys: Iterable[UUID]) -> int:
    """Store these events now, each by itself. Returns how many are stored; the others note why not."""
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
        if not is_verdict(error):
            raise
        why = error.code if isinstance(error, NotStored) else type(error).__name__
        UnstoredEvent.objects.filter(pk=key).update(
            attempts=F("attempts") + 1, tried_at=now(), updated_at=now(), error=why[:64]
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
    """Delete what is kept of people by their canonical numbers and their LIDs. Returns how many events."""
    if not phones and not lids:
        return 0
    rows = UnstoredEvent.objects.filter(business_profile=business_id)
    return rows.filter(Q(phone__in=phones) | Q(lid__in=lids)).delete()[0]


def prune() -> int:
    """Delete what could not be stored for 30 days. Returns how many events."""
    return UnstoredEvent.objects.filter(pk__lt=first_at(now() - KEPT)).delete()[0]

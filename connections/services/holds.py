"""Holds of numbers after a restored backup.

Its queued messages may have been sent long ago. The database stores when it was last in use (`SitePulse`). If a process
finds that this is longer ago than WHATSFLOW_HOLD_AFTER_MINUTES, or earlier than what it wrote itself, every number with
queued messages is held: it receives, and sends nothing until a person decides whether those messages are sent. A long
outage has the same effect.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User
from accounts.services import audit
from connections.events import ConnectionStatusChanged, DataMayBeOld, NumberReleased
from connections.models import SitePulse, WhatsAppConnection
from connections.ports import messaging
from connections.services import numbers
from core import clock
from core.errors import Conflict
from core.events import publish

log = structlog.get_logger(__name__)

BEAT_SECONDS = 20.0
"""Interval at which each process writes the pulse."""


class Pulse:
    """Keeps the time of last use, one instance per process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._checked_at = -BEAT_SECONDS
        self._written: datetime | None = None

    def beat(self) -> list[UUID]:
        """Record that the data is in use, after holding numbers if it is old.

        Returns the ids of numbers held now. Called before anything is sent or scheduled; usually a no-op.
        """
        with self._lock:
            if time.monotonic() - self._checked_at < BEAT_SECONDS:
                return []
            held = self._check()
            self._checked_at = time.monotonic()
            return held

    def _check(self) -> list[UUID]:
        with transaction.atomic():
            SitePulse.objects.get_or_create(pk=1, defaults={"beat_at": clock.database_now()})
            known = SitePulse.objects.select_for_update().get(pk=1).beat_at
            moment = clock.database_now()
            held = hold_all(known) if self._is_old(known, moment) else []
            SitePulse.objects.filter(pk=1).update(beat_at=moment)
        self._written = moment
        return held

    def _is_old(self, known: datetime, moment: datetime) -> bool:
        """Return whether the data comes from a backup or a long outage.

        True if this process wrote a later time than `known`, or wrote none and `known` is long ago.
        """
        if not settings.HOLD_AFTER_MINUTES:
            return False
        if self._written is not None:
            return known < self._written
        return moment - known > timedelta(minutes=settings.HOLD_AFTER_MINUTES)


pulse = Pulse()


def hold_all(known: datetime) -> list[UUID]:
    """Hold every number with queued messages, and pause campaigns.

    known: when the data was last in use.
    """
    with transaction.atomic():
        rows = WhatsAppConnection.objects.select_for_update(no_key=True).filter(held_since=None)
        waiting = list(rows.filter(pk__in=messaging().waiting_numbers()).order_by("pk"))
        WhatsAppConnection.objects.filter(pk__in=[row.pk for row in waiting]).update(held_since=Now())
        businesses = set(WhatsAppConnection.objects.order_by().values_list("business_profile_id", flat=True))
        publish(*(DataMayBeOld(business_id=key) for key in sorted(businesses)))
        publish(*(_changed(row) for row in waiting))
    log.warning("numbers_held", last_in_use=known.isoformat(), count=len(waiting))
    return [row.pk for row in waiting]


def release(connection: WhatsAppConnection, actor: User | None, *, send: bool) -> None:
    """End the hold. send: send the messages queued before the hold, else cancel them.

    Raises Conflict("not_held").
    """
    with transaction.atomic():
        row = WhatsAppConnection.objects.select_for_update(no_key=True).get(pk=connection.pk)
        if row.held_since is None:
            raise Conflict("not_held", "This number is not on hold any more.")
        WhatsAppConnection.objects.filter(pk=row.pk).update(held_since=None)
        publish(
            NumberReleased(
                business_id=row.business_profile_id,
                connection_id=row.pk,
                held_since=row.held_since,
                send=send,
            ),
            _changed(row),
        )
        audit.record(connection.business_profile, actor, "connection.released", connection, sent=send)
        numbers.wake_runner_on_commit(row.pk)
    connection.held_since = None


def _changed(row: WhatsAppConnection) -> ConnectionStatusChanged:
    """Build the event that makes open pages reload the number."""
    return ConnectionStatusChanged(
        business_id=row.business_profile_id,
        connection_id=row.pk,
        status=row.status,
        reason=row.status_reason,
    )

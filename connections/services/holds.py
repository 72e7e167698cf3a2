"""Old data must not send: after a restored backup, what waits in it may have left long ago.

The database knows when it was last in use (`SitePulse`), and a backup knows when it was made. When a process finds that
this is longer ago than WHATSFLOW_HOLD_AFTER_MINUTES, or earlier than what it has written itself, every number that has
something waiting is held: it receives, and sends nothing until a person has said what is to become of what waits.
A long outage looks the same from here and is treated the same.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User
from accounts.services import audit
from connections.events import ConnectionStatusChanged, DataMayBeOld, NumberReleased
from connections.models import SitePulse, WhatsAppConnection
from connections.ports import mailbox
from core import clock
from core.errors import Conflict
from core.events import publish
from core.realtime import wakeup

log = structlog.get_logger(__name__)

BEAT_SECONDS = 20.0
"""The pulse is written by each process at most this often."""


class Pulse:
    """One process's part in keeping the pulse."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looked = -BEAT_SECONDS
        self._written: datetime | None = None

    def beat(self) -> list[UUID]:
        """Note that the data is in use; hold what must be held first. Returns the numbers held just now.

        Whoever is about to send or to ring for work calls this before; nearly always it does nothing.
        """
        with self._lock:
            if time.monotonic() - self._looked < BEAT_SECONDS:
                return []
            held = self._look()
            self._looked = time.monotonic()
            return held

    def _look(self) -> list[UUID]:
        with transaction.atomic():
            SitePulse.objects.get_or_create(pk=1, defaults={"beat_at": clock.database_now()})
            known = SitePulse.objects.select_for_update().get(pk=1).beat_at
            moment = clock.database_now()
            held = hold_all(known) if self._is_old(known, moment) else []
            SitePulse.objects.filter(pk=1).update(beat_at=moment)
        self._written = moment
        return held

    def _is_old(self, known: datetime, moment: datetime) -> bool:
        """This process wrote a later time than the database has; or it is new here, and nobody wrote for long."""
        if not settings.HOLD_AFTER_MINUTES:
            return False
        if self._written is not None:
            return known < self._written
        return moment - known > timedelta(minutes=settings.HOLD_AFTER_MINUTES)


pulse = Pulse()


def hold_all(known: datetime) -> list[UUID]:
    """Hold every number that has something waiting, and have campaigns wait. known: when the data was last in use."""
    with transaction.atomic():
        rows = WhatsAppConnection.objects.select_for_update(no_key=True).filter(held_since=None)
        waiting = list(rows.filter(pk__in=mailbox().waiting_numbers()).order_by("pk"))
        WhatsAppConnection.objects.filter(pk__in=[row.pk for row in waiting]).update(held_since=Now())
        businesses = set(WhatsAppConnection.objects.order_by().values_list("business_profile_id", flat=True))
        publish(*(DataMayBeOld(business_id=key) for key in sorted(businesses)))
        publish(*(_changed(row) for row in waiting))
    log.warning("numbers_held", last_in_use=known.isoformat(), count=len(waiting))
    return [row.pk for row in waiting]


def release(connection: WhatsAppConnection, actor: User | None, *, send: bool) -> None:
    """Let the number send again. send: what waited since before the hold leaves too; else it is cancelled.

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
        topic = wakeup.connection_topic(row.pk)
        transaction.on_commit(partial(wakeup.notify, topic), robust=True)
    connection.held_since = None


def _changed(row: WhatsAppConnection) -> ConnectionStatusChanged:
    """Open pages look again."""
    return ConnectionStatusChanged(
        business_id=row.business_profile_id,
        connection_id=row.pk,
        status=row.status,
        reason=row.status_reason,
    )

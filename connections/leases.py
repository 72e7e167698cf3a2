"""Who may drive a number: leases in database time, with an epoch that fences off whoever overslept.

A lease is three columns of the number's row. Every acquisition raises the epoch; every write of a runner passes through
`guard`, which refuses a stale epoch. So a process that was paused past its expiry can wake up and find that it may
neither claim, send nor settle.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connections, transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Q, QuerySet, Value
from django.db.models.fields import DurationField
from django.db.models.functions import Now

from connections.events import LeaseTaken
from connections.models import WhatsAppConnection
from core.db.compiled_queries import Prepared
from core.events import publish

log = structlog.get_logger(__name__)


class LeaseLost(Exception):
    """The lease expired or another runner has it: stop at once and write nothing."""


@dataclass(frozen=True)
class Lease:
    """The right to drive one number. epoch: the fencing token, higher with every acquisition."""

    connection_id: UUID
    business_id: UUID
    owner: str
    epoch: int


def _expiry() -> ExpressionWrapper:
    duration = Value(timedelta(seconds=settings.LEASE_SECONDS), output_field=DurationField())
    return ExpressionWrapper(Now() + duration, output_field=DateTimeField())


def lease_is_free() -> Q:
    """Condition on numbers: nobody holds a lease that is still running, by the database's clock."""
    return Q(lease_owner="") | Q(lease_expires_at=None) | Q(lease_expires_at__lte=Now())


def acquire(connection_id: UUID, owner: str) -> Lease | None:
    """Take the number if nobody has it. `owner` must be unique to this runner. None: somebody else holds it."""
    with transaction.atomic():
        taken = (
            WhatsAppConnection.objects.filter(lease_is_free(), pk=connection_id)
            .order_by()
            .update(lease_owner=owner, lease_epoch=F("lease_epoch") + 1, lease_expires_at=_expiry())
        )
        if not taken:
            return None
        epoch, business_id = WhatsAppConnection.objects.values_list("lease_epoch", "business_profile_id").get(
            pk=connection_id
        )
        publish(LeaseTaken(business_id=business_id, connection_id=connection_id))
    return Lease(connection_id=connection_id, business_id=business_id, owner=owner, epoch=epoch)


def renew(lease: Lease) -> bool:
    """Start the lease's time anew. False: it ran out or is somebody else's; it can never be had back."""
    return bool(_live(lease.connection_id, lease.owner, lease.epoch).update(lease_expires_at=_expiry()))


def release(lease: Lease) -> None:
    """Give the number back so that another worker may be asked at once. A lease already lost changes nothing."""
    _ours(lease.connection_id, lease.owner, lease.epoch).update(
        lease_owner="", lease_expires_at=None, start_requested_at=None
    )


def guard(lease: Lease) -> WhatsAppConnection:
    """Inside a transaction: hold the number's row and return it, without its secrets. Raises LeaseLost.

    Until the transaction ends nobody can take the lease over (a row lock on PostgreSQL, the write lock on SQLite), so
    what it writes is fenced. The lock does not stop others from adding rows that point to the number.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("The row is held by a transaction; there is none.")
    return _found(lease, _HELD)


def check(lease: Lease) -> WhatsAppConnection:
    """The number's row as `guard` returns it, not held: for what only reads. Raises LeaseLost.

    A runner asks what there is to do in every round; holding the row would cost a write to the disk each time.
    """
    return _found(lease, _READ)


def hold(connection_id: UUID) -> WhatsAppConnection:
    """Inside a transaction: hold the number's row without a lease, for what may be written beside its runner.

    Raises WhatsAppConnection.DoesNotExist.
    """
    rows = WhatsAppConnection.objects.defer("session_data", "qr_code", "pairing_code")
    return rows.select_for_update(no_key=True).get(pk=connection_id)


def _found(lease: Lease, rows: Prepared[WhatsAppConnection]) -> WhatsAppConnection:
    row = rows.first(lease.connection_id, lease.owner, lease.epoch)
    if row is None:
        raise LeaseLost(f"Lease {lease.epoch} of {lease.connection_id} is over")
    return row


def _ours(connection_id: UUID, owner: str, epoch: int) -> QuerySet[WhatsAppConnection]:
    return WhatsAppConnection.objects.filter(
        pk=connection_id, lease_owner=owner, lease_epoch=epoch
    ).order_by()


def _live(connection_id: UUID, owner: str, epoch: int) -> QuerySet[WhatsAppConnection]:
    return _ours(connection_id, owner, epoch).filter(lease_expires_at__gt=Now())


def _read(connection_id: UUID, owner: str, epoch: int) -> QuerySet[WhatsAppConnection]:
    return _live(connection_id, owner, epoch).defer("session_data", "qr_code", "pairing_code")


_READ = Prepared(_read, by_key=True)
_HELD = Prepared[WhatsAppConnection](lambda *lease: _read(*lease).select_for_update(no_key=True), by_key=True)


@dataclass
class _Held:
    lease: Lease
    on_lost: Callable[[], None]
    valid_until: float
    """On the monotonic clock: when the lease ends if no renewal succeeds. Counts on while the process is paused."""


class LeaseKeeper:
    """One thread a process that renews every lease held here."""

    def __init__(self) -> None:
        self._held: dict[UUID, _Held] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def hold(self, lease: Lease, on_lost: Callable[[], None], asked: float) -> None:
        """Renew `lease` until `drop`. `asked`: monotonic time just before it was acquired.

        If a renewal fails, `on_lost` is called once, from the keeper's thread.
        """
        with self._lock:
            self._held[lease.connection_id] = _Held(lease, on_lost, asked + settings.LEASE_SECONDS)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="lease-keeper", daemon=True)
                self._thread.start()

    def drop(self, lease: Lease) -> None:
        """Renew it no longer."""
        with self._lock:
            held = self._held.get(lease.connection_id)
            if held is not None and held.lease == lease:
                del self._held[lease.connection_id]

    def certain(self, lease: Lease) -> bool:
        """Whether the lease surely still runs, without asking the database: for the last look before a send."""
        with self._lock:
            held = self._held.get(lease.connection_id)
            return held is not None and held.lease == lease and time.monotonic() < held.valid_until

    def _run(self) -> None:
        while True:
            time.sleep(settings.LEASE_RENEW_SECONDS)
            with self._lock:
                due = list(self._held.values())
                if not due:
                    self._thread = None
                    break
            for held in due:
                self._renew(held)
            connections.close_all()

    def _renew(self, held: _Held) -> None:
        asked = time.monotonic()
        try:
            renewed = renew(held.lease)
        except Exception:  # whatever it is, the other leases of this process have to be renewed
            log.warning("lease_renewal_failed", connection_id=str(held.lease.connection_id), exc_info=True)
            if asked < held.valid_until:
                return
            renewed = False
        if renewed:
            held.valid_until = asked + settings.LEASE_SECONDS
            return
        self.drop(held.lease)
        log.warning("lease_lost", connection_id=str(held.lease.connection_id), epoch=held.lease.epoch)
        held.on_lost()


keeper = LeaseKeeper()
"""This process's."""

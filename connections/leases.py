"""Leases of numbers.

Only the runner that holds a number's lease may receive and send for it. Every write of a runner passes through `guard`,
which refuses a lease that expired or was taken over. So a process that was paused past the expiry can wake up and find
that it may neither claim, send nor settle.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from connections.events import LeaseTaken
from connections.models import WhatsAppConnection
from core.db import leases
from core.db.compiled_queries import Prepared
from core.db.leases import LeaseKeeper, is_free
from core.events import publish

__all__ = ["Lease", "LeaseLost", "acquire", "check", "guard", "hold", "is_free", "keeper", "release", "renew"]


class LeaseLost(Exception):
    """The lease expired or another runner has it: stop at once and write nothing."""


@dataclass(frozen=True)
class Lease:
    """The right to drive one number.

    epoch: the fencing token, higher with every acquisition.
    """

    connection_id: UUID
    business_id: UUID
    owner: str
    epoch: int


def acquire(connection_id: UUID, owner: str) -> Lease | None:
    """Take the number's lease; None if another runner holds it.

    owner: unique to this runner.
    """
    rows = WhatsAppConnection.objects.filter(pk=connection_id)
    with transaction.atomic():
        if not leases.acquire(rows, owner):
            return None
        epoch, business_id = rows.values_list("lease_epoch", "business_profile_id").get()
        publish(LeaseTaken(business_id=business_id, connection_id=connection_id))
    return Lease(connection_id=connection_id, business_id=business_id, owner=owner, epoch=epoch)


def renew(lease: Lease) -> bool:
    """Extend the lease. Returns False if the lease is lost for good."""
    return leases.renew(_running(lease.connection_id, lease.owner, lease.epoch))


def release(lease: Lease) -> None:
    """Free the number, so that another worker may be asked at once.

    No-op if the lease is lost.
    """
    rows = WhatsAppConnection.objects.filter(pk=lease.connection_id)
    leases.owned(rows, lease.owner, lease.epoch).update(**leases.RELEASED, start_requested_at=None)


def guard(lease: Lease) -> WhatsAppConnection:
    """Lock the number's row and return it, without its secrets. Raises LeaseLost.

    Nobody can take the lease over in the meantime (a row lock on PostgreSQL, the write lock on SQLite), so what the
    transaction writes is fenced. Others may still add rows that refer to the number.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("The row is held by a transaction; there is none.")
    return _found(lease, _LOCKED)


def check(lease: Lease) -> WhatsAppConnection:
    """Return the number's row like `guard`, but not locked: for reads.

    Raises LeaseLost. A runner asks what is due in every round; a lock would cost a write to the disk each time.
    """
    return _found(lease, _READ)


def hold(connection_id: UUID) -> WhatsAppConnection:
    """Lock the number's row without a lease.

    For writes that its runner need not know of. Needs a transaction. Raises WhatsAppConnection.DoesNotExist.
    """
    rows = WhatsAppConnection.objects.defer(*_SECRETS)
    return rows.select_for_update(no_key=True).get(pk=connection_id)


def _found(lease: Lease, rows: Prepared[WhatsAppConnection]) -> WhatsAppConnection:
    row = rows.first(lease.connection_id, lease.owner, lease.epoch)
    if row is None:
        raise LeaseLost(f"Lease {lease.epoch} of {lease.connection_id} is over")
    return row


def _running(connection_id: UUID, owner: str, epoch: int) -> QuerySet[WhatsAppConnection]:
    return leases.running(WhatsAppConnection.objects.filter(pk=connection_id), owner, epoch)


_SECRETS = ("session_data", "qr_code", "pairing_code")
_READ = Prepared[WhatsAppConnection](lambda *lease: _running(*lease).defer(*_SECRETS), by_key=True)
_LOCKED = Prepared[WhatsAppConnection](
    lambda *lease: _running(*lease).defer(*_SECRETS).select_for_update(no_key=True), by_key=True
)

keeper = LeaseKeeper(renew)
"""Renews the leases of the numbers that this process drives."""

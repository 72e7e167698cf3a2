"""Leases on rows: one owner at a time, in the database's time, fenced by an epoch.

The row has the columns `lease_owner`, `lease_epoch` and `lease_expires_at`. Every acquisition raises the epoch. A write
with the condition `running` is fenced: a process that was paused past the expiry changes nothing when it wakes up.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

import structlog
from django.conf import settings
from django.db import connections
from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F, Model, Q, QuerySet, Value
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now

from core.ids import uuid7

log = structlog.get_logger(__name__)

M = TypeVar("M", bound=Model)
L = TypeVar("L", bound=Hashable)

RELEASED: dict[str, Any] = {"lease_owner": "", "lease_expires_at": None}
"""Column values of a row without a lease."""


def owner_name() -> str:
    """Return a new owner of at most 64 characters: host, process and a unique part."""
    return f"{socket.gethostname()[:20]}:{os.getpid()}:{uuid7().hex}"


def is_free() -> Q:
    """Condition: no lease runs."""
    return Q(lease_owner="") | Q(lease_expires_at=None) | Q(lease_expires_at__lte=Now())


def acquire(rows: QuerySet[M], owner: str, **fields: Any) -> bool:
    """Acquire the lease of the only row of `rows` if it is free, and set `fields`.

    owner: unique to this holder. Returns False if another owner holds the lease or `rows` is empty.
    """
    free = rows.filter(is_free()).order_by()
    epoch = F("lease_epoch") + 1
    return bool(free.update(lease_owner=owner, lease_epoch=epoch, lease_expires_at=_expiry(), **fields))


def owned(rows: QuerySet[M], owner: str, epoch: int) -> QuerySet[M]:
    """Restrict `rows` to the one with this lease, expired or not."""
    return rows.filter(lease_owner=owner, lease_epoch=epoch).order_by()


def running(rows: QuerySet[M], owner: str, epoch: int) -> QuerySet[M]:
    """Restrict `rows` to the one with this unexpired lease: the condition of fenced writes."""
    return owned(rows, owner, epoch).filter(lease_expires_at__gt=Now())


def renew(rows: QuerySet[M]) -> bool:
    """Extend the lease of the row of `rows`, which `running` has returned. Returns False if the lease is lost."""
    return bool(rows.update(lease_expires_at=_expiry()))


def _expiry() -> ExpressionWrapper[CombinedExpression]:
    duration = Value(timedelta(seconds=settings.LEASE_SECONDS), output_field=DurationField())
    return ExpressionWrapper(Now() + duration, output_field=DateTimeField())


@dataclass
class _Held:
    """Lease under renewal.

    valid_until: monotonic time of its expiry unless renewed; passes in a paused process, too.
    """

    on_lost: Callable[[], None]
    valid_until: float
    renew_at: float


class LeaseKeeper(Generic[L]):
    """Renews the leases of this process from one thread, which ends with the last lease.

    renew: extends one lease; returns False if it is lost.
    """

    def __init__(self, renew: Callable[[L], bool]) -> None:
        self._extend = renew
        self._held: dict[L, _Held] = {}
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def hold(self, lease: L, on_lost: Callable[[], None], asked: float) -> None:
        """Renew `lease` until `drop`. asked: monotonic time just before it was acquired.

        on_lost: called once, from the keeper's thread, if the lease is lost.
        """
        renew_at = time.monotonic() + settings.LEASE_RENEW_SECONDS
        with self._changed:
            self._changed.notify()
            self._held[lease] = _Held(on_lost, asked + settings.LEASE_SECONDS, renew_at)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="lease-keeper", daemon=True)
                self._thread.start()

    def drop(self, lease: L) -> bool:
        """Stop renewing `lease`. Returns False if it was not held."""
        with self._changed:
            self._changed.notify()
            return self._held.pop(lease, None) is not None

    def certain(self, lease: L) -> bool:
        """Whether the lease certainly runs, without a query: the last check before a message is sent."""
        with self._changed:
            held = self._held.get(lease)
            return held is not None and time.monotonic() < held.valid_until

    def _run(self) -> None:
        while due := self._wait():
            for lease, held in due:
                self._renew(lease, held)
            connections.close_all()

    def _wait(self) -> list[tuple[L, _Held]]:
        """Wait until leases are due and return them; empty when none is held, which ends the thread."""
        with self._changed:
            while self._held:
                moment = time.monotonic()
                if due := [item for item in self._held.items() if item[1].renew_at <= moment]:
                    return due
                self._changed.wait(min(held.renew_at for held in self._held.values()) - moment)
            self._thread = None
            return []

    def _renew(self, lease: L, held: _Held) -> None:
        asked = time.monotonic()
        held.renew_at = asked + settings.LEASE_RENEW_SECONDS
        try:
            renewed = self._extend(lease)
        except Exception:  # whatever fails, the other leases of this process must be renewed
            log.warning("lease_renewal_failed", lease=str(lease), exc_info=True)
            if asked < held.valid_until:
                return
            renewed = False
        if renewed:
            held.valid_until = asked + settings.LEASE_SECONDS
        elif self.drop(lease):
            log.warning("lease_lost", lease=str(lease))
            held.on_lost()

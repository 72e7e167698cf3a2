"""Leases of jobs: which worker does a job.

A worker that was killed stops renewing its lease, and another one takes the job over. One that was paused and wakes up
finds every further write refused.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, When
from django.db.models.functions import Coalesce, Now

from core.db import leases
from core.db.leases import LeaseKeeper
from core.events import publish
from jobs.events import JobChanged
from jobs.models import Job

OPEN = (Job.State.QUEUED, Job.State.RUNNING)
CANDIDATES = 20
"""Jobs that one claim tries at most; other workers may take them first."""


class LeaseLost(Exception):
    """The job was taken over or deleted.

    Every further write of this worker is refused.
    """


@dataclass(frozen=True)
class Lease:
    """The right to work on one job. epoch: the fencing token."""

    job_id: UUID
    owner: str
    epoch: int


def changed(job: Job) -> JobChanged:
    """Build the event that `job` has its present state."""
    return JobChanged(business_id=job.business_profile_id, job_id=job.pk, kind=job.kind, state=job.state)


def due() -> QuerySet[Job]:
    """Return the open jobs that nobody works on and whose wait is over."""
    wait_is_over = Q(not_before=None) | Q(not_before__lte=Now())
    return Job.objects.filter(
        leases.is_free(), wait_is_over, state__in=OPEN, business_profile__deleted_at=None
    )


def claim(owner: str) -> Job | None:
    """Take the next job, or None.

    Businesses that have nothing running come first, then the oldest job.
    """
    running = Job.objects.filter(
        business_profile=OuterRef("business_profile"), state=Job.State.RUNNING, lease_expires_at__gt=Now()
    )
    fair = Case(When(Exists(running), then=1), default=0)
    for job_id in due().order_by(fair, "id").values_list("pk", flat=True)[:CANDIDATES]:
        job = _take(job_id, owner)
        if job is not None:
            return job
    return None


def _take(job_id: UUID, owner: str) -> Job | None:
    with transaction.atomic():
        taken = leases.acquire(
            Job.objects.filter(pk=job_id, state__in=OPEN),
            owner,
            state=Job.State.RUNNING,
            attempts=F("attempts") + 1,
            started_at=Coalesce("started_at", Now()),
        )
        if not taken:
            return None
        job = Job.objects.select_related("business_profile", "created_by", "undoes").get(pk=job_id)
        publish(changed(job))
    return job


def held(job: Job) -> QuerySet[Job]:
    """Return the job's row while the lease of `job` runs.

    The condition of a worker's writes.
    """
    return _running(Lease(job.pk, job.lease_owner, job.lease_epoch))


def _running(lease: Lease) -> QuerySet[Job]:
    return leases.running(Job.objects.filter(pk=lease.job_id), lease.owner, lease.epoch)


@contextmanager
def kept(job: Job) -> Iterator[threading.Event]:
    """Renew the job's lease while the block lasts.

    Yields an event that is set if the lease is lost.
    """
    lease, lost = Lease(job.pk, job.lease_owner, job.lease_epoch), threading.Event()
    _keeper.hold(lease, lost.set, time.monotonic())
    try:
        yield lost
    finally:
        _keeper.drop(lease)


_keeper = LeaseKeeper[Lease](lambda lease: leases.renew(_running(lease)))
"""Apart from the numbers' keeper: a chunk's transaction locks the job's row, and renewing it waits for that."""

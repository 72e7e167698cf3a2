"""Who works on a job: a lease in database time with an epoch, renewed by a heartbeat.

The lease is three columns of the job's row. A worker that was killed stops renewing it, and another one takes the job
over; one that was paused and wakes up finds every further write refused.
"""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from types import TracebackType
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connections, transaction
from django.db.models import (
    Case,
    DateTimeField,
    DurationField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Now

from core.events import publish
from jobs.events import JobChanged
from jobs.models import Job

log = structlog.get_logger(__name__)

OPEN = (Job.State.QUEUED, Job.State.RUNNING)
LOOKED_AT = 20
"""Jobs that a claim tries for at most: others take them at the same time."""


class LeaseLost(Exception):
    """Somebody else has the job, or it is gone: whatever this worker still wants to write is refused."""


def changed(job: Job) -> JobChanged:
    """The event that `job` is now in its state."""
    return JobChanged(business_id=job.business_profile_id, job_id=job.pk, kind=job.kind, state=job.state)


def expiry() -> ExpressionWrapper:
    """When a lease that is taken or renewed now ends."""
    duration = Value(timedelta(seconds=settings.LEASE_SECONDS), output_field=DurationField())
    return ExpressionWrapper(Now() + duration, output_field=DateTimeField())


def _free() -> Q:
    """Condition on jobs: open, and nobody works on it by the database's clock."""
    unheld = Q(lease_owner="") | Q(lease_expires_at=None) | Q(lease_expires_at__lte=Now())
    return unheld & Q(state__in=OPEN)


def due() -> QuerySet[Job]:
    """Jobs that nobody works on and that may be worked on now."""
    wait_is_over = Q(not_before=None) | Q(not_before__lte=Now())
    return Job.objects.filter(_free(), wait_is_over, business_profile__deleted_at=None)


def claim(owner: str) -> Job | None:
    """Take the next job, or None. Businesses that have nothing running come first, then the oldest job."""
    running = Job.objects.filter(
        business_profile=OuterRef("business_profile"), state=Job.State.RUNNING, lease_expires_at__gt=Now()
    )
    fair = Case(When(Exists(running), then=1), default=0)
    for key in due().order_by(fair, "id").values_list("pk", flat=True)[:LOOKED_AT]:
        job = _take(key, owner)
        if job is not None:
            return job
    return None


def _take(key: UUID, owner: str) -> Job | None:
    """The conditional update decides who of several workers gets it."""
    with transaction.atomic():
        taken = Job.objects.filter(_free(), pk=key).update(
            state=Job.State.RUNNING,
            lease_owner=owner,
            lease_epoch=F("lease_epoch") + 1,
            lease_expires_at=expiry(),
            attempts=F("attempts") + 1,
            started_at=Coalesce("started_at", Now()),
        )
        if not taken:
            return None
        job = Job.objects.select_related("business_profile", "created_by", "undoes").get(pk=key)
        publish(changed(job))
    return job


def held(job: Job) -> QuerySet[Job]:
    """The job's row as long as the lease with which it was read is alive: the condition of every write of a worker."""
    return Job.objects.filter(
        pk=job.pk, lease_owner=job.lease_owner, lease_epoch=job.lease_epoch, lease_expires_at__gt=Now()
    ).order_by()


class Heartbeat:
    """Renews a job's lease while its `with` block lasts, from a thread and a database connection of its own."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"job-{job.pk}", daemon=True)
        self._valid_until = time.monotonic() + settings.LEASE_SECONDS
        self.lost = False

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._over.wait(settings.LEASE_RENEW_SECONDS):
            asked = time.monotonic()
            try:
                renewed = bool(held(self._job).update(lease_expires_at=expiry()))
            except Exception:
                log.warning("job_heartbeat_failed", job_id=str(self._job.pk), exc_info=True)
                renewed = asked < self._valid_until
                asked = self._valid_until - settings.LEASE_SECONDS
            if not renewed:
                self.lost = True
                break
            self._valid_until = asked + settings.LEASE_SECONDS
        connections.close_all()

"""Start, cancel, undo, finish and delete jobs; open their results."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from accounts.models import BusinessProfile, User
from accounts.services import audit
from core.clock import now
from core.db.leases import RELEASED
from core.errors import Conflict, NotFound
from core.events import publish
from jobs import files, leases, registry, selectors
from jobs.events import JobFinished
from jobs.models import Job

log = structlog.get_logger(__name__)

State = Job.State
RETENTION = timedelta(days=90)
PRUNE_BATCH = 200


def start(
    business: BusinessProfile,
    actor: User | None,
    kind: str,
    params: dict[str, Any],
    total: int | None = None,
    *,
    title: str = "",
    undoes: Job | None = None,
) -> Job:
    """Queue a job. Inside a transaction it starts after the commit.

    params: JSON for the handler. actor: None for the system, which needs no permission.
    """
    registry.get(kind)
    with transaction.atomic():
        job = Job.objects.create(
            business_profile=business,
            kind=kind,
            params=params,
            total=total,
            title=title[:255],
            created_by=actor,
            undoes=undoes,
        )
        audit.record(business, actor, "job.started", job, kind=kind)
        publish(leases.changed(job))
    return job


def cancel(business: BusinessProfile, actor: User | None, job_id: UUID) -> Job:
    """Request that a job stops; a queued one ends at once. Work done so far stays.

    Raises NotFound, and Conflict("job_is_over").
    """
    job = selectors.get_job(business, job_id)
    with transaction.atomic():
        open_jobs = Job.objects.filter(pk=job.pk, state__in=leases.OPEN)
        if not open_jobs.update(cancel_requested_at=Now()):
            raise Conflict("job_is_over", "This job is over already: there is nothing left to stop.")
        audit.record(business, actor, "job.cancelled", job, kind=job.kind)
        queued = Job.objects.filter(pk=job.pk, state=State.QUEUED)
        if not _end(queued, job, State.CANCELLED):
            publish(leases.changed(job))
    return selectors.get_job(business, job_id)


def undo(business: BusinessProfile, actor: User | None, job_id: UUID) -> Job:
    """Start the job that reverses this one.

    Raises NotFound, and Conflict("cannot_be_undone").
    """
    job = selectors.get_job(business, job_id)
    kind = registry.find(job.kind)
    with transaction.atomic():
        Job.objects.select_for_update().get(pk=job.pk)
        late = job.undo_until is None or job.undo_until <= now()
        if kind is None or kind.undo is None or late or Job.objects.filter(undoes=job).exists():
            raise Conflict(
                "cannot_be_undone", "This cannot be undone any more, or it has been undone already."
            )
        return start(business, actor, job.kind, {}, job.done, title=f"Undo: {job}", undoes=job)


def open_result(business: BusinessProfile, actor: User | None, job_id: UUID) -> tuple[Job, Any]:
    """Open the result file and record it in the audit log.

    Raises NotFound, also if the file has expired.
    """
    job = selectors.get_job(business, job_id)
    if not job.has_file:
        raise NotFound("This file")
    try:
        opened = default_storage.open(job.file)
    except FileNotFoundError:
        raise NotFound("This file") from None
    audit.record(business, actor, "job.downloaded", job, kind=job.kind)
    return job, opened


# -- ending ---------------------------------------------------------------------------------------


def finish(job: Job, state: str, summary: dict[str, Any] | None = None, **columns: Any) -> bool:
    """End a job that a worker holds.

    Returns False, and saves nothing, if the lease is lost.
    """
    with transaction.atomic():
        return _end(leases.held(job), job, state, summary=summary or {}, **columns)


def _end(rows: QuerySet[Job], job: Job, state: str, **columns: Any) -> bool:
    columns |= {**RELEASED, "not_before": None, "updated_at": now()}
    if not rows.update(state=state, finished_at=Now(), **columns):
        return False
    job.state = state
    publish(JobFinished(business_id=job.business_profile_id, job_id=job.pk, kind=job.kind, state=state))
    publish(leases.changed(job))
    transaction.on_commit(lambda: clean_up(job), robust=True)
    return True


def requeue(job: Job, *, wait: timedelta | None = None, not_counted: bool = False) -> None:
    """Release the lease and queue the job again, to continue after `wait`.

    No-op if the lease is lost. not_counted: do not count the attempt, because the job is not at fault.
    """
    attempts = max(job.attempts - 1, 0) if not_counted else job.attempts
    with transaction.atomic():
        requeued = leases.held(job).update(
            state=State.QUEUED,
            not_before=None if wait is None else now() + wait,
            attempts=attempts,
            **RELEASED,
        )
        if requeued:
            job.state = State.QUEUED
            publish(leases.changed(job))


def clean_up(job: Job) -> None:
    """Call the `ended` hook of the job's kind."""
    kind = registry.find(job.kind)
    if kind is not None and kind.ended is not None:
        kind.ended(job)


def stop_all(business_id: UUID) -> None:
    """Cancel the open jobs of a business. Call inside the transaction of its deletion."""
    Job.objects.filter(business_profile_id=business_id, state__in=leases.OPEN).update(
        cancel_requested_at=Now()
    )


# -- periodic --------------------------------------------------------------------------------------


def anything_due() -> bool:
    """Return whether a job is due."""
    return leases.due().exists()


def prune() -> None:
    """Delete expired results, and jobs that ended before RETENTION."""
    for job in Job.objects.filter(file_expires_at__lte=now()).exclude(file="")[:PRUNE_BATCH]:
        files.remove(job.file)
        Job.objects.filter(pk=job.pk).update(file="", file_expires_at=None)
    old = Job.objects.filter(finished_at__lte=now() - RETENTION)
    for job in old[:PRUNE_BATCH]:
        files.remove_of_job(job)
        job.delete()

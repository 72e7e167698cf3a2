"""The worker: claim a job, call the handler of its kind, save how it ended."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, connection

from accounts.access import find_access
from core.db.leases import owner_name
from core.decoding.sandbox import Busy
from core.errors import DomainError, Forbidden
from core.shutdown import stopping
from jobs import leases, registry, services
from jobs.context import Interrupted, Work
from jobs.leases import LeaseLost
from jobs.models import Job
from jobs.registry import Kind

log = structlog.get_logger(__name__)

CONCURRENCY = 2
"""Jobs that one process runs at the same time, so that short tasks and pages are not starved."""
TRIES = 5
"""Attempts without progress after which a job is given up."""
WAITS = (5, 15, 60, 300)
"""Backoff in seconds after a transient error."""
TRANSIENT = (Busy, OperationalError, InterfaceError, ConnectionError, TimeoutError)

OUR_FAULT = "Something went wrong on our side. What was done until then stays."
NO_ANSWER = (
    "The database or the file storage did not answer. What was done until then stays; try again later."
)

_slots = threading.BoundedSemaphore(CONCURRENCY)


def run_due() -> int:
    """Run due jobs one after the other.

    Returns how many; 0 at once if this process runs CONCURRENCY already.
    """
    if not _slots.acquire(blocking=False):
        return 0
    count = 0
    try:
        while not stopping.is_set() and (job := leases.claim(owner_name())) is not None:
            run(job)
            count += 1
    finally:
        _slots.release()
    return count


def run(job: Job) -> None:
    """Run a claimed job until it ends or has to be requeued."""
    with leases.kept(job) as lost:
        work = Work(job, lost)
        try:
            summary = _call_handler(work)
            state = Job.State.CANCELLED if work.was_cancelled else Job.State.DONE
            services.finish(job, state, summary, **work.changes)
        except LeaseLost:
            log.warning("job_lease_lost", job_id=str(job.pk), epoch=job.lease_epoch)
        except Interrupted:
            services.requeue(job, not_counted=True)
        except TRANSIENT as error:
            _retry_later(job, error)
        except DomainError as error:
            services.finish(job, Job.State.FAILED, error_code=error.code, error_message=error.message)
        except Exception:
            log.exception("job_failed", job_id=str(job.pk), kind=job.kind)
            services.finish(job, Job.State.FAILED, error_code="internal_error", error_message=OUR_FAULT)


def _call_handler(work: Work) -> dict[str, Any]:
    kind = _check_permission(work)
    if work.cancelled():
        return {}
    if work.job.undoes_id is None:
        return kind.handler(work)
    if kind.undo is None:
        raise DomainError("cannot_be_undone", "This kind of job cannot be undone.")
    return kind.undo(work)


def _check_permission(work: Work) -> Kind:
    """Return the job's kind. Raises DomainError if it cannot or may not be done."""
    kind = registry.find(work.job.kind)
    if kind is None:
        raise DomainError("unknown_kind", "This version of WhatsFlow cannot do this kind of job.")
    if work.job.attempts > TRIES:
        raise DomainError(
            "gave_up",
            f"The work was begun {TRIES} times and never got on. What was done until then stays; try a smaller part.",
        )
    if work.actor is not None:
        access = find_access(work.actor, str(work.business.pk))
        if access is None or access.business.pk != work.business.pk or not access.can(kind.capability):
            raise Forbidden("Whoever started this is no longer allowed to do it.")
        work.access = access
    return kind


def _retry_later(job: Job, error: Exception) -> None:
    """Requeue with a backoff after a transient error; fail after TRIES attempts."""
    log.warning("job_postponed", job_id=str(job.pk), reason=type(error).__name__, attempts=job.attempts)
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()
    if job.attempts >= TRIES:
        services.finish(job, Job.State.FAILED, error_code="unavailable", error_message=NO_ANSWER)
        return
    wait = timedelta(seconds=WAITS[min(job.attempts, len(WAITS)) - 1])
    services.requeue(job, wait=wait)

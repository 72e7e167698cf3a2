"""Queries of jobs.

The business is the first argument; another business's ids raise NotFound.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from accounts.models import BusinessProfile
from core.errors import NotFound
from jobs.models import Job

PAGE = 30


def get_job(business: BusinessProfile, job_id: UUID) -> Job:
    """Return one of the business's jobs, with its author. Raises NotFound."""
    job = jobs_of(business).filter(pk=job_id).first()
    if job is None:
        raise NotFound("This job")
    return job


def recent(
    business: BusinessProfile, *, kind: str = "", before: UUID | None = None, limit: int = PAGE
) -> list[Job]:
    """Return the business's jobs, newest first.

    before: only those older than this job.
    """
    rows = jobs_of(business)
    if kind:
        rows = rows.filter(kind=kind)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return list(rows.order_by("-id")[:limit])


def running(business: BusinessProfile, kind: str) -> list[Job]:
    """Return the business's open jobs of this kind, oldest first."""
    rows = jobs_of(business).filter(kind=kind, state__in=[Job.State.QUEUED, Job.State.RUNNING])
    return list(rows.order_by("id"))


def jobs_of(business: BusinessProfile) -> QuerySet[Job]:
    """Return the business's jobs, unordered, without parameters and saved state."""
    return (
        Job.objects.filter(business_profile=business)
        .select_related("created_by", "undone_by", "undoes")
        .defer("params", "state_data")
    )

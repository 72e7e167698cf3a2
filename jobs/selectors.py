"""Reads about jobs. Every function takes the business first; another business's ids are NotFound."""

from __future__ import annotations

from uuid import UUID

from django.db.models import QuerySet

from accounts.models import BusinessProfile
from core.errors import NotFound
from jobs.models import Job

PAGE = 30


def get_job(business: BusinessProfile, job_id: UUID) -> Job:
    """One of the business's jobs, with who started it. Raises NotFound."""
    found = _shown(business).filter(pk=job_id).first()
    if found is None:
        raise NotFound("This job")
    return found


def recent(
    business: BusinessProfile, *, kind: str = "", before: UUID | None = None, limit: int = PAGE
) -> list[Job]:
    """The business's jobs, newest first. kind: only these. before: only those older than this job."""
    rows = _shown(business)
    if kind:
        rows = rows.filter(kind=kind)
    if before is not None:
        rows = rows.filter(pk__lt=before)
    return list(rows.order_by("-id")[:limit])


def running(business: BusinessProfile, kind: str) -> list[Job]:
    """The business's jobs of this kind that are not over, oldest first."""
    rows = _shown(business).filter(kind=kind, state__in=[Job.State.QUEUED, Job.State.RUNNING])
    return list(rows.order_by("id"))


def _shown(business: BusinessProfile) -> QuerySet[Job]:
    return (
        Job.objects.filter(business_profile=business)
        .select_related("created_by", "undone_by", "undoes")
        .defer("params", "state_data")
    )


def jobs_of(business: BusinessProfile) -> QuerySet[Job]:
    """The business's jobs, in no order."""
    return _shown(business)

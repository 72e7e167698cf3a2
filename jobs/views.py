"""Pages of jobs: list, detail, cancel, undo, download."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from django.http import FileResponse, HttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.access import MemberRequest, member
from accounts.roles import Can
from core.errors import Forbidden, InvalidInput
from core.web.htmx import redirect, render
from jobs import business_export, fragments, links, registry, selectors, services
from jobs.models import Job


@never_cache
@require_safe
@member()
def index(request: MemberRequest) -> HttpResponse:
    """List the business's jobs, newest first."""
    access = request.access
    jobs = selectors.recent(access.business, before=_key(request.GET.get("before")))
    more = jobs[-1].pk if len(jobs) == selectors.PAGE else None
    context = {"cards": fragments.cards(jobs, access), "more": more, "first": "before" not in request.GET}
    return render(request, "jobs/list.html", "jobs/_list.html", context)


@require_POST
@member(Can.MANAGE_BUSINESS)
def hand_over(request: MemberRequest) -> HttpResponse:
    """Start the export of all data of the business, and show the job."""
    job = business_export.start(request.access.business, request.access.user)
    return redirect(request, "jobs:detail", job.pk)


@never_cache
@require_safe
@member()
def detail(request: MemberRequest, job_id: UUID) -> HttpResponse:
    """Show one job."""
    return _page(request, selectors.get_job(request.access.business, job_id))


@require_POST
@member()
def cancel(request: MemberRequest, job_id: UUID) -> HttpResponse:
    """Cancel a job."""
    access = request.access
    _require(request, selectors.get_job(access.business, job_id))
    return _page(request, services.cancel(access.business, access.user, job_id))


@require_POST
@member()
def undo(request: MemberRequest, job_id: UUID) -> HttpResponse:
    """Start the job that undoes this one, and show it."""
    access = request.access
    _require(request, selectors.get_job(access.business, job_id))
    started = services.undo(access.business, access.user, job_id)
    return redirect(request, "jobs:detail", started.pk)


@never_cache
@require_safe
@member()
def file(request: MemberRequest, job_id: UUID) -> HttpResponse:
    """Download the result."""
    access = request.access
    job = selectors.get_job(access.business, job_id)
    _require(request, job)
    links.check(job, request.GET.get("key", ""))
    job, opened = services.open_result(access.business, access.user, job_id)
    response = cast(HttpResponse, FileResponse(opened, content_type=job.file_type))
    response["Content-Disposition"] = content_disposition_header(True, job.file_name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response["Cache-Control"] = "private, no-store"
    return response


def _page(request: MemberRequest, job: Job) -> HttpResponse:
    context = {"job": job, "card": fragments.card(job, request.access)}
    return render(request, "jobs/detail.html", "jobs/_job.html", context)


def _require(request: MemberRequest, job: Job) -> None:
    """Raise Forbidden unless the member has the capability of the job's kind."""
    kind = registry.find(job.kind)
    if kind is None:
        raise Forbidden("This version of WhatsFlow does not know this kind of job.")
    request.access.require(kind.capability)


def _key(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise InvalidInput(
            "invalid_cursor", "This page of the list does not exist.", field="before"
        ) from None

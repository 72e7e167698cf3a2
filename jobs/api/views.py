"""API endpoints of jobs."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.http import FileResponse, HttpResponse
from django.utils.http import content_disposition_header
from rest_framework.request import Request

from accounts.api.base import Endpoint
from accounts.api.operations import operation
from accounts.roles import Can
from accounts.scopes import Resource
from core.errors import Forbidden
from jobs import registry, selectors, services
from jobs.api import serializers
from jobs.models import Job


class Jobs(Endpoint):
    """Imports, exports and bulk actions: how far they are, and what came of them."""

    section = "Jobs"
    resource = Resource.JOBS
    capability = Can.EDIT_CONTACTS
    cursor_ordering = ("-id",)

    @operation(
        "List jobs",
        answer=serializers.JobSerializer,
        many=True,
        pages="cursor",
        ordering={"createdAt": ("id",)},
    )
    def list(self, request: Request) -> Any:
        """Newest first."""
        return selectors.jobs_of(self.business)

    @operation("Get a job", answer=serializers.JobSerializer)
    def retrieve(self, request: Request, job_id: UUID) -> Job:
        """`done` of `total` while it runs; ask again every few seconds."""
        return selectors.get_job(self.business, job_id)

    @operation("Cancel a job", answer=serializers.JobSerializer)
    def cancel(self, request: Request, job_id: UUID) -> Job:
        """Cancel the job; what it has done so far stays. 409 `job_is_over`."""
        self._permitted(job_id)
        return services.cancel(self.business, self.user, job_id)

    @operation("Undo a job", answer=serializers.JobSerializer, status=201)
    def undo(self, request: Request, job_id: UUID) -> Job:
        """Answers with the job that takes it back. 409 `cannot_be_undone`."""
        self._permitted(job_id)
        return services.undo(self.business, self.user, job_id)

    @operation(
        "Download a job's file", binary="application/octet-stream", can=Can.EDIT_CONTACTS, writes=False
    )
    def file(self, request: Request, job_id: UUID) -> HttpResponse:
        """Download the result: an export, or the rows that an import rejected."""
        self._permitted(job_id)
        job, opened = services.open_result(self.business, self.user, job_id)
        response = cast(HttpResponse, FileResponse(opened, content_type="application/octet-stream"))
        response["Content-Disposition"] = content_disposition_header(True, job.file_name) or "attachment"
        response["X-Content-Type-Options"] = "nosniff"
        return response

    def _permitted(self, job_id: UUID) -> None:
        """Raise Forbidden unless the caller has the capability of the job's kind.

        Raises NotFound.
        """
        kind = registry.find(selectors.get_job(self.business, job_id).kind)
        if kind is None:
            raise Forbidden("This version of WhatsFlow does not know this kind of job.")
        self.access.require(kind.capability)

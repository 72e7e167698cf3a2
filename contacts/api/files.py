"""API endpoints of contact imports and exports, which run as jobs."""

from __future__ import annotations

from rest_framework.request import Request

from accounts.api.base import Endpoint
from accounts.api.operations import operation
from accounts.roles import Can
from accounts.scopes import Resource
from contacts.api import filters, serializers
from contacts.exporting import exports
from contacts.importing import imports
from jobs.api.serializers import JobSerializer
from jobs.models import Job


class Files(Endpoint):
    """Import and export of contacts."""

    section = "Contacts"
    resource = Resource.CONTACTS
    capability = Can.EDIT_CONTACTS

    @operation(
        "Import contacts",
        body=serializers.ImportBody,
        answer=JobSerializer,
        multipart=True,
        status=201,
        fails=(503, 507),
    )
    def load(self, request: Request) -> Job:
        """Import CSV, Excel or vCard. Returns a job; the job's file lists rejected rows."""
        given = dict(self.data)
        file = given.pop("file")
        return imports.upload_and_start(self.business, self.user, file, file.name or "", **given)

    @operation(
        "Export contacts",
        body=serializers.ExportBody,
        answer=JobSerializer,
        status=201,
        example={"format": "csv", "filter": {"optedOut": False}},
    )
    def dump(self, request: Request) -> Job:
        """Export CSV, Excel or vCard. Returns a job; the file is at GET /jobs/{jobId}/file when the job is done."""
        params = exports.to_params(
            self.business,
            fmt=self.data["format"],
            ids=self.data.get("contact_ids"),
            filters=filters.read(self.business, self.data["filter"]).to_dict(),
        )
        return exports.start(self.business, self.user, params)

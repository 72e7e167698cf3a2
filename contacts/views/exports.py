"""The export of contacts: a download when it is small, else a job."""

from __future__ import annotations

import json
from typing import Any, cast

from django.http import HttpResponse, StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_POST

from accounts.access import MemberRequest, member
from accounts.roles import Can
from contacts.exporting import exports
from contacts.exporting import job as exporting
from core.errors import InvalidInput
from core.web.htmx import redirect


@require_POST
@member(Can.EDIT_CONTACTS)
def export(request: MemberRequest) -> HttpResponse:
    """POST: export contacts.

    ids, or with all=1 those who pass `filter` (JSON); format: csv, xlsx or vcard.
    """
    access = request.access
    ids = None if request.POST.get("all") else request.POST.getlist("ids")
    params = exports.to_params(
        access.business, fmt=request.POST.get("format", "csv"), ids=ids, filters=_filter(request)
    )
    if not exports.is_small(access.business, params):
        return redirect(request, "jobs:detail", exports.start(access.business, access.user, params).pk)
    pieces = exports.at_once(access.business, access.user, params)
    response = cast(
        HttpResponse, StreamingHttpResponse(pieces, content_type=exporting.TYPES[params["format"]])
    )
    name = exporting.file_name(params["format"])
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


def _filter(request: MemberRequest) -> dict[str, Any]:
    try:
        stored = json.loads(request.POST.get("filter") or "{}")
    except ValueError:
        stored = None
    if not isinstance(stored, dict):
        raise InvalidInput("invalid_filter", "This page is out of date. Open the list again.", field="filter")
    return stored

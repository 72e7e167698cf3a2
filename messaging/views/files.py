"""Upload and download of files, for members of the business."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_POST, require_safe

from accounts.access import MemberRequest, member
from accounts.roles import Can
from core.errors import InvalidInput
from messaging.inbox import downloads
from messaging.media import media_files as files


@require_POST
@member(Can.REPLY)
def upload(request: MemberRequest) -> HttpResponse:
    """POST: upload a file for a message. Returns id, kind, name and size as JSON."""
    file = request.FILES.get("file")
    if file is None:
        raise InvalidInput("no_file", "Choose a file first.", field="file")
    media_file = files.store_upload(request.access.business, request.access.user, file)
    return JsonResponse(
        {
            "id": str(media_file.pk),
            "kind": media_file.kind,
            "name": media_file.name,
            "size": media_file.size,
        },
        status=201,
    )


@require_safe
@member()
def media(request: MemberRequest, media_id: UUID) -> HttpResponse:
    """GET: a file, inline if its type is safe, else as a download."""
    return downloads.file_response(request, request.access.business, media_id)


@require_safe
@member()
def thumbnail(request: MemberRequest, media_id: UUID) -> HttpResponse:
    """GET: the thumbnail of a file."""
    return downloads.file_response(request, request.access.business, media_id, thumbnail=True)

"""Files of messages: taken in, and given to members of the business alone."""

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
    """Keep a file for a message that is still being written. Answers with its id, kind and name."""
    file = request.FILES.get("file")
    if file is None:
        raise InvalidInput("no_file", "Choose a file first.", field="file")
    kept = files.store_upload(request.access.business, request.access.user, file)
    return JsonResponse(
        {"id": str(kept.pk), "kind": kept.kind, "name": kept.name, "size": kept.size}, status=201
    )


@require_safe
@member()
def media(request: MemberRequest, media_id: UUID) -> HttpResponse:
    """The file itself: shown in the page if its type is harmless there, else a download."""
    return downloads.answer(request, request.access.business, media_id)


@require_safe
@member()
def thumbnail(request: MemberRequest, media_id: UUID) -> HttpResponse:
    """A small picture of it."""
    return downloads.answer(request, request.access.business, media_id, thumbnail=True)

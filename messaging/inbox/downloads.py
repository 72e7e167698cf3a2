"""HTTP responses for stored files, hardened against active content.

Only images, audio and video are shown inline; everything else, including PDF, is a download. `nosniff` fixes the
declared type, and a CSP sandboxes a file that is opened as a document.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import IO, Any, cast
from uuid import UUID

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header

from accounts.models import BusinessProfile
from core.errors import NotFound
from messaging.media import media_files
from messaging.models import MediaFile

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, max-age=86400, immutable",
}
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})$")
_CHUNK = 64 * 1024


def file_response(
    request: HttpRequest, business: BusinessProfile, media_id: UUID, *, thumbnail: bool = False
) -> HttpResponse:
    """Return a file of the business, or the part named by a Range header. Raises NotFound.

    With S3 the response redirects to a signed URL that expires in minutes. `?download` forces a download.
    """
    if settings.S3_BUCKET:
        return _signed_link(request, media_files.get_media(business, media_id), thumbnail)
    opened = media_files.open_media(business, media_id, thumbnail=thumbnail)
    response = cast(HttpResponse, _stream(request, opened))
    for header, value in HEADERS.items():
        response[header] = value
    response["Content-Disposition"] = _disposition(request, opened.delivery)
    response["Accept-Ranges"] = "bytes"
    return response


def _disposition(request: HttpRequest, delivery: media_files.Delivery) -> str:
    attached = not delivery.inline or "download" in request.GET
    return content_disposition_header(attached, _safe_name(delivery.name)) or "inline"


def _signed_link(request: HttpRequest, row: MediaFile, thumbnail: bool) -> HttpResponse:
    stored = row.thumbnail if thumbnail else row.file
    if row.state != MediaFile.State.READY or not stored:
        raise NotFound("This file")
    delivery = media_files.delivery(row, thumbnail=thumbnail)
    parameters = {
        "ResponseContentType": delivery.mime,
        "ResponseContentDisposition": _disposition(request, delivery),
    }
    storage: Any = stored.storage
    response = HttpResponseRedirect(storage.url(stored.name, parameters=parameters))
    response["Cache-Control"] = "private, no-store"
    return response


def _stream(request: HttpRequest, opened: media_files.OpenMedia) -> HttpResponseBase:
    source, size, mime = opened.file, opened.size, opened.delivery.mime
    span = _range(request.headers.get("Range", ""), size)
    if span is None:
        return FileResponse(source, content_type=mime, headers={"Content-Length": str(size)})
    start, end = span
    if start > end:
        source.close()
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    source.seek(start)
    response = StreamingHttpResponse(_read(source, end - start + 1), status=206, content_type=mime)
    response["Content-Range"] = f"bytes {start}-{end}/{size}"
    response["Content-Length"] = str(end - start + 1)
    return response


def _range(header: str, size: int) -> tuple[int, int] | None:
    """Parse a Range header into first and last byte; None for the whole file (no or an unsupported range).

    In an unsatisfiable range the first byte is after the last.
    """
    match = _RANGE.match(header.strip())
    if match is None or (not match[1] and not match[2]):
        return None
    if not match[1]:
        length = int(match[2])
        return (max(size - length, 0), size - 1) if length else (1, 0)
    start = int(match[1])
    end = min(int(match[2]), size - 1) if match[2] else size - 1
    return (start, end) if start < size else (1, 0)


def _read(source: IO[bytes], left: int) -> Iterator[bytes]:
    with source:
        while left > 0:
            chunk = source.read(min(_CHUNK, left))
            if not chunk:
                return
            left -= len(chunk)
            yield chunk


def _safe_name(name: str) -> str:
    """Replace control and direction characters, which could reverse the name or break a header."""
    safe = "".join("_" if unicodedata.category(char) in ("Cc", "Cf") else char for char in name)
    return safe.strip() or "file"

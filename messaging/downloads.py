"""Stored files over HTTP, in a way that nothing in them can act in our pages.

Only pictures, sound and film are shown in place; everything else, PDF too, is a download. Whatever it is, the browser
must believe the type that we say, and a document opened by itself is sandboxed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import IO, Any

from django.conf import settings
from django.db.models.fields.files import FieldFile
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header

from whatsflow.core.errors import NotFound

THUMBNAIL_TYPE = "image/jpeg"
INLINE = frozenset(
    {
        "image/jpeg",
        "image/png",
        "image/gif",
        "image/webp",
        "video/mp4",
        "video/webm",
        "video/3gpp",
        "audio/ogg",
        "audio/mpeg",
        "audio/mp4",
        "audio/aac",
        "audio/amr",
        "audio/wav",
        "audio/x-wav",
        "audio/webm",
    }
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, max-age=86400, immutable",
}
_RANGE = re.compile(r"bytes=(\d*)-(\d*)$")
_CHUNK = 64 * 1024


def answer(
    request: HttpRequest, file: FieldFile, *, mime: str, name: str, download: bool = False
) -> HttpResponseBase:
    """The file, or the part of it that a Range header asks for; from an S3 store a link that is good for minutes.

    Raises NotFound when nothing is stored.
    """
    if not file:
        raise NotFound("This file")
    inline = mime in INLINE and not download
    disposition = content_disposition_header(not inline, _safe_name(name)) or "attachment"
    if settings.S3_BUCKET:
        return _signed_link(file, mime, disposition)
    try:
        response = _stream(request, file.open("rb"), file.size, mime)
    except FileNotFoundError:
        raise NotFound("This file") from None
    for header, value in HEADERS.items():
        response[header] = value
    response["Content-Disposition"] = disposition
    response["Accept-Ranges"] = "bytes"
    return response


def _signed_link(file: FieldFile, mime: str, disposition: str) -> HttpResponse:
    parameters = {"ResponseContentType": mime, "ResponseContentDisposition": disposition}
    storage: Any = file.storage
    response = HttpResponseRedirect(storage.url(file.name, parameters=parameters))
    response["Cache-Control"] = "private, no-store"
    return response


def _stream(request: HttpRequest, source: IO[bytes], size: int, mime: str) -> HttpResponseBase:
    span = _range(request.headers.get("Range", ""), size)
    if span is None:
        return FileResponse(source, content_type=mime)
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
    """First and last byte asked for; None for the whole file (no range, or one that we do not serve).

    What cannot be satisfied has its first byte after its last.
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
    """`name` without characters that could turn it around or break a header."""
    kept = "".join("_" if unicodedata.category(letter) in ("Cc", "Cf") else letter for letter in name)
    return kept.strip() or "file"

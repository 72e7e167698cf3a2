"""The Idempotency-Key header."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse, HttpResponseBase
from rest_framework.request import Request

from accounts.services import idempotency
from core.security.crypto import fingerprint

HEADER = "Idempotency-Key"


def answer(endpoint: Any, request: Request, carry_out: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """Carry the request out, unless one with its key was: then that one's answer once more."""
    key = request.headers.get(HEADER)
    if key is None:
        return carry_out()
    name = f"{request.method} {request.path}"
    whose = endpoint.user if endpoint.operation.personal else endpoint.business
    begun = idempotency.begin(whose, name, key, body_hash(request.data))
    if isinstance(begun, idempotency.StoredResponse):
        stored = HttpResponse(begun.body, content_type="application/json", status=begun.status)
        stored["Idempotency-Replayed"] = "true"
        return stored
    try:
        response = carry_out()
    except BaseException:
        idempotency.abandon(begun)
        raise
    written = endpoint.finalize_response(request, response)
    if hasattr(written, "render"):
        written.render()
    idempotency.finish(begun, written.status_code, written.content.decode())
    return response


def token_of(request: Request) -> str | None:
    """The request's key in 64 characters, for services that keep a token of their own with what they make.

    Then not even a process that dies between the change and the stored answer makes a second one.
    """
    key = request.headers.get(HEADER)
    return None if key is None else fingerprint(f"{request.method} {request.path} {key}")


def body_hash(data: Any) -> str:
    """SHA-256 of what was sent: of the JSON whatever its blanks and order, of a form with its files' contents."""
    digest = hashlib.sha256()
    if hasattr(data, "lists"):
        for name, values in sorted(data.lists()):
            for value in values:
                digest.update(f"{name}\0".encode())
                digest.update(_content(value) if isinstance(value, UploadedFile) else str(value).encode())
    else:
        digest.update(json.dumps(data, sort_keys=True).encode())
    return digest.hexdigest()


def _content(file: UploadedFile) -> bytes:
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    return digest.digest()

"""Handling of the Idempotency-Key header."""

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
    """Execute the request, or replay the stored response of an earlier one with its key."""
    key = request.headers.get(HEADER)
    if key is None:
        return carry_out()
    name = f"{request.method} {request.path}"
    owner = endpoint.user if endpoint.operation.personal else endpoint.business
    record = idempotency.begin(owner, name, key, body_hash(request.data))
    if isinstance(record, idempotency.StoredResponse):
        stored = HttpResponse(record.body, content_type="application/json", status=record.status)
        stored["Idempotency-Replayed"] = "true"
        return stored
    try:
        response = carry_out()
    except BaseException:
        idempotency.abandon(record)
        raise
    final = endpoint.finalize_response(request, response)
    if hasattr(final, "render"):
        final.render()
    idempotency.finish(record, final.status_code, final.content.decode())
    return response


def token_of(request: Request) -> str | None:
    """Hash the request's key to 64 characters, for services that store a token with the created object.

    That prevents duplicates even if the process dies between the change and the stored response.
    """
    key = request.headers.get(HEADER)
    return None if key is None else fingerprint(f"{request.method} {request.path} {key}")


def body_hash(data: Any) -> str:
    """Hash a request body: JSON regardless of whitespace and key order, forms with the contents of files."""
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

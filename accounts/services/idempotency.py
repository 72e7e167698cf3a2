"""Idempotency keys: the first request is executed, its repetitions get the stored response.

A record belongs to a business (or user), endpoint and key and is kept for a day. Only successful responses are stored:
a rejected request may be corrected and sent again under the same key.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.models import BusinessProfile, IdempotencyRecord, User
from core.clock import now
from core.errors import Conflict, InvalidInput

LIFETIME = timedelta(hours=24)
ABANDONED_AFTER = timedelta(minutes=3)
"""A first request that has not finished after this time has crashed; the next one takes its place."""
MAX_KEY_LENGTH = 255
KEY = r"^[!-~]([ -~]*[!-~])?$"
"""Printable ASCII without blanks at the ends, which HTTP headers do not preserve."""


@dataclass(frozen=True)
class StoredResponse:
    """Response of the first request."""

    status: int
    body: str


def begin(scope: BusinessProfile | User, endpoint: str, key: str, body_hash: str) -> StoredResponse | UUID:
    """Return the stored response, or the id of a new record that the caller must `finish` or `abandon`.

    scope: the business in which the request acts, or the user where there is none.
    Raises InvalidInput("invalid_idempotency_key" | "idempotency_key_reused"), Conflict("request_in_progress").
    """
    if len(key) > MAX_KEY_LENGTH or not re.fullmatch(KEY, key):
        raise InvalidInput(
            "invalid_idempotency_key",
            f"An Idempotency-Key has 1 to {MAX_KEY_LENGTH} printable ASCII characters.",
        )
    columns = {"user" if isinstance(scope, User) else "business_profile": scope, "endpoint": endpoint[:255]}
    return _insert(columns, key, body_hash) or _repeat(columns, key, body_hash)


def finish(record_id: UUID, status: int, body: str) -> None:
    """Store the response for replay."""
    IdempotencyRecord.objects.filter(pk=record_id).update(status=status, answer=body)


def abandon(record_id: UUID) -> None:
    """Release the key after a failed request."""
    IdempotencyRecord.objects.filter(pk=record_id, status=None).delete()


def prune() -> None:
    """Delete expired records."""
    IdempotencyRecord.objects.filter(expires_at__lt=now()).delete()


def _insert(columns: dict[str, Any], key: str, body_hash: str) -> UUID | None:
    moment = now()
    try:
        with transaction.atomic():
            return IdempotencyRecord.objects.create(
                **columns,
                key=key,
                body_hash=body_hash,
                started_at=moment,
                expires_at=moment + LIFETIME,
            ).pk
    except IntegrityError:
        return None


def _repeat(columns: dict[str, Any], key: str, body_hash: str) -> StoredResponse | UUID:
    with transaction.atomic():
        row = IdempotencyRecord.objects.select_for_update().filter(**columns, key=key).first()
        if row is None:  # abandoned between our insert and this query
            raise _in_progress()
        moment = now()
        if row.expires_at > moment:
            if row.body_hash != body_hash:
                raise InvalidInput(
                    "idempotency_key_reused",
                    "This Idempotency-Key was used for another request. Use a new one for each request.",
                )
            if row.status is not None:
                return StoredResponse(row.status, row.answer)
            if moment - row.started_at < ABANDONED_AFTER:
                raise _in_progress()
        row.body_hash, row.status, row.answer = body_hash, None, ""
        row.started_at, row.expires_at = moment, moment + LIFETIME
        row.save()
        return row.pk


def _in_progress() -> Conflict:
    return Conflict(
        "request_in_progress",
        "The first request with this Idempotency-Key has not ended yet. Try again soon.",
    )

"""Requests that may be repeated: the first one is carried out, its repetitions get the same answer.

A record belongs to business (or person), endpoint and key and lives for a day. Only answers that did something are
kept: a refused request may be corrected and sent again under the same key.
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
GIVEN_UP = timedelta(minutes=3)
"""A first request that has not ended after so long died with its process: the next one takes its place."""
LONGEST = 255
KEY = r"^[!-~]([ -~]*[!-~])?$"
"""Printable ASCII, as headers carry it; no blanks at the ends, which are lost on the way."""


@dataclass(frozen=True)
class Stored:
    """An answer that was given before."""

    status: int
    body: str


def begin(whose: BusinessProfile | User, endpoint: str, key: str, body_hash: str) -> Stored | UUID:
    """The stored answer, or the id of the record that the caller must `finish` or `abandon`.

    whose: the business in which the request acts, or the person for what is not of a business.
    Raises InvalidInput("invalid_idempotency_key" | "idempotency_key_reused"), Conflict("request_in_progress").
    """
    if len(key) > LONGEST or not re.fullmatch(KEY, key):
        raise InvalidInput(
            "invalid_idempotency_key", f"An Idempotency-Key has 1 to {LONGEST} printable ASCII characters."
        )
    place = {"user" if isinstance(whose, User) else "business_profile": whose, "endpoint": endpoint[:255]}
    return _insert(place, key, body_hash) or _repeat(place, key, body_hash)


def finish(record_id: UUID, status: int, body: str) -> None:
    """Keep the answer."""
    IdempotencyRecord.objects.filter(pk=record_id).update(status=status, answer=body)


def abandon(record_id: UUID) -> None:
    """Nothing was done: the key is free again."""
    IdempotencyRecord.objects.filter(pk=record_id, status=None).delete()


def prune() -> None:
    """Forget what is older than a day."""
    IdempotencyRecord.objects.filter(expires_at__lt=now()).delete()


def _insert(place: dict[str, Any], key: str, body_hash: str) -> UUID | None:
    moment = now()
    try:
        with transaction.atomic():
            return IdempotencyRecord.objects.create(
                **place,
                key=key,
                body_hash=body_hash,
                started_at=moment,
                expires_at=moment + LIFETIME,
            ).pk
    except IntegrityError:
        return None


def _repeat(place: dict[str, Any], key: str, body_hash: str) -> Stored | UUID:
    with transaction.atomic():
        row = IdempotencyRecord.objects.select_for_update().filter(**place, key=key).first()
        if row is None:  # abandoned between our insert and this look
            raise _in_progress()
        moment = now()
        if row.expires_at > moment:
            if row.body_hash != body_hash:
                raise InvalidInput(
                    "idempotency_key_reused",
                    "This Idempotency-Key was used for another request. Use a new one for each request.",
                )
            if row.status is not None:
                return Stored(row.status, row.answer)
            if moment - row.started_at < GIVEN_UP:
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

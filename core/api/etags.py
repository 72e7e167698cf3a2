"""Optimistic locking: ETag on reads, If-Match on writes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import models, transaction

from core.api.framework import to_json
from core.errors import DomainError


class PreconditionFailed(DomainError):
    """If-Match names another version than the current one."""

    status = 412


def tag_of(representation: Any) -> str:
    """Compute the ETag of a full representation."""
    return f'"{hashlib.sha256(to_json(representation)).hexdigest()[:32]}"'


def matches(header: str, tag: str) -> bool:
    """Whether an If-Match or If-None-Match header contains `tag`."""
    return header.strip() == "*" or tag in [part.strip().removeprefix("W/") for part in header.split(",")]


@contextmanager
def unchanged(header: str | None, load: Callable[[], Any], represent: Callable[[Any], Any]) -> Iterator[None]:
    """Run the block if the object that `load` returns has the header's version; lock its row until the block ends.

    header: If-Match; None runs the block without a check. Raises PreconditionFailed.
    """
    if header is None:
        yield
        return
    with transaction.atomic():
        row = load()
        if isinstance(row, models.Model):
            list(type(row)._base_manager.select_for_update().filter(pk=row.pk).values_list("pk"))
            row = load()
        if not matches(header, tag_of(represent(row))):
            raise PreconditionFailed(
                "precondition_failed", "Somebody has changed this meanwhile. Read it again, then change it."
            )
        yield

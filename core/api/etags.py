"""Versions of things: an ETag on what is read, If-Match on what is changed: nobody overwrites unseen changes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import models, transaction

from core.api.framework import to_json
from core.errors import DomainError


class PreconditionFailed(DomainError):
    """The thing is not in the version that the caller has seen."""

    status = 412


def tag_of(representation: Any) -> str:
    """The ETag of something as it is told in full."""
    return f'"{hashlib.sha256(to_json(representation)).hexdigest()[:32]}"'


def matches(header: str, tag: str) -> bool:
    """Whether `tag` is one of those in an If-Match or If-None-Match header."""
    return header.strip() == "*" or tag in [part.strip().removeprefix("W/") for part in header.split(",")]


@contextmanager
def unchanged(header: str | None, load: Callable[[], Any], represent: Callable[[Any], Any]) -> Iterator[None]:
    """Run the block only while what `load` gives is as the header says, and hold it like that until the block ends.

    Raises PreconditionFailed. Without a header the block just runs.
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

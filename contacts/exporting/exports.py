"""Exports: small ones within a request, large ones as a job."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast
from uuid import UUID

from django.db import transaction

from accounts.models import BusinessProfile, User
from accounts.services import audit
from contacts import selection
from contacts.exporting import job as exporting
from contacts.selection import Selection
from core.errors import InvalidInput
from jobs import services as jobs
from jobs.models import Job

AT_ONCE = 5_000
"""Contacts that are exported within a request."""


def to_params(
    business: BusinessProfile, *, fmt: str, ids: Sequence[str | UUID] | None, filters: Mapping[str, Any]
) -> dict[str, Any]:
    """Check an export and return its job parameters.

    ids None: everybody who passes `filters`. Raises InvalidInput.
    """
    if fmt not in exporting.FORMATS:
        raise InvalidInput("unknown_format", f"Choose one of {', '.join(exporting.FORMATS)}.", field="format")
    return {"format": fmt, **selection.to_params(business, ids, filters)}


def is_small(business: BusinessProfile, params: Mapping[str, Any]) -> bool:
    """Return whether the export is small enough to be written within a request."""
    rows = Selection(business, params).rows().order_by("pk")
    return not rows[AT_ONCE : AT_ONCE + 1].exists()


def start(business: BusinessProfile, actor: User, params: Mapping[str, Any]) -> Job:
    """Start the job that writes the file."""
    words = exporting.FORMATS[params["format"]]
    return jobs.start(business, actor, exporting.KIND, dict(params), title=f"Contacts as {words}")


def at_once(business: BusinessProfile, actor: User, params: Mapping[str, Any]) -> Iterator[bytes]:
    """Return the file in pieces, written as its pages are read. Adds an audit entry."""
    with transaction.atomic():
        audit.record(business, actor, "contacts.exported", format=params["format"])
    return _pieces(business, Selection(business, params), params["format"])


def _pieces(business: BusinessProfile, contacts: Selection, fmt: str) -> Iterator[bytes]:
    with SpooledTemporaryFile(max_size=1024 * 1024) as spool:
        sent = 0
        for _ in exporting.write(business, contacts, fmt, cast(IO[bytes], spool)):
            if fmt != "xlsx":  # a workbook has its beginning at its end
                spool.seek(sent)
                piece = spool.read()
                sent += len(piece)
                yield piece
        spool.seek(sent)
        while piece := spool.read(64 * 1024):
            yield piece

"""Exports: small ones at once, large ones as a job whose file is fetched by a link that expires."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast
from uuid import UUID

from django.db import transaction

from accounts.models import BusinessProfile, User
from accounts.services import audit
from contacts.api import filters
from contacts.bulk.selection import Chosen
from contacts.exporting import job as exporting
from contacts.filters.contact_filter import ContactFilter
from core.errors import InvalidInput
from jobs import services as jobs
from jobs.models import Job

AT_ONCE = 5_000
"""Contacts that are exported while the person waits."""
MOST_IDS = 1_000


def params_of(
    business: BusinessProfile, *, fmt: str, ids: Sequence[str] | None, wanted: Mapping[str, Any]
) -> dict[str, Any]:
    """What is asked for, checked, as JSON. ids None: everybody who passes the filter `wanted`. Raises InvalidInput."""
    if fmt not in exporting.FORMATS:
        raise InvalidInput("unknown_format", f"Choose one of {', '.join(exporting.FORMATS)}.", field="format")
    if ids is None:
        return {"format": fmt, "filter": ContactFilter.parse(business, wanted).to_dict()}
    try:
        keys = [str(UUID(one)) for one in ids]
    except ValueError:
        keys = []
    if not keys or len(keys) > MOST_IDS:
        raise InvalidInput("nobody_chosen", f"Choose 1 to {MOST_IDS} contacts first.", field="ids")
    return {"format": fmt, "ids": keys}


def is_small(business: BusinessProfile, params: Mapping[str, Any]) -> bool:
    """Whether the export can be had at once. Looks no further than it must."""
    rows = Chosen(business, params).rows().order_by("pk")
    return not rows[AT_ONCE : AT_ONCE + 1].exists()


def start(business: BusinessProfile, actor: User, params: Mapping[str, Any]) -> Job:
    """Have the file written in the background."""
    words = exporting.FORMATS[params["format"]]
    return jobs.start(business, actor, exporting.KIND, dict(params), title=f"Contacts as {words}")


def at_once(business: BusinessProfile, actor: User, params: Mapping[str, Any]) -> Iterator[bytes]:
    """The file in pieces, as its pages are read. Noted in the audit log."""
    with transaction.atomic():
        audit.record(business, actor, "contacts.exported", format=params["format"])
    return _pieces(business, Chosen(business, params), params["format"])


def _pieces(business: BusinessProfile, chosen: Chosen, fmt: str) -> Iterator[bytes]:
    with SpooledTemporaryFile(max_size=1024 * 1024) as spool:
        sent = 0
        for _ in exporting.write(business, chosen, fmt, cast(IO[bytes], spool)):
            if fmt != "xlsx":  # a workbook has its beginning at its end
                spool.seek(sent)
                piece = spool.read()
                sent += len(piece)
                yield piece
        spool.seek(sent)
        while piece := spool.read(64 * 1024):
            yield piece


def order(
    business: BusinessProfile,
    actor: User,
    *,
    format: str,
    filter: Mapping[str, Any],
    contact_ids: Sequence[UUID] | None = None,
) -> Job:
    """As a program asks for it: always a job. filter: in the API's spelling. Raises InvalidInput."""
    ids = None if contact_ids is None else [str(one) for one in contact_ids]
    wanted = filters.read(business, filter).to_dict()
    return start(business, actor, params_of(business, fmt=format, ids=ids, wanted=wanted))

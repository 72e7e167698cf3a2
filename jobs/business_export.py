"""The job that exports all data of a business as one archive."""

from __future__ import annotations

from typing import Any

from accounts.models import BusinessProfile, User
from accounts.services import personal_data
from core.clock import now
from jobs import services
from jobs.context import Work
from jobs.models import Job

KIND = "business.export"
WORDS = {"rows": "Rows"}


class _Stopped(Exception):
    """The job was cancelled."""


def start(business: BusinessProfile, actor: User) -> Job:
    """Start the export in the background."""
    return services.start(business, actor, KIND, {}, title="Everything of this business")


def run(work: Work) -> dict[str, Any]:
    """Write every table of the business as JSON lines, without the media files."""
    written = 0

    def each() -> None:
        nonlocal written
        written += personal_data.CHUNK
        work.progress(written)
        if work.cancelled():
            raise _Stopped

    try:
        with (
            work.result(f"business-{now():%Y-%m-%d}.zip", personal_data.CONTENT_TYPE) as out,
            personal_data.Archive(out) as archive,
        ):
            rows = personal_data.write_tables(archive, work.business, each)
    except _Stopped:
        return {"rows": 0, "notes": ["Stopped. No file was kept."]}
    return {"rows": rows}

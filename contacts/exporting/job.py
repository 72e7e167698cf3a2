"""Write exports: as the job "contacts.export", or straight into a response."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

from accounts.models import BusinessProfile
from contacts.exporting import vcard
from contacts.exporting.rows import Exported
from contacts.selection import Selection
from core.clock import now
from core.files import spreadsheets
from jobs.context import Work

KIND = "contacts.export"
WORDS = {"exported": "Exported"}
FORMATS = {"csv": "CSV", "xlsx": "Excel (XLSX)", "vcard": "vCard"}
TYPES = {"csv": spreadsheets.CSV_TYPE, "xlsx": spreadsheets.XLSX_TYPE, "vcard": vcard.CONTENT_TYPE}
_ENDINGS = {"csv": "csv", "xlsx": "xlsx", "vcard": "vcf"}


def file_name(fmt: str) -> str:
    """Return the file name of today's export."""
    return f"contacts-{now():%Y-%m-%d}.{_ENDINGS[fmt]}"


def run(work: Work) -> dict[str, Any]:
    """Job handler: write the selected contacts into a file.

    After a takeover it starts over, because it is one file.
    """
    selection = Selection(work.business, work.params)
    fmt = work.params.get("format", "csv")
    total = selection.count()
    done = 0
    with work.result(file_name(fmt), TYPES[fmt]) as out:
        for count in write(work.business, selection, fmt, out):
            done += count
            work.progress(done, max(total, done))
            if work.cancelled():
                break
    if work.was_cancelled:
        work.withdraw_result()
        return {"exported": 0, "notes": ["Stopped. No file was kept."]}
    return {"exported": done}


def write(business: BusinessProfile, selection: Selection, fmt: str, out: IO[bytes]) -> Iterator[int]:
    """Write the file into `out`, page by page; yields the sizes of the pages."""
    exported = Exported(business, selection)
    if fmt == "vcard":
        cards = vcard.VcardWriter(out)
        for page in exported.pages():
            for contact, tags in page:
                cards.write(contact, tags)
            yield len(page)
        return
    table = spreadsheets.WRITERS[fmt](out, exported.columns)
    for page in exported.pages():
        for contact, tags in page:
            table.write(exported.row(contact, tags))
        yield len(page)
    table.close()

"""Detect the format of an uploaded file by its content, and open it as a table."""

from __future__ import annotations

from itertools import islice
from typing import IO

from contacts.importing import text
from contacts.importing.csv_reader import open_csv
from contacts.importing.limits import MAX_BYTES, MAX_ROWS, Unreadable, too_many_rows
from contacts.importing.tables import Options, Table
from contacts.importing.vcard_reader import looks_like_cards, open_vcard
from contacts.importing.xlsx_reader import open_xlsx, refuse_ole

OPENERS = {"csv": open_csv, "xlsx": open_xlsx, "vcard": open_vcard}


def format_of(file: IO[bytes]) -> str:
    """Return csv, xlsx or vcard.

    Raises Unreadable for files that are empty, too large, or something else.
    """
    size = file.seek(0, 2)
    if size == 0:
        raise Unreadable("empty_file", "The file is empty. Choose one with at least one contact.")
    if size > MAX_BYTES:
        raise Unreadable(
            "file_too_large",
            f"The file has {size / 1024 / 1024:.0f} MB; an import takes {MAX_BYTES // 1024 // 1024} MB. Split it.",
        )
    refuse_ole(file)
    file.seek(0)
    head = file.read(4096)
    if head.startswith(b"PK\x03\x04"):
        return "xlsx"
    text.refuse_binary(head)
    return "vcard" if looks_like_cards(head) else "csv"


def open_table(file: IO[bytes], options: Options | None = None) -> Table:
    """Open a file as a table. Raises Unreadable."""
    return OPENERS[format_of(file)](file, options or Options())


def count_rows(table: Table) -> int:
    """Count the rows; for XLSX the result may be too high.

    Raises Unreadable for too many.
    """
    count = table.count
    if count is None:
        count = sum(1 for _ in islice(table.rows(), MAX_ROWS + 2))
    if count > MAX_ROWS + 1:
        raise too_many_rows()
    return count

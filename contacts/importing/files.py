"""Which kind of file it is, by its content, and its table."""

from __future__ import annotations

import zipfile
from typing import IO

from contacts.importing import text
from contacts.importing.csv_reader import open_csv
from contacts.importing.limits import MAX_BYTES, MAX_ROWS, Unreadable, too_many_rows
from contacts.importing.tables import Options, Table
from contacts.importing.vcard_reader import looks_like_cards, open_vcard
from contacts.importing.xlsx_reader import open_xlsx, refuse_ole

OPENERS = {"csv": open_csv, "xlsx": open_xlsx, "vcard": open_vcard}


def format_of(file: IO[bytes]) -> str:
    """csv, xlsx or vcard. Raises Unreadable for files that are empty, too large, or something else."""
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
    """The file as a table. Raises Unreadable."""
    return OPENERS[format_of(file)](file, options or Options())


def count_rows(table: Table, file: IO[bytes]) -> int:
    """How many rows there are to be read, without reading them cell by cell; of an XLSX a little too many perhaps.

    Raises Unreadable when there are too many.
    """
    count = _rows_of_sheet(file) if table.format == "xlsx" else sum(1 for _ in table.rows())
    if count > MAX_ROWS + 1:
        raise too_many_rows()
    return count


def _rows_of_sheet(file: IO[bytes]) -> int:
    """Rows that the largest sheet of a workbook writes down, counted in its XML."""
    most = 0
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                most = max(most, _count(archive, name, b"<row "))
    return most


def _count(archive: zipfile.ZipFile, name: str, mark: bytes) -> int:
    found, tail = 0, b""
    with archive.open(name) as source:
        while chunk := source.read(1024 * 1024):
            found += (tail + chunk).count(mark)
            tail = chunk[-len(mark) + 1 :]
    return found

"""Read XLSX: check the archive, then parse it in a child process.

Formulas give their last value.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO

from contacts.importing.limits import (
    CELL_LENGTH,
    MAX_COLUMNS,
    MAX_PARTS,
    MAX_ROWS,
    MAX_UNZIPPED,
    Unreadable,
    too_many_columns,
    too_many_rows,
)
from contacts.importing.tables import Options, Row, Table, looks_like_names, name_columns
from core.decoding import sandbox
from core.files import archives

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
HEAD_ROWS = 250
"""Rows that are read when the file is opened, for the preview and the guess of the mapping."""
OUTPUT = 512 * 1024 * 1024
"""Bytes of all rows as text."""
ROWS_SECONDS = 20
"""CPU seconds for reading all rows, outside of requests."""


def open_xlsx(file: IO[bytes], options: Options) -> Table:
    """Open the first visible sheet as a table. Raises Unreadable, sandbox.Busy."""
    refuse_ole(file)
    check_archive(file)
    with _read(file, options, rows=False) as result:
        values = result.values
    names, count = values["names"], values["count"]
    head: list[Row] = [(number, cells) for number, cells in values["head"]]
    if not head:
        raise Unreadable(
            "empty_file", f"The sheet “{names[0]}” is empty. Put the contacts on the first sheet."
        )
    first = head[0][1]
    header = looks_like_names(first) if options.header is None else options.header
    columns, notes = name_columns(first, header)
    if len(names) > 1:
        notes.append(f"The file has several sheets; only the first, “{names[0]}”, is read.")

    def read() -> Iterator[Row]:
        yield from head[int(header) :]
        if head[-1][0] < count:
            for number, cells in _all_rows(file, options):
                if number > head[-1][0]:
                    yield number, cells

    return Table("xlsx", columns, read, header, notes=notes, count=count)


def _all_rows(file: IO[bytes], options: Options) -> Iterator[Row]:
    with _read(file, options, rows=True) as result:
        for line in result.file:
            number, cells = json.loads(line)
            yield number, cells


def refuse_ole(file: IO[bytes]) -> None:
    """Raise Unreadable for the old format and for encrypted files, which look alike."""
    file.seek(0)
    if file.read(8) == OLE:
        raise Unreadable(
            "old_excel",
            "This is an Excel file of the old format (XLS) or one with a password. Save it as XLSX without a password.",
        )


def check_archive(file: IO[bytes]) -> None:
    """Raise Unreadable for archives that unpack to too much, or are no workbook."""
    try:
        with archives.open_archive(file, max_entries=MAX_PARTS, max_unpacked=MAX_UNZIPPED) as archive:
            if "xl/workbook.xml" not in archive.namelist():
                raise Unreadable("not_a_table", "This is a packed file, but no Excel workbook (XLSX).")
    except archives.ArchiveTooLarge:
        raise _bomb() from None
    except archives.BadArchive:
        raise _broken() from None


def _read(file: IO[bytes], options: Options, *, rows: bool) -> sandbox.Result:
    try:
        return sandbox.run(
            "workbook_reader",
            file,
            owner=options.owner,
            cpu_seconds=ROWS_SECONDS if rows else sandbox.CPU_SECONDS,
            output_bytes=OUTPUT,
            rows=rows,
            head_rows=HEAD_ROWS,
            cell_length=CELL_LENGTH,
            max_columns=MAX_COLUMNS,
            max_rows=MAX_ROWS,
        )
    except sandbox.Refused as refusal:
        raise _unreadable(refusal.reason) from None


def _unreadable(reason: str) -> Unreadable:
    if reason == "columns":
        return too_many_columns()
    if reason == "rows":
        return too_many_rows()
    if reason == "entities":
        return Unreadable("forbidden_xml", "The workbook defines XML entities, which no Excel file needs.")
    if reason == "no_sheet":
        return Unreadable("empty_file", "The workbook has no visible sheet with cells.")
    return _broken() if reason == "broken" else _bomb()


def _bomb() -> Unreadable:
    return Unreadable(
        "too_large_unpacked",
        "Unpacked, this workbook would be far too large. Save only the sheet with the contacts, as CSV or XLSX.",
    )


def _broken() -> Unreadable:
    return Unreadable(
        "broken_file",
        "The workbook is damaged and cannot be read. Open it in Excel and save it anew, or as CSV.",
    )

"""XLSX: the archive is measured before it is opened, entities are refused, formulas give what they last showed."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import IO, Any
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException

from contacts.importing.limits import (
    CELL_LENGTH,
    MAX_COLUMNS,
    MAX_PARTS,
    MAX_RATIO,
    MAX_ROWS,
    MAX_STRINGS,
    MAX_UNZIPPED,
    Unreadable,
    too_many_columns,
    too_many_rows,
)
from contacts.importing.tables import Options, Row, Table, looks_like_names, name_columns

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
SMALL = 1024 * 1024
"""Parts below this size may be packed as well as they like."""
BLANK = (None,) * (MAX_COLUMNS + 1)
GAP = 100
"""Rows that a sheet may leave out beyond MAX_ROWS: its numbering is not trusted."""
BROKEN = (
    zipfile.BadZipFile, KeyError, ValueError, ParseError, TypeError, AttributeError, OSError, EOFError,
    IndexError, AssertionError, NotImplementedError, RuntimeError, OverflowError,
)  # fmt: skip
"""What openpyxl raises for files that are none."""


def open_xlsx(file: IO[bytes], options: Options) -> Table:
    """The first sheet that is shown, as a table. Raises Unreadable."""
    refuse_ole(file)
    check_archive(file)
    book, sheet = _first_sheet(file)
    names = [one.title for one in book.worksheets if one.sheet_state == "visible"]
    book.close()
    first = next((cells for _, cells in _rows(file, sheet) if any(cells)), None)
    if first is None:
        raise Unreadable("empty_file", f"The sheet “{sheet}” is empty. Put the contacts on the first sheet.")
    header = looks_like_names(first) if options.header is None else options.header
    columns, notes = name_columns(first, header)
    if len(names) > 1:
        notes.append(f"The file has several sheets; only the first, “{sheet}”, is read.")

    def read() -> Iterator[Row]:
        waits = header
        for number, cells in _rows(file, sheet):
            if waits and any(cells):
                waits = False
                continue
            yield number, cells

    return Table("xlsx", columns, read, header, notes=notes)


def refuse_ole(file: IO[bytes]) -> None:
    """Raises Unreadable for the old format and for files with a password: both look alike from outside."""
    file.seek(0)
    if file.read(8) == OLE:
        raise Unreadable(
            "old_excel",
            "This is an Excel file of the old format (XLS) or one with a password. Save it as XLSX without a password.",
        )


def check_archive(file: IO[bytes]) -> None:
    """Raises Unreadable for what would not be small when unpacked, or is no workbook."""
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
            if "xl/workbook.xml" not in archive.namelist():
                raise Unreadable("not_a_table", "This is a packed file, but no Excel workbook (XLSX).")
            if len(parts) > MAX_PARTS or any(_is_bomb(part) for part in parts):
                raise _bomb()
            if sum(part.file_size for part in parts) > MAX_UNZIPPED:
                raise _bomb()
            for part in parts:
                _refuse_entities(archive, part)
    except BROKEN:
        raise _broken() from None


def _is_bomb(part: zipfile.ZipInfo) -> bool:
    if part.filename.lower().endswith("sharedstrings.xml") and part.file_size > MAX_STRINGS:
        return True
    return part.file_size > SMALL and part.file_size > MAX_RATIO * max(part.compress_size, 1)


def _refuse_entities(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """A document type belongs at the beginning; Excel writes none."""
    if not part.filename.lower().endswith((".xml", ".rels", ".vml")):
        return
    with archive.open(part) as source:
        head = source.read(8192).replace(b"\x00", b"").lower()
    if b"<!doctype" in head or b"<!entity" in head:
        raise Unreadable("forbidden_xml", "The workbook defines XML entities, which no Excel file needs.")


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


def _first_sheet(file: IO[bytes]) -> tuple[Any, str]:
    book = _book(file)
    try:
        for sheet in book.worksheets:
            if sheet.sheet_state == "visible":
                return book, sheet.title
    except BROKEN:
        raise _broken() from None
    raise Unreadable("empty_file", "The workbook has no visible sheet with cells.")


def _book(file: IO[bytes]) -> Any:
    from openpyxl import load_workbook  # not loaded before somebody uploads a workbook

    file.seek(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return load_workbook(file, read_only=True, data_only=True, keep_links=False)
    except DefusedXmlException:
        raise Unreadable(
            "forbidden_xml", "The workbook defines XML entities, which no Excel file needs."
        ) from None
    except BROKEN:
        raise _broken() from None


def _rows(file: IO[bytes], title: str) -> Iterator[Row]:
    book = _book(file)
    try:
        sheet = book[title]
        sheet.reset_dimensions()  # what the file says of its size is not trusted
        found = sheet.iter_rows(max_row=MAX_ROWS + GAP, max_col=MAX_COLUMNS + 1, values_only=True)
        for number, values in enumerate(found, 1):
            if values == BLANK:
                continue
            if values[MAX_COLUMNS] is not None:
                raise too_many_columns()
            if number > MAX_ROWS + 1:
                raise too_many_rows()
            yield number, _cells(values)
    except DefusedXmlException:
        raise Unreadable(
            "forbidden_xml", "The workbook defines XML entities, which no Excel file needs."
        ) from None
    except BROKEN:
        raise _broken() from None
    finally:
        book.close()


def _cells(values: tuple[Any, ...]) -> list[str]:
    width = len(values)
    while width and values[width - 1] is None:
        width -= 1
    return [_text(value) for value in values[:width]]


def _text(value: Any) -> str:
    """A cell's value as it would be written: whole numbers with all their digits, dates in ISO 8601."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.strip().replace("\x00", "")[:CELL_LENGTH]
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date | time) else str(value)

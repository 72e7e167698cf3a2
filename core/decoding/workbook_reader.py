"""Reader of the first visible sheet of an XLSX workbook. Runs in the child process, with only calamine loaded.

`core.files.archives` has checked the archive's stated sizes; if they are false, the memory limit applies.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from itertools import islice
from typing import IO, Any

from child import Refused
from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

HEAD_CHARACTERS = 1_000_000
"""Characters of all rows of the head together."""
_MARKUP = (".xml", ".rels", ".vml")


def read(
    source: IO[bytes],
    out: IO[bytes],
    *,
    rows: bool,
    head_rows: int,
    cell_length: int,
    max_columns: int,
    max_rows: int,
) -> dict[str, Any]:
    """Describe the sheet: names of the visible sheets, number of rows, and the first rows.

    rows: write all non-empty rows to `out` instead, as lines of JSON [number, cells]; returns an empty mapping.
    Raises Refused("entities", "no_sheet", "columns", "rows").
    """
    _refuse_entities(source)
    source.seek(0)
    book = CalamineWorkbook.from_filelike(source)
    names = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.visible == SheetVisibleEnum.Visible and sheet.typ == SheetTypeEnum.WorkSheet
    ]
    if not names:
        raise Refused("no_sheet")
    sheet = book.get_sheet_by_name(names[0])
    all_rows = _rows(sheet, cell_length, max_columns, max_rows)
    if rows:
        for row in all_rows:
            out.write(json.dumps(row).encode() + b"\n")
        out.flush()
        return {}
    head: list[tuple[int, list[str]]] = []
    characters = 0
    for row in islice(all_rows, head_rows):
        characters += sum(map(len, row[1]))
        if head and characters > HEAD_CHARACTERS:
            break
        head.append(row)
    return {"names": names, "count": sheet.height, "head": head}


def _rows(sheet: Any, cell_length: int, max_columns: int, max_rows: int) -> Iterator[tuple[int, list[str]]]:
    if sheet.start is None:
        return
    if sheet.end[1] >= max_columns:
        raise Refused("columns")
    if sheet.end[0] > max_rows:
        raise Refused("rows")
    for number, values in enumerate(sheet.iter_rows(), 1):
        cells = [_text(value, cell_length) for value in values]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            yield number, cells


def _text(value: Any, cell_length: int) -> str:
    """Format a cell's value: whole numbers with all digits, dates in ISO 8601."""
    if isinstance(value, str):
        return value.strip().replace("\x00", "")[:cell_length]
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _refuse_entities(source: IO[bytes]) -> None:
    """Raise Refused for a part that begins with a document type, which Excel never writes."""
    with zipfile.ZipFile(source) as archive:
        for part in archive.infolist():
            if part.filename.lower().endswith(_MARKUP):
                with archive.open(part) as content:
                    head = content.read(8192).replace(b"\x00", b"").lower()
                if b"<!doctype" in head or b"<!entity" in head:
                    raise Refused("entities")

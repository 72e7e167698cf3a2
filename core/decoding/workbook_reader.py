"""The first visible sheet of an XLSX workbook. Runs in the child process, with nothing but calamine loaded.

Its archive has been measured before (`core.files.archives`); what lies about its size meets the limit of memory.
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
"""Of the first rows together, which are part of the answer."""
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
    """Describe the sheet: title, names of visible sheets, number of its rows, and its first rows.

    rows: write all of them to `out`, a JSON list [number, cells] a line, blank ones left out.
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
    found = _rows(sheet, cell_length, max_columns, max_rows)
    if rows:
        for row in found:
            out.write(json.dumps(row).encode() + b"\n")
        out.flush()
        return {}
    head: list[tuple[int, list[str]]] = []
    characters = 0
    for row in islice(found, head_rows):
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
    """A cell's value as it would be written: whole numbers with all their digits, dates in ISO 8601."""
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
    """Raises Refused for a document type, which belongs at the beginning of a part; Excel writes none."""
    with zipfile.ZipFile(source) as archive:
        for part in archive.infolist():
            if part.filename.lower().endswith(_MARKUP):
                with archive.open(part) as content:
                    head = content.read(8192).replace(b"\x00", b"").lower()
                if b"<!doctype" in head or b"<!entity" in head:
                    raise Refused("entities")

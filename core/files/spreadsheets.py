"""CSV and XLSX writers that are safe from formula injection.

Spreadsheet programs take a cell that begins with = + - @ (also after blanks) for a formula. In CSV such a cell gets an
apostrophe in front, these programs' own mark for text; `unescape` removes it. A number in E.164 (+ and digits only)
cannot be a formula and is kept, so that other programs can use it. In XLSX every text has the type text, and the quote
prefix that keeps it text when it is edited.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import IO, Any

CELL_LENGTH = 32_767
"""Characters of a cell (Excel's limit)."""
CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BLANKS = r"[\s\x00-\x20\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]*"
_TRIGGER = re.compile(_BLANKS + r"[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
_E164 = re.compile(r"\+[0-9]{6,15}")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML, and so XLSX, cannot contain."""


def is_risky(text: str) -> bool:
    """Whether a spreadsheet program might take `text` for a formula."""
    return bool(_TRIGGER.match(text)) and not _E164.fullmatch(text) and not _NUMBER.fullmatch(text)


def escape(value: Any) -> str:
    """Format and escape `value` for a cell of a CSV file."""
    text = to_text(value)
    return f"'{text}" if is_risky(text) else text


def unescape(text: str) -> str:
    """Undo `escape`."""
    return text[1:] if text.startswith("'") and is_risky(text[1:]) else text


def to_text(value: Any) -> str:
    """Format `value` as text: dates in ISO 8601, nothing for None, truncated to CELL_LENGTH."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    text = value.isoformat() if isinstance(value, date) else str(value)
    return text.replace("\x00", "")[:CELL_LENGTH]


class CsvWriter:
    """Writer of CSV: UTF-8 with a byte order mark (for Excel), all cells quoted, lines ended by CRLF.

    Quoted cells stay whole whatever separator a program expects.
    """

    content_type = CSV_TYPE

    def __init__(self, out: IO[bytes], columns: Sequence[str]) -> None:
        out.write("\ufeff".encode())
        self._writer = csv.writer(_Encoder(out), quoting=csv.QUOTE_ALL)
        self.write(columns)

    def write(self, row: Iterable[Any]) -> None:
        """Write one row."""
        self._writer.writerow([escape(cell) for cell in row])

    def close(self) -> None:
        """Do nothing: all rows are written, and `out` belongs to the caller."""


class _Encoder:
    """Text stream over a binary file, for the csv module."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out

    def write(self, text: str) -> int:
        return self._out.write(text.encode("utf-8", "replace"))


class XlsxWriter:
    """Writer of XLSX; rows are kept in a temporary file until `close`."""

    content_type = XLSX_TYPE

    def __init__(self, out: IO[bytes], columns: Sequence[str], title: str = "Contacts") -> None:
        from openpyxl import Workbook  # loaded on first use: few exports are XLSX

        self._out = out
        self._book = Workbook(write_only=True)
        self._sheet = self._book.create_sheet(title)
        self._sheet.freeze_panes = "A2"
        self.write(columns)

    def write(self, row: Iterable[Any]) -> None:
        """Add one row. Numbers, dates and booleans keep their type."""
        self._sheet.append([self._cell(value) for value in row])

    def close(self) -> None:
        """Write the file."""
        self._book.save(self._out)

    def _cell(self, value: Any) -> Any:
        from openpyxl.cell import WriteOnlyCell

        if value is None or value == "":
            return None
        if isinstance(value, datetime):
            value = value.replace(tzinfo=None)
        if isinstance(value, int | float | date):
            return value
        text = _ILLEGAL.sub("", to_text(value))
        cell = WriteOnlyCell(self._sheet, text)
        cell.data_type = "s"
        if is_risky(text) or text.startswith("+"):
            cell.quotePrefix = True
        return cell


WRITERS: dict[str, type[CsvWriter] | type[XlsxWriter]] = {"csv": CsvWriter, "xlsx": XlsxWriter}

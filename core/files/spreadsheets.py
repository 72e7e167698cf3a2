"""Tables as files for people and their programs, CSV and XLSX, in which nothing that a stranger wrote is calculated.

Spreadsheet programs take a cell that begins with = + - @ (also after blanks) for a formula. In CSV such a cell gets an
apostrophe in front, which is what those programs themselves write for "this is text"; `plain` takes it away again. A
number in E.164 (+ and digits, nothing else) cannot be a formula and stays as it is, or no other program could use it.
In XLSX every text is stored as text, and marked as text for those who edit it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import IO, Any

CELL_LENGTH = 32_767
"""Characters that a cell holds at most (Excel's limit)."""
CSV_TYPE = "text/csv; charset=utf-8"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BLANKS = r"[\s\x00-\x20\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]*"
_TRIGGER = re.compile(_BLANKS + r"[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
_E164 = re.compile(r"\+[0-9]{6,15}")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML, and so XLSX, cannot hold."""


def is_risky(text: str) -> bool:
    """Whether a spreadsheet program might calculate `text`."""
    return bool(_TRIGGER.match(text)) and not _E164.fullmatch(text) and not _NUMBER.fullmatch(text)


def safe(value: Any) -> str:
    """`value` as a cell of a CSV file that no program calculates."""
    text = words(value)
    return f"'{text}" if is_risky(text) else text


def plain(text: str) -> str:
    """A cell as it was before `safe`."""
    return text[1:] if text.startswith("'") and is_risky(text[1:]) else text


def words(value: Any) -> str:
    """`value` as text: dates in ISO 8601, nothing for None; never longer than a cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    text = value.isoformat() if isinstance(value, date) else str(value)
    return text.replace("\x00", "")[:CELL_LENGTH]


class CsvWriter:
    """Rows into a binary file: UTF-8 with a mark, so that Excel reads it, every cell in quotes, lines end with CRLF.

    Cells in quotes stay whole whatever separator a program expects.
    """

    content_type = CSV_TYPE

    def __init__(self, out: IO[bytes], columns: Sequence[str]) -> None:
        out.write("\ufeff".encode())
        self._writer = csv.writer(_Encoded(out), quoting=csv.QUOTE_ALL)
        self.write(columns)

    def write(self, row: Iterable[Any]) -> None:
        """One row."""
        self._writer.writerow([safe(cell) for cell in row])

    def close(self) -> None:
        """Every row is written already; the file stays open."""


class _Encoded:
    """What csv writes its text to."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out

    def write(self, text: str) -> int:
        return self._out.write(text.encode("utf-8", "replace"))


class XlsxWriter:
    """Rows into a binary file, streamed: the sheet is in a temporary file until it is closed."""

    content_type = XLSX_TYPE

    def __init__(self, out: IO[bytes], columns: Sequence[str], title: str = "Contacts") -> None:
        from openpyxl import Workbook  # not loaded before somebody wants a sheet

        self._out = out
        self._book = Workbook(write_only=True)
        self._sheet = self._book.create_sheet(title)
        self._sheet.freeze_panes = "A2"
        self.write(columns)

    def write(self, row: Iterable[Any]) -> None:
        """One row. Numbers, dates and yes/no stay what they are."""
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
        text = _ILLEGAL.sub("", words(value))
        cell = WriteOnlyCell(self._sheet, text)
        cell.data_type = "s"
        if is_risky(text) or text.startswith("+"):
            cell.quotePrefix = True
        return cell


WRITERS: dict[str, type[CsvWriter] | type[XlsxWriter]] = {"csv": CsvWriter, "xlsx": XlsxWriter}

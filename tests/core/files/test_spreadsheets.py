"""Tables for spreadsheet programs: nothing in them is calculated, and nothing is lost."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from core.files import spreadsheets

FORMULAS = [
    "=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1+1", "  =1+1", "\u200b=1", "\n=1", "\u00a0=1", "\ufeff=1",
    "=HYPERLINK(\"http://evil\")", "+cmd|' /C calc'!A0", "-2+3+cmd|' /C calc'!A0", "＝1+1", "\x00=1", "+49 30 =1",
]  # fmt: skip
HARMLESS = ["Anna", "+4930123456", "-5", "12.5", "a=b", "", "'quoted'", "a@b.example", "O'Neil"]


def rows_of(kind: str, *rows: list[object]) -> list[list[str]]:
    out = io.BytesIO()
    writer = spreadsheets.WRITERS[kind](out, ["Value"])
    for row in rows:
        writer.write(row)
    writer.close()
    out.seek(0)
    if kind == "csv":
        return list(csv.reader(io.StringIO(out.read().decode("utf-8-sig"), newline="")))
    sheet = load_workbook(out).active
    assert sheet is not None
    return [list(row) for row in sheet.iter_rows()]  # type: ignore[misc]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_in_csv_is_text(text: str) -> None:
    _, (cell,) = rows_of("csv", [text])
    assert cell.startswith("'")
    assert spreadsheets.unescape(cell) == text.replace("\x00", "")


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_formula_stays_as_it_is(text: str) -> None:
    _, (cell,) = rows_of("csv", [text])
    assert cell == text
    assert spreadsheets.unescape(cell) == text


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_in_xlsx_is_text_and_marked_as_such(text: str) -> None:
    _, (cell,) = rows_of("xlsx", [text])
    assert cell.data_type == "s"  # type: ignore[attr-defined]
    assert cell.quotePrefix  # type: ignore[attr-defined]


def test_numbers_of_phones_can_be_used_by_other_programs() -> None:
    _, (in_csv,) = rows_of("csv", ["+493012345678"])
    _, (in_xlsx,) = rows_of("xlsx", ["+493012345678"])
    assert in_csv == "+493012345678"
    assert (in_xlsx.value, in_xlsx.data_type) == ("+493012345678", "s")  # type: ignore[attr-defined]


def test_cells_are_in_quotes_so_that_no_separator_splits_them() -> None:
    out = io.BytesIO()
    writer = spreadsheets.CsvWriter(out, ["a"])
    writer.write(['x;=1+1,"y"'])
    writer.close()
    assert out.getvalue().decode("utf-8-sig") == '"a"\r\n"x;=1+1,""y"""\r\n'


def test_values_keep_their_kind_in_xlsx() -> None:
    moment = datetime(2026, 1, 31, 10, 30, tzinfo=UTC)
    _, cells = rows_of("xlsx", [12, 1.5, date(2026, 1, 31), moment, True, None, "bad\x01\ud800chars"])
    values = [cell.value for cell in cells]  # type: ignore[attr-defined]
    assert values[:3] == [12, 1.5, datetime(2026, 1, 31)]
    assert values[3] == moment.replace(tzinfo=None)
    assert values[4:] == [True, None, "badchars"]


def test_a_cell_has_a_limit() -> None:
    _, (cell,) = rows_of("csv", ["x" * 100_000])
    assert len(cell) == spreadsheets.CELL_LENGTH


@given(st.text(max_size=30))
def test_no_text_comes_out_as_a_formula_and_every_text_comes_back(text: str) -> None:
    cell = spreadsheets.escape(text)
    assert not spreadsheets.is_risky(cell)
    assert spreadsheets.unescape(cell) == spreadsheets.to_text(text) or text.startswith("'")

"""Files that want to break something. Each is refused with words, or read without harm and with a note."""

from __future__ import annotations

import io
import resource
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from contacts.importing import limits
from contacts.importing.files import count_rows, format_of, open_table
from contacts.importing.limits import Unreadable
from contacts.importing.tables import Options, Table
from tests.contacts.importing import samples
from tests.contacts.importing.samples import csv_bytes, repacked, xlsx

SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
BOMB_XML = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c t="inlineStr">
<is><t>&b;</t></is></c></row></sheetData></worksheet>"""
XXE = BOMB_XML.replace(b'<!ENTITY a "aaaaaaaaaa">', b'<!ENTITY a SYSTEM "file:///etc/passwd">')
PEOPLE = xlsx(["Name", "Phone"], ["Anna", "+447700900123"])


def read(content: bytes, **options: Any) -> Table:
    """Open it, count it and read it to its end, as an import does."""
    file = io.BytesIO(content)
    table = open_table(file, Options(**options))
    count_rows(table)
    for _ in table.rows():
        pass
    return table


def sheet(rows: str) -> bytes:
    return repacked(PEOPLE, sheet=SHEET.format(rows).encode())


def zip_of(*parts: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts:
            archive.writestr(name, content)
    return out.getvalue()


def lying_zip() -> bytes:
    """Says in its directory that a sheet is small; inside are 20 MB."""
    big = repacked(PEOPLE, sheet=b" " * 20_000_000)
    real = struct.pack("<L", 20_000_000)
    assert big.count(real)
    return big.replace(real, struct.pack("<L", 1000))


REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "nothing at all": (lambda: b"", "empty_file"),
    "only blanks": (lambda: b" \r\n\r\n \t\n", "empty_file"),
    "only a mark": (lambda: b"\xef\xbb\xbf", "empty_file"),
    "too many bytes": (lambda: b"a,b\n" * (limits.MAX_BYTES // 4 + 1), "file_too_large"),
    "too many columns": (lambda: csv_bytes([["x"] * 201]), "too_many_columns"),
    "too many columns later": (lambda: csv_bytes([["Name", "Phone"], ["x"] * 201]), "too_many_columns"),
    "a quotation mark that is never closed": (
        lambda: b'Name,Phone\n"Anna,1\n' + b"B,2\n" * 100_000, "broken_quotes"),
    "a cell without end": (lambda: b'Name,Phone\n"' + b"x" * 300_000 + b'",1\n', "broken_quotes"),
    "a line without end": (lambda: b"x" * 1_500_000, "line_too_long"),
    "a PDF": (lambda: b"%PDF-1.7 ...", "not_a_table"),
    "a program": (lambda: b"\x7fELF" + bytes(100), "not_a_table"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n", "not_a_table"),
    "a packed CSV": (lambda: b"\x1f\x8b\x08\x00", "not_a_table"),
    "a database": (lambda: b"SQLite format 3\x00", "not_a_table"),
    "an old or encrypted Excel file": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "old_excel"),
    "a zip of something else": (lambda: zip_of(("evil.exe", b"MZ")), "not_a_table"),
    "a zip that is cut off": (lambda: PEOPLE[: len(PEOPLE) // 2], "broken_file"),
    "a zip with too many parts": (
        lambda: zip_of(("xl/workbook.xml", b"x"), *((f"{n}", b"") for n in range(2_001))), "too_large_unpacked"),
    "a zip bomb in the sheet": (lambda: repacked(PEOPLE, sheet=b" " * 80_000_000), "too_large_unpacked"),
    "a zip bomb beside the sheet": (lambda: repacked(PEOPLE, extra=bytes(50_000_000)), "too_large_unpacked"),
    "a zip that lies about its size": (lying_zip, "broken_file"),
    "entities that multiply": (lambda: repacked(PEOPLE, sheet=BOMB_XML), "forbidden_xml"),
    "an entity that reads a file": (lambda: repacked(PEOPLE, sheet=XXE), "forbidden_xml"),
    "entities in UTF-16": (
        lambda: repacked(PEOPLE, sheet=XXE.decode().replace('"1.0"', '"1.0" encoding="UTF-16"').encode("utf-16")),
        "forbidden_xml"),
    "a sheet that is no XML": (lambda: repacked(PEOPLE, sheet=b"<worksheet><sheetData><row"), "broken_file"),
    "a workbook that is no XML": (lambda: repacked(PEOPLE, workbook=b"\x00\x01"), "broken_file"),
    "a cell far to the right": (
        lambda: sheet('<row r="1"><c r="A1" t="inlineStr"><is><t>x</t></is></c><c r="GS1"><v>1</v></c></row>'),
        "too_many_columns"),
    "a text that is not in the table of texts": (
        lambda: sheet('<row r="1"><c r="A1" t="s"><v>999999</v></c></row>'), "broken_file"),
    "a vCard without a card": (lambda: b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Anna\r\n", "empty_file"),
}  # fmt: skip


@contextmanager
def little_memory(megabytes: int) -> Iterator[None]:
    """Only so much more than the process has now; MemoryError beyond it. Linux only."""
    if sys.platform != "linux":
        yield
        return
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + megabytes * 1024 * 1024, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_is_refused_with_words_in_little_memory(name: str) -> None:
    make, code = REFUSED[name]
    content = make()
    with little_memory(48), pytest.raises(Unreadable) as refusal:
        read(content)
    assert refusal.value.code == code
    assert len(refusal.value.message) > 30
    assert refusal.value.message[0].isupper()


def test_more_rows_than_allowed_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("contacts.importing.files.MAX_ROWS", 100)
    monkeypatch.setattr("contacts.importing.xlsx_reader.MAX_ROWS", 100)
    rows = [["Name", "Phone"], *([f"n{number}", f"+44770090{number:04d}"] for number in range(102))]
    for content in (csv_bytes(rows), xlsx(*rows)):
        with pytest.raises(Unreadable, match="more than 500,000 rows"):
            read(content)


def test_a_row_far_below_costs_no_memory_and_is_refused() -> None:
    content = sheet('<row r="1048576"><c r="A1048576" t="inlineStr"><is><t>x</t></is></c></row>')
    with pytest.raises(Unreadable):
        read(content)


def test_duplicate_headers_get_names_of_their_own_and_a_note() -> None:
    table = read(b"Phone,Phone,Phone (2),\n+447700900123,1,2,3\n")
    assert table.columns == ["Phone", "Phone (2)", "Phone (2) (2)", "Column D"]
    assert any("Several columns are called “Phone”" in note for note in table.notes)


def test_nuls_are_left_out_with_a_note() -> None:
    table = read(b"Name,Phone\nAn\x00na,+447700900123\n")
    assert [cells for _, cells in table.rows()] == [["Anna", "+447700900123"]]
    assert any("NUL" in note for note in table.notes)


def test_bytes_that_fit_no_encoding_are_shown_as_such() -> None:
    table = read(b"Name,Phone\nAn\xffna,+447700900123\n", encoding="utf-8")
    assert [cells for _, cells in table.rows()] == [["An\ufffdna", "+447700900123"]]
    assert any("encoding" in note for note in table.notes)


def test_an_encoding_that_cannot_be_or_does_not_exist_is_refused() -> None:
    with pytest.raises(Unreadable) as refusal:
        read(b"Name,Phone\n", encoding="no-such-encoding")
    assert refusal.value.code == "wrong_encoding"


def test_formulas_are_text_and_never_calculated() -> None:
    table = read(b'Name,Phone\n"=HYPERLINK(""http://evil"")",+447700900123\n@SUM(1),2\n')
    assert [cells[0] for _, cells in table.rows()] == ['=HYPERLINK("http://evil")', "@SUM(1)"]
    content = xlsx(["Name", "Phone"], ['=WEBSERVICE("http://evil")', "+447700900123"])
    (row,) = [cells for _, cells in read(content).rows()]
    assert row[0] == "", "a formula that was never calculated shows nothing"


def test_a_vcard_that_goes_on_and_on_stays_small() -> None:
    endless = b"BEGIN:VCARD\nFN:Anna\nTEL:+447700900123\nNOTE:" + (b"x" * 70 + b"\n ") * 20_000 + b"\n"
    nested = b"BEGIN:VCARD\nAGENT:\nBEGIN:VCARD\nFN:Inner\nEND:VCARD\nEND:VCARD\n" * 3
    photo = b"PHOTO;ENCODING=b:" + (b"\n " + b"A" * 75) * 20_000 + b"\nEND:VCARD\n"
    table = read(endless + photo + nested)
    rows = [cells for _, cells in table.rows()]
    assert rows[0][0] == "Anna"
    assert max(len(cell) for cell in rows[0]) <= limits.CELL_LENGTH


def test_a_vcard_of_nonsense_is_read_without_harm() -> None:
    lines = b"".join(b'X-%d;;;="":;;;:\\\\\\\n' % number for number in range(2_000))
    table = read(b"BEGIN:VCARD\n;;;\n:::\nTEL\nN:\nFN:\\\n" + lines + b"TEL:+447700900123\nEND:VCARD\n")
    assert len(list(table.rows())) <= 1


def test_the_right_kind_is_found_by_content_and_not_by_name() -> None:
    assert format_of(io.BytesIO(samples.VCARD_3)) == "vcard"
    assert format_of(io.BytesIO(PEOPLE)) == "xlsx"
    assert format_of(io.BytesIO(b"begin,vcard\n")) == "csv"
    assert format_of(io.BytesIO("BEGIN:VCARD\nEND:VCARD".encode("utf-16"))) == "vcard"


def test_random_bytes_never_break_the_readers() -> None:
    for seed in range(60):
        noise = zlib.compress(bytes([seed]) * 50) * (seed + 1)
        for head in (b"", b"PK\x03\x04", b"BEGIN:VCARD\n", b"\xff\xfe", b"Name,Phone\n"):
            with suppress(Unreadable):
                read(head + noise)

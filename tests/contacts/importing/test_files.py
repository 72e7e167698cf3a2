"""Files of real programs, read as tables."""

from __future__ import annotations

import io
from datetime import date, datetime

import pytest

from contacts.importing.files import count_rows, open_table
from contacts.importing.tables import Options, Table
from tests.contacts.importing import samples
from tests.contacts.importing.samples import csv_bytes


def opened(content: bytes, **options: object) -> Table:
    return open_table(io.BytesIO(content), Options(**options))  # type: ignore[arg-type]


def as_dicts(table: Table) -> list[dict[str, str]]:
    return [dict(zip(table.columns, cells, strict=False)) for _, cells in table.rows()]


def test_an_export_of_google_contacts() -> None:
    table = opened(samples.google())
    anna, bela = as_dicts(table)
    assert (table.format, table.encoding, table.delimiter) == ("csv", "utf-8", ",")
    assert anna["Last Name"] == "Ängström"
    assert anna["Phone 2 - Value"] == "+44 7700 900123 ::: +44 7700 900124"
    assert bela["Phone 1 - Value"] == "+36 30 123 4567"


def test_an_export_of_outlook_in_utf_16() -> None:
    table = opened(samples.outlook())
    juergen, oedipe = as_dicts(table)
    assert (table.encoding, table.delimiter) == ("utf-16", "\t")
    assert juergen["Company"] == "Müller & Söhne"
    assert juergen["Notes"] == "spricht\nDeutsch"
    assert oedipe["First Name"] == "Œdipe"
    assert [number for number, _ in table.rows()] == [2, 4], "lines of the file, although a cell has two"


def test_utf_16_without_a_mark_is_recognised() -> None:
    table = opened(csv_bytes([["Name", "Phone"], ["Zoë", "+447700900123"]], encoding="utf-16-le"))
    assert as_dicts(table) == [{"Name": "Zoë", "Phone": "+447700900123"}]


def test_a_vcard_3_with_several_numbers() -> None:
    (ada,) = as_dicts(opened(samples.VCARD_3))
    assert ada["Name"] == "Ada Lovelace"
    assert (ada["Phone 1"], ada["Phone 2"], ada["Phone 3"]) == ("+44 7700 900456", "+44 20 7946 0018", "")
    assert ada["E-mail 1"] == "ada@example.com"
    assert ada["Company"] == "Analytical Engines, Ltd, Research"
    assert ada["Note"] == "First line\nsecond; line"
    assert ada["Categories"] == "VIP,Friends"


def test_a_vcard_4_with_several_numbers() -> None:
    table = opened(samples.VCARD_4)
    first, second = as_dicts(table)
    assert first["Name"] == "Żółty Kowalski"
    assert (first["Phone 1"], first["Phone 2"]) == ("+48-601-234-567", "+48-22-123-45-67")
    assert second["Phone 1"] == "+48601234568"
    assert count_rows(table) == 2


def test_a_vcard_2_1_of_an_old_phone() -> None:
    (juergen,) = as_dicts(opened(samples.VCARD_21))
    assert juergen["Name"] == "Jürgen Müller"
    assert (juergen["Phone 1"], juergen["Phone 2"]) == ("+4915123456789", "")


def test_a_workbook_with_dates_and_numbers() -> None:
    content = samples.xlsx(
        ["Name", "Phone", "Since", "At", "Spent", "VIP", None, "Formula"],
        ["Anna", 447700900123, date(2026, 1, 31), datetime(2026, 1, 31, 10, 30), 12.5, True, None, "=1+1"],
        [None, None, None],
        ["Béla", 447700900124.0, "x"],
        sheets=("People", "Rest"),
    )
    table = opened(content)
    anna, bela = as_dicts(table)
    assert anna == {
        "Name": "Anna",
        "Phone": "447700900123",
        "Since": "2026-01-31",
        "At": "2026-01-31 10:30:00",
        "Spent": "12.5",
        "VIP": "yes",
    }
    assert bela["Phone"] == "447700900124"
    assert [number for number, _ in table.rows()] == [2, 4]
    assert "only the first, “People”" in table.notes[0]
    assert count_rows(table) >= 2


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_any_delimiter_in_any_unicode(delimiter: str, encoding: str) -> None:
    rows = [["Name", "Phone", "City"], ["Zoë, the; first", "+447700900123", "São Paulo"], ["X", "1", ""]]
    table = opened(csv_bytes(rows, delimiter=delimiter, encoding=encoding))
    assert table.delimiter == delimiter
    assert as_dicts(table)[0] == {"Name": "Zoë, the; first", "Phone": "+447700900123", "City": "São Paulo"}


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("cp1252", ["Jürgen Müller", "François Lefèvre", "José Muñoz", "Søren Kjærgaard", "Zoë Noël"]),
        ("cp1251", ["Анна Иванова", "Борис Петров", "Владимир Сидоров", "Екатерина Смирнова"]),
        ("cp1253", ["Γιώργος Παπαδόπουλος", "Μαρία Κωνσταντίνου", "Ελένη Δημητρίου"]),
        ("cp932", ["山田太郎", "鈴木花子", "佐藤一郎", "高橋さくら", "東京都千代田区"]),
        ("gb18030", ["王小明", "李华", "张伟", "北京市朝阳区", "上海市浦东新区"]),
    ],
)
def test_encodings_of_languages_are_found(encoding: str, names: list[str]) -> None:
    rows = [["Name", "Phone"], *([name, "+447700900123"] for name in names * 3)]
    table = opened(csv_bytes(rows, encoding=encoding))
    assert [row["Name"] for row in as_dicts(table)][: len(names)] == names, table.encoding


def test_a_person_may_say_how_the_file_is_to_be_read() -> None:
    content = csv_bytes([["Łukasz", "5"], ["Zażółć", "6"]], delimiter="5", encoding="cp1250")
    table = opened(content.replace(b"5", b"|"), encoding="cp1250", delimiter="|", header=False)
    assert table.columns == ["Column A", "Column B"]
    assert [cells[0] for _, cells in table.rows()] == ["Łukasz", "Zażółć"]


def test_a_file_without_names_of_columns() -> None:
    table = opened(b"Anna,+447700900123\nB,+447700900124\n")
    assert not table.header
    assert [number for number, _ in table.rows()] == [1, 2]


def test_excels_own_line_about_the_separator() -> None:
    table = opened(b"sep=;\r\nName;Phone\r\nA,B;+447700900123\r\n")
    assert as_dicts(table) == [{"Name": "A,B", "Phone": "+447700900123"}]
    assert [number for number, _ in table.rows()] == [3]


def test_the_spelling_that_keeps_excel_from_calculating_is_understood() -> None:
    table = opened(b'Name;Phone\r\nA;"=""0044770"""\r\n')
    assert as_dicts(table) == [{"Name": "A", "Phone": "0044770"}]


def test_one_column_of_numbers_is_a_table() -> None:
    table = opened(b"+447700900123\r\n+447700900124\r\n\r\n")
    assert [cells for _, cells in table.rows()] == [["+447700900123"], ["+447700900124"]]


def test_a_table_can_be_read_again() -> None:
    table = opened(samples.google())
    assert as_dicts(table) == as_dicts(table)


def test_a_workbook_of_more_rows_than_its_pages_show_is_read_to_its_end() -> None:
    people = [[f"Person {number}", f"+44770090{number:04d}"] for number in range(600)]
    table = opened(samples.xlsx(["Name", "Phone"], *people))
    assert count_rows(table) == 601
    assert [cells for _, cells in table.rows()] == people
    assert [number for number, _ in table.rows()] == list(range(2, 602))
